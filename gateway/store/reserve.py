"""Disk space kept in hand for the day when something else has filled the disk.

A database cannot even be opened on a full disk, and nothing heard can be stored: the gateway would be deaf
until somebody comes. The reserve is a file of nothing in data_dir. It goes when the disk is full, so that the
gateway starts and incidents are stored, and is made anew when there is room.
"""

import contextlib
import os
import shutil
from pathlib import Path

RESERVE_NAME = "reserve"
RESERVE_BYTES = 16 * 1024**2
SHARE = 20
"""At most this part of the disk."""
LEAST_BYTES = 512 * 1024
FULL_BELOW_BYTES = 256 * 1024
"""With less than this left the next thing that is stored may be refused."""


class Reserve:
    """The reserve of one data_dir. Any thread; nothing here raises."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / RESERVE_NAME

    @property
    def size_bytes(self) -> int:
        """How large it is; 0 when it is not there."""
        with contextlib.suppress(OSError):
            return self._path.stat().st_size
        return 0

    def keep(self) -> None:
        """Make it where it is not there and would leave the disk at least as much again."""
        with contextlib.suppress(OSError):
            disk = shutil.disk_usage(self._path.parent)
            size = min(RESERVE_BYTES, disk.total // SHARE)
            if self.size_bytes or size < LEAST_BYTES or disk.free < 2 * size + FULL_BELOW_BYTES:
                return
            draft = self._path.with_suffix(".tmp")
            descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o640)
            try:
                os.posix_fallocate(descriptor, 0, size)
                os.fsync(descriptor)
            except OSError:
                draft.unlink()
                raise
            finally:
                os.close(descriptor)
            draft.rename(self._path)

    def give_up(self) -> int:
        """Let its space be used; return how many bytes that is, 0 when it was not there."""
        size = self.size_bytes
        try:
            self._path.unlink()
        except OSError:
            return 0
        return size


def is_full(folder: Path) -> bool:
    """Say whether a folder's disk has no room left. Raises OSError."""
    return shutil.disk_usage(folder).free < FULL_BELOW_BYTES
