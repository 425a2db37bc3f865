"""Only one gateway may work in a data folder: two would number the same events twice."""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Self

from gateway.errors import StoreUnavailable

LOCK_NAME = "gateway.lock"


class FolderLock:
    """The kernel's lock on a file in data_dir; it goes with the process, so none is ever stale."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, data_dir: Path) -> Self:
        """Take the lock or say who has it.

        Raises:
            StoreUnavailable: another gateway works in this folder, or the folder cannot be written.
        """
        path = data_dir / LOCK_NAME
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as error:
            raise StoreUnavailable(
                f"{path}: cannot be written ({error.strerror}); check who owns the folder"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise StoreUnavailable(
                f"{data_dir}: another radio-gateway (process {holder}) works in this folder; "
                "stop it, or give this one a data_dir of its own"
            ) from error
        # The number is only for the message above; a full disk must not keep the gateway from starting.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let others in. May be called twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
