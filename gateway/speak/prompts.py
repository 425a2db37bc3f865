"""What the station's own people have recorded, found by what is said in it.

A folder of recordings (WAV or whatever libsndfile reads, any rate, any number of channels). What one says is
its name, `收到请回答.wav`, or, for what no file can be called, the text in a file beside it: `greeting.txt`
next to `greeting.wav`. Punctuation and spaces make no difference. A text that was not recorded as a whole
is put together clause by clause when every clause of it was.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import soundfile

from gateway.model import Pcm
from gateway.speak.sound import joined, to_pcm, trimmed
from gateway.speak.utterance import NoVoice
from gateway.speak.wording import clauses, folded

SUFFIXES = (".wav", ".flac", ".ogg")
PAUSE_S = 0.2
LONGEST_S = 120.0
_KEPT = 64


@dataclass(frozen=True, slots=True)
class _Index:
    stamp: tuple[tuple[str, int], ...]
    paths: dict[str, Path]


class Prompts:
    """The recordings of one folder. Any thread may call. A file put there is found without a restart."""

    name = "prompts"
    cache_key = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._index: _Index | None = None
        self._read: OrderedDict[tuple[Path, int], Pcm] = OrderedDict()
        self.faults: tuple[str, ...] = ()
        """What is wrong with the folder, one sentence each; known after `look` or the first question."""

    @property
    def count(self) -> int:
        """How many recordings can be found by what they say and be read; known when `faults` is."""
        paths = self._index.paths.values() if self._index is not None else ()
        return sum(_unreadable(path) is None for path in paths)

    def look(self) -> None:
        """Look what is there and whether it can be read."""
        with self._lock:
            self._paths()

    def speak(self, text: str) -> Pcm:
        """Return the recording of `text`.

        Raises:
            NoVoice: nobody has recorded it, or the recording cannot be read.
        """
        with self._lock:
            paths = self._paths()
            whole = paths.get(folded(text))
            if whole is not None:
                return self._recording(whole)
            parts = clauses(text)
            found = [paths.get(folded(part)) for part in parts]
            if len(parts) > 1 and all(found):
                return joined([self._recording(path) for path in found if path is not None], PAUSE_S)
        raise NoVoice("nobody has recorded it")

    def _paths(self) -> dict[str, Path]:
        try:
            files = sorted(path for path in self._folder.iterdir() if path.suffix.lower() in SUFFIXES)
            texts = [self._folder / f"{path.stem}.txt" for path in files]
            stamp = tuple((path.name, path.stat().st_mtime_ns) for path in [*files, *texts] if path.exists())
        except FileNotFoundError:
            files, stamp = [], ()
        except OSError as error:
            self._index = None
            self.faults = (f"{self._folder}: cannot be read ({error.strerror})",)
            return {}
        if self._index is None or self._index.stamp != stamp:
            self._index = _Index(stamp, self._indexed(files))
        return self._index.paths

    def _indexed(self, files: list[Path]) -> dict[str, Path]:
        paths: dict[str, Path] = {}
        faults: list[str] = []
        for path in files:
            beside = path.with_suffix(".txt")
            try:
                said = folded(beside.read_text(encoding="utf-8") if beside.exists() else path.stem)
            except (OSError, UnicodeDecodeError) as error:
                faults.append(f"{beside}: cannot be read ({error})")
                continue
            if not said:
                faults.append(f"{path}: says nothing; name it by what is said in it")
            elif said in paths:
                faults.append(f"{path}: says the same as {paths[said].name}, which is taken")
            else:
                paths[said] = path
                unreadable = _unreadable(path)
                faults += [unreadable] if unreadable else []
        self.faults = tuple(faults)
        return paths

    def _recording(self, path: Path) -> Pcm:
        try:
            key = (path, path.stat().st_mtime_ns)
            if key in self._read:
                self._read.move_to_end(key)
                return self._read[key]
            with soundfile.SoundFile(path) as file:
                samples, rate_hz = file.read(round(LONGEST_S * file.samplerate), "float32"), file.samplerate
        except (OSError, RuntimeError) as error:
            self.faults = tuple(dict.fromkeys((*self.faults, _no_recording(path, error))))
            raise NoVoice(f"{path.name} cannot be read ({error})") from error
        pcm = trimmed(to_pcm(samples, rate_hz))
        if not pcm.size:
            raise NoVoice(f"{path.name} holds silence")
        self._read[key] = pcm
        if len(self._read) > _KEPT:
            self._read.popitem(last=False)
        return pcm


def _unreadable(path: Path) -> str | None:
    """Return what is wrong with a file, None when it begins as a recording does."""
    try:
        frames = soundfile.info(path).frames
    except (OSError, RuntimeError) as error:
        return _no_recording(path, error)
    return None if frames else f"{path}: holds no sound"


def _no_recording(path: Path, error: Exception) -> str:
    return f"{path}: is no recording that can be read ({error})"
