"""A database file that goes bad, or away, while the gateway works with it.

Neither mends itself in a running process. The gateway ends, its service manager starts it again, and the
start finds what this module has left: a mark that the file is damaged, even where a quick check does not
look, or a copy of what was removed.
"""

import contextlib
import os
from pathlib import Path

from gateway.errors import StoreUnavailable

MARK_SUFFIX = ".is-damaged"
_COPY_BYTES = 1024 * 1024


def mark_damaged(path: Path, why: str) -> None:
    """Have the next start replace this database. A disk that refuses leaves it to the start to find out."""
    with contextlib.suppress(OSError):
        path.with_name(path.name + MARK_SUFFIX).write_text(why, encoding="utf-8")


def marked(path: Path) -> str | None:
    """Return why an earlier run found this database damaged, None when none did."""
    with contextlib.suppress(OSError):
        return path.with_name(path.name + MARK_SUFFIX).read_text(encoding="utf-8")
    return None


def unmark(path: Path) -> None:
    """Forget the mark: the database was replaced. Raises OSError."""
    path.with_name(path.name + MARK_SUFFIX).unlink(missing_ok=True)


def inode_of(path: Path) -> tuple[int, int] | None:
    """Return which file lies at a path; None when there is none."""
    with contextlib.suppress(OSError):
        found = path.stat()
        return found.st_dev, found.st_ino
    return None


def keep_copy(path: Path) -> Path:
    """Write what this process's open database holds where it was, or beside what lies there now.

    Call within a transaction: then file and write-ahead log fit together. Returns where it is.

    Raises:
        StoreUnavailable: that could not be written; it is tried again the next time somebody looks.
    """
    place = path.with_name(path.name + ".replaced") if path.exists() else path
    try:
        path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        for suffix in ("-wal", ""):
            source = path.with_name(path.name + suffix)
            target = place.with_name(place.name + suffix)
            descriptor = _open_descriptor(source)
            if descriptor is None or inode_of(target) == inode_of(Path(f"/proc/self/fd/{descriptor}")):
                continue
            draft = target.with_name(target.name + ".copy")
            with draft.open("wb") as copy:
                at = 0
                # Read by the descriptor itself: opening and closing another would drop SQLite's locks.
                while piece := os.pread(descriptor, _COPY_BYTES, at):
                    copy.write(piece)
                    at += len(piece)
                copy.flush()
                os.fsync(copy.fileno())
            draft.replace(target)
    except OSError as error:
        raise StoreUnavailable(f"{path}: was removed, and no copy can be written ({error})") from error
    return place


def _open_descriptor(path: Path) -> int | None:
    """Return this process's descriptor of the file that lies, or lay, at a path; None when it has none."""
    wanted = str(path.parent.resolve() / path.name)
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if str(entry.readlink()).removesuffix(" (deleted)") == wanted:
                return int(entry.name)
    return None
