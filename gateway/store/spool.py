r"""Audio on disk from the first frame on, so that a call being received outlives the process.

    begin     <day>/<id>.part   a line of JSON (radio, start), then raw int16 as it arrives, unbuffered
    finish    <day>/<id>.wav    written beside, fsynced, renamed; then <id>.json says how it ended,
                                then the .part goes
    settled   <id>.json goes    the store knows the transmission, nothing is left to recover

Whatever moment the process dies, `recover` finds either a .part (end "stopped") or a .json beside a complete
.wav. A frame is in the kernel's hands when `append` returns: a killed process loses none; a power cut may
take the last seconds, because an fsync per frame would wear out a flash card and stall capture.

WAV rather than FLAC: it is the bytes that were appended behind a header of 44, so closing a file costs the
capture thread no encoding and anything can play it. FLAC would halve the space; that is for retention to do
later, when nobody waits.
"""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gateway.errors import BadInput, MissingInput, StoreUnavailable
from gateway.faultpoints import passing
from gateway.model import RATE_HZ, End, Pcm
from gateway.store.records import Notice, RecoveredTransmission, SpooledAudio
from gateway.store.wholefiles import (
    MOST_LINE_BYTES,
    SAMPLE_BYTES,
    WAV_HEADER_BYTES,
    copy_as_wav,
    replacing,
    sync_folder,
    wav_header,
    write_all,
)

SPOOL_NAME = "spool"
_SAFE_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")


class Spool:
    """The audio folder of one gateway. Different transmissions may be spooled from different threads."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._root = data_dir / SPOOL_NAME

    def begin(self, transmission_id: str, radio_id: str, started_at: datetime) -> "SpoolFile":
        """Start keeping a transmission, in the folder of the day it started on.

        Raises:
            ValueError: the id is no plain word and could lead out of the spool.
            StoreUnavailable: the file cannot be made.
        """
        if not _SAFE_ID.fullmatch(transmission_id):
            raise ValueError(f"transmission id {transmission_id!r} cannot name a file")
        base = self._root / f"{started_at:%Y-%m-%d}" / transmission_id
        about = {"id": transmission_id, "radio_id": radio_id, "started_at": started_at.isoformat()}
        with _in_words(base):
            base.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            part = base.with_suffix(".part").open("xb", buffering=0)
            try:
                write_all(part, json.dumps(about).encode() + b"\n")
            except BaseException:
                part.close()
                base.with_suffix(".part").unlink()
                raise
        passing("spool.opened")
        return SpoolFile(self._data_dir, base, about, part)

    def keep(self, transmission_id: str, started_at: datetime, pcm: Pcm) -> SpooledAudio:
        """Keep the whole of what the gateway is about to say, which no start takes for something heard.

        Raises:
            ValueError: the id is no plain word.
            StoreUnavailable: the disk refuses.
        """
        if not _SAFE_ID.fullmatch(transmission_id):
            raise ValueError(f"transmission id {transmission_id!r} cannot name a file")
        path = self._root / f"{started_at:%Y-%m-%d}" / f"{transmission_id}.wav"
        content = pcm.astype("<i2", copy=False).tobytes()
        content = wav_header(len(content)) + content
        with _in_words(path):
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            with replacing(path) as file:
                file.write(content)
            sync_folder(path.parent)
        return SpooledAudio(
            ref=path.relative_to(self._data_dir).as_posix(),
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            duration_s=len(pcm) / RATE_HZ,
        )

    def settled(self, transmission_id: str, ref: str) -> None:
        """Forget the note that would bring a transmission back at the next start: the store knows it now."""
        note = self.path(ref).with_suffix(".json")
        if note.stem != transmission_id:
            raise ValueError(f"{ref} is not the audio of transmission {transmission_id}")
        with _in_words(note):
            note.unlink(missing_ok=True)
        passing("spool.settled")

    def discard(self, ref: str) -> None:
        """Delete what was kept and never said. Raises BadInput and StoreUnavailable."""
        path = self.path(ref)
        with _in_words(path):
            path.unlink(missing_ok=True)

    def finished(self) -> dict[str, tuple[str, int, datetime]]:
        """Return by transmission id what is complete and has no note: reference, bytes, and since when.

        The day in its folder's name tells since when; a file's own date would be that of a copy.
        """
        found: dict[str, tuple[str, int, datetime]] = {}
        for path in self._root.glob("*/*.wav"):
            if path.with_suffix(".part").exists() or path.with_suffix(".json").exists():
                continue
            with contextlib.suppress(ValueError, OSError):
                since = datetime.fromisoformat(path.parent.name).replace(tzinfo=UTC)
                ref = path.relative_to(self._data_dir).as_posix()
                found[path.stem] = (ref, path.stat().st_size, since)
        return found

    def recover(
        self, is_known: Callable[[str], bool] = lambda _: False
    ) -> tuple[list[RecoveredTransmission], list[Notice]]:
        """Bring back what an earlier process left, oldest first. Call at start, before any capture.

        Transmissions that `is_known` answers for are only tidied up. A file that makes no sense is kept with
        the suffix .damaged and named in a notice.
        """
        recovered: list[RecoveredTransmission] = []
        notices: list[Notice] = []
        leftovers = sorted({p.with_suffix("") for s in ("json", "part") for p in self._root.glob(f"*/*.{s}")})
        for base in leftovers:
            try:
                found = self._recover_one(base)
            except (BadInput, ValueError, KeyError, TypeError) as error:
                notices.append(_keep_damaged(base, error))
                continue
            except StoreUnavailable as error:
                notices.append(Notice("spool", str(error), "free space or mend the disk, then restart"))
                continue
            if found is not None and not is_known(found.id):
                recovered.append(found)
            elif found is not None:
                self.settled(found.id, found.audio.ref)
        recovered.sort(key=lambda found: found.started_at)
        for stale in self._root.glob("*/*.tmp"):
            stale.unlink(missing_ok=True)
        return recovered, notices

    def _recover_one(self, base: Path) -> RecoveredTransmission | None:
        """Complete one leftover; None when it held no audio at all and is gone now."""
        note, part_path = base.with_suffix(".json"), base.with_suffix(".part")
        with _in_words(base):
            if note.exists() and base.with_suffix(".wav").exists():
                part_path.unlink(missing_ok=True)
                return _from_note(json.loads(note.read_text(encoding="utf-8")))
            if not part_path.exists():
                raise BadInput(f"{note}: its audio {base.name}.wav is gone")
            with part_path.open("rb") as part:
                header = part.readline(MOST_LINE_BYTES)
                pcm_bytes = part_path.stat().st_size - part.tell()
            if len(header) < MOST_LINE_BYTES and not header.endswith(b"\n"):
                # Killed before the header was whole: no audio was kept yet.
                part_path.unlink()
                return None
            about = json.loads(header)
            if about["id"] != base.name:
                raise BadInput(f"{part_path}: says it is {about['id']!r}")
            if pcm_bytes < SAMPLE_BYTES:
                part_path.unlink()
                return None
            unfinished = SpoolFile(self._data_dir, base, about, part_path.open("ab", buffering=0))
        audio = unfinished.finish(End.STOPPED)
        return RecoveredTransmission(
            id=about["id"],
            radio_id=about["radio_id"],
            started_at=datetime.fromisoformat(about["started_at"]),
            end=End.STOPPED,
            dropped_frames=0,
            audio=audio,
        )

    def path(self, ref: str) -> Path:
        """Turn a reference from an event into a path, which is always inside the spool.

        Raises:
            BadInput: the reference leads elsewhere.
        """
        return spool_path(self._data_dir, ref)

    def read(self, ref: str) -> Pcm:
        """Read a finished transmission's samples.

        Raises:
            MissingInput: the file is gone.
            BadInput: it is no spooled WAV file, or leads out of the spool.
        """
        path = self.path(ref)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise MissingInput(f"{path}: cannot be read ({error.strerror}); was it deleted?") from error
        if len(content) < WAV_HEADER_BYTES or content[:4] != b"RIFF" or content[36:40] != b"data":
            raise BadInput(f"{path}: is not a WAV file that this gateway wrote")
        return np.frombuffer(content, dtype="<i2", offset=WAV_HEADER_BYTES).astype(np.int16)


class SpoolFile:
    """One transmission being kept. Belongs to the thread that began it, until finish or discard."""

    def __init__(self, data_dir: Path, base: Path, about: dict[str, str], part: BinaryIO) -> None:
        self._data_dir = data_dir
        self._base = base
        self._about = about
        self._part: BinaryIO | None = part
        self._is_over = False

    def append(self, pcm: Pcm) -> None:
        """Keep more samples; they outlive the process when this returns.

        Raises:
            StoreUnavailable: the disk refused; what was kept before is still there.
        """
        self._refuse_when_over()
        with _in_words(self._base):
            part = self._part or self._base.with_suffix(".part").open("ab", buffering=0)
            self._part = None
            begun_at = part.seek(0, os.SEEK_END)
            try:
                write_all(part, pcm.astype("<i2", copy=False).tobytes())
            except OSError:
                # Half a sample left at the end would shift every sample after it by a byte.
                part.truncate(begun_at)
                part.close()
                raise
            self._part = part
        passing("frame.appended")

    def finish(self, end: End, dropped_frames: int = 0) -> SpooledAudio:
        """Make the WAV file and return what the events say about it. It is durable when this returns.

        Raises:
            StoreUnavailable: the disk refused; the audio is still there for `recover`.
        """
        self._refuse_when_over()
        self._close()
        part_path = self._base.with_suffix(".part")
        wav_path = self._base.with_suffix(".wav")
        with _in_words(self._base):
            sha256, size_bytes = copy_as_wav(part_path, wav_path)
            passing("spool.wav_written")
            audio = SpooledAudio(
                ref=wav_path.relative_to(self._data_dir).as_posix(),
                sha256=sha256,
                size_bytes=size_bytes,
                duration_s=(size_bytes - WAV_HEADER_BYTES) / SAMPLE_BYTES / RATE_HZ,
            )
            note = {**self._about, "end": end.value, "dropped_frames": dropped_frames, "audio": asdict(audio)}
            with replacing(self._base.with_suffix(".json")) as file:
                file.write(json.dumps(note).encode())
            passing("spool.note_written")
            sync_folder(self._base.parent)
            part_path.unlink()
        passing("transmission.completed")
        return audio

    def discard(self) -> None:
        """Forget the transmission: it was nothing. May be called twice; never undoes a finish."""
        if not self._is_over:
            self._close()
            self._base.with_suffix(".part").unlink(missing_ok=True)

    def _close(self) -> None:
        self._is_over = True
        if self._part is not None:
            self._part.close()
            self._part = None

    def _refuse_when_over(self) -> None:
        if self._is_over:
            raise ValueError(f"transmission {self._about['id']} was finished or discarded")


def _from_note(note: dict[str, Any]) -> RecoveredTransmission:
    return RecoveredTransmission(
        id=note["id"],
        radio_id=note["radio_id"],
        started_at=datetime.fromisoformat(note["started_at"]),
        end=End(note["end"]),
        dropped_frames=note["dropped_frames"],
        audio=SpooledAudio(**note["audio"]),
    )


def _keep_damaged(base: Path, error: Exception) -> Notice:
    kept: list[str] = []
    for suffix in (".json", ".part"):
        path = base.with_suffix(suffix)
        if path.exists():
            kept.append(path.rename(path.with_name(path.name + ".damaged")).name)
    return Notice(
        what="spool",
        message=f"{base}: a recording of an earlier run is unreadable ({error}); kept as {', '.join(kept)}",
        action="listen to it with any player as raw 16 kHz int16 audio, or delete it",
    )


@contextlib.contextmanager
def _in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(
            f"{path}: audio cannot be kept ({error.strerror}); check space and owner of the spool"
        ) from error


def spool_path(data_dir: Path, ref: str) -> Path:
    """Turn a reference into a path, which is always inside data_dir's spool.

    Raises:
        BadInput: the reference leads elsewhere.
    """
    root = data_dir / SPOOL_NAME
    try:
        path = (data_dir / ref).resolve()
        is_inside = path.is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError):
        is_inside = False
    if not is_inside:
        raise BadInput(f"{ref!r} is not in the spool {root}")
    return path
