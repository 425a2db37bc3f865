"""Files that are there completely or not at all, whenever the process or the power goes."""

import contextlib
import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from gateway.model import RATE_HZ

SAMPLE_BYTES: Final = 2
WAV_HEADER_BYTES: Final = 44
MOST_LINE_BYTES: Final = 4096
"""What a part's first line, which says what it is, may take."""
_COPY_BYTES: Final = 256 * 1024


def copy_as_wav(part_path: Path, wav_path: Path) -> tuple[str, int]:
    """Copy what follows a part's first line behind a WAV header; return SHA-256 in hex and size in bytes.

    Raises:
        OSError: it cannot be read or written; nothing is left of the WAV file then.
    """
    digest = hashlib.sha256()
    with part_path.open("rb") as part, replacing(wav_path) as wav:
        part.readline(MOST_LINE_BYTES)
        left = part_path.stat().st_size - part.tell()
        # A write cut short by the crash may have left half a sample.
        left -= left % SAMPLE_BYTES
        size_bytes = WAV_HEADER_BYTES + left
        piece = wav_header(left)
        while piece:
            digest.update(piece)
            wav.write(piece)
            piece = part.read(min(left, _COPY_BYTES))
            left -= len(piece)
    return digest.hexdigest(), size_bytes


def wav_header(pcm_bytes: int) -> bytes:
    """The header of a mono 16-bit file at RATE_HZ with so many bytes of samples."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", WAV_HEADER_BYTES - 8 + pcm_bytes, b"WAVE"),
        *(b"fmt ", 16, 1, 1, RATE_HZ, RATE_HZ * SAMPLE_BYTES, SAMPLE_BYTES, 8 * SAMPLE_BYTES),
        *(b"data", pcm_bytes),
    )


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file so that after a crash it is there completely or not at all."""
    draft = path.with_name(path.name + ".tmp")
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(file: BinaryIO, content: bytes) -> None:
    """Write to an unbuffered file, which may take a piece at a time."""
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]
