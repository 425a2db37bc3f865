"""What was rendered before, on disk: by text and voice, bounded in size, the longest unused going first.

One FLAC file for each text, named by the SHA-256 of voice and text, so that no text can name a path. A file
appears complete or not at all; one that cannot be read is deleted and made again. A disk that refuses costs
the copy only.
"""

import contextlib
import hashlib
import os
import threading
from pathlib import Path

import soundfile
import structlog

from gateway.model import RATE_HZ, Pcm
from gateway.speak.sound import to_pcm

log = structlog.get_logger()

NAME = "voice"
_VERSION = "1"
"""Changed when what a voice makes of a text changes, so that nothing of before is used."""


class VoiceCache:
    """The folder `voice` in a data_dir. Any thread may call."""

    def __init__(self, data_dir: Path, most_bytes: int) -> None:
        """Say where and how much; nothing is read or made before the first use. 0 bytes keep nothing."""
        self._folder = data_dir / NAME
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._sizes: dict[Path, int] | None = None

    def find(self, voice: str, text: str) -> Pcm | None:
        """Return what `voice` made of `text`, None when that is not kept."""
        path = self._path(voice, text)
        try:
            samples, rate_hz = soundfile.read(path, dtype="float32")
        except FileNotFoundError:
            return None
        except (OSError, RuntimeError):
            if path.exists():
                log.warning("a kept prompt cannot be read and is made again", path=str(path))
                self._forget(path)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return to_pcm(samples, rate_hz)

    def keep(self, voice: str, text: str, pcm: Pcm) -> None:
        """Keep what `voice` made of `text`, and let go of what was longest unused when that is too much."""
        if not self._most_bytes:
            return
        path = self._path(voice, text)
        draft = path.with_suffix(f".{threading.get_ident()}.tmp")
        try:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            with draft.open("wb") as file:
                soundfile.write(file, pcm, RATE_HZ, "PCM_16", format="FLAC")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except (OSError, RuntimeError) as error:
            log.warning("a prompt could not be kept", path=str(path), why=str(error))
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            return
        with self._lock:
            self._known()[path] = path.stat().st_size
            self._shrink(path)

    def _path(self, voice: str, text: str) -> Path:
        digest = hashlib.sha256(f"{_VERSION}\0{voice}\0{text}".encode("utf-8", "replace")).hexdigest()
        return self._folder / digest[:2] / f"{digest}.flac"

    def _known(self) -> dict[Path, int]:
        """Return the files kept and their sizes, counting them the first time."""
        if self._sizes is None:
            for stale in self._folder.glob("*/*.tmp"):
                stale.unlink(missing_ok=True)
            self._sizes = {path: path.stat().st_size for path in self._folder.glob("*/*.flac")}
        return self._sizes

    def _shrink(self, newest: Path) -> None:
        sizes = self._known()
        total = sum(sizes.values())
        if total <= self._most_bytes:
            return
        # Down to nine tenths, so that not every text from here on has to look for the oldest.
        for path in sorted(set(sizes) - {newest}, key=_used_at):
            if total <= 0.9 * self._most_bytes:
                return
            total -= sizes.pop(path)
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _forget(self, path: Path) -> None:
        with self._lock, contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
            self._known().pop(path, None)


def _used_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
