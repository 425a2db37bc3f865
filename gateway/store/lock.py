"""Only one gateway may work in a data folder: two would number the same events twice."""

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import Self

from gateway.errors import StoreUnavailable

LOCK_NAME = "gateway.lock"


TRIES = 4
"""Who asks whether the folder is taken holds the lock for a moment himself."""


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
            _lock(descriptor)
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

    @staticmethod
    def is_taken(data_dir: Path) -> bool | None:
        """Say whether a gateway works in this folder now; None when this user cannot tell."""
        try:
            descriptor = os.open(data_dir / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return False

    def release(self) -> None:
        """Let others in. May be called twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _lock(descriptor: int) -> None:
    """Take the lock; raises OSError when somebody keeps it."""
    for tries_left in reversed(range(TRIES)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not tries_left:
                raise
            time.sleep(0.02)
        else:
            return
