"""What happens on a virtual radio's channel: which calls, when, over what noise, and what goes wrong.

A script is a TOML file. Times are seconds since the radio was first opened; files lie beside the script.

    length_s = 60.0              # default: one second after the last thing that happens; endless with a crew
    noise_dbfs = -70.0           # between calls; digital silence when left out

    [[call]]
    at_s = 2.0
    file = "calls/report.flac"
    gain_db = 0.0
    noise_dbfs = -45.0           # while keyed; as between calls when left out
    lead_s = 0.2                 # carrier before and after the audio
    tail_s = 0.1

    [[crew]]                     # a unit that answers when the gateway has transmitted
    key_up = 1                   # which key-up of the gateway: a number from 1, or "every";
                                 # left out, the one after that of the crew entry before
    delay_s = 1.5                # from the gateway's release until the unit keys up
    file = "calls/present.flac"  # left out: nobody answers this key-up
    gain_db = 0.0                # and noise_dbfs, lead_s, tail_s as in a call

    [[stall]]                    # the device delivers nothing for a while, then everything at once
    at_s = 20.0
    for_s = 1.0

    [[drop]]                     # audio is lost, which shows as a gap in the sequence
    at_s = 30.0
    for_s = 0.5

    [[unplug]]                   # the device is gone for a while
    at_s = 40.0
    for_s = 5.0
"""

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from drivers.base import DeviceMissing, DeviceMisused
from drivers.wavefile import open_recording

_AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".aiff", ".aif", ".mp3"}
_AFTER_LAST_S = 1.0
_ANSWER_DELAY_S = 1.0
EVERY: Literal["every"] = "every"


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody keys up at `at_s`; the audio starts `lead_s` later and `noise_dbfs` lies under it."""

    at_s: float
    file: Path
    duration_s: float
    gain_db: float = 0.0
    noise_dbfs: float | None = None
    lead_s: float = 0.0
    tail_s: float = 0.0

    @property
    def audio_at_s(self) -> float:
        """When the recording starts."""
        return self.at_s + self.lead_s

    @property
    def end_s(self) -> float:
        """When the carrier drops."""
        return self.audio_at_s + self.duration_s + self.tail_s


@dataclass(frozen=True, slots=True)
class CrewEntry:
    """Somebody answers the gateway's `key_up`, `delay_s` after its release; `file` None is silence."""

    key_up: int | Literal["every"]
    file: Path | None = None
    delay_s: float = _ANSWER_DELAY_S
    gain_db: float = 0.0
    noise_dbfs: float | None = None
    lead_s: float = 0.0
    tail_s: float = 0.0

    def answers(self, key_up: int) -> bool:
        """Whether this is an answer to the gateway's key-up of that number."""
        return self.key_up in {EVERY, key_up}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something goes wrong from `at_s` on."""

    at_s: float
    for_s: float

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.at_s + self.for_s

    def covers(self, at_s: float) -> bool:
        """Whether it is going on."""
        return self.at_s <= at_s < self.end_s


@dataclass(frozen=True, slots=True)
class AirScript:
    """A channel's whole story, in the order of time."""

    calls: tuple[Call, ...] = ()
    stalls: tuple[Trouble, ...] = ()
    drops: tuple[Trouble, ...] = ()
    unplugs: tuple[Trouble, ...] = ()
    crew: tuple[CrewEntry, ...] = ()
    noise_dbfs: float | None = None
    length_s: float = 0.0

    def is_keyed(self, at_s: float) -> bool:
        """Whether somebody transmits."""
        return any(call.at_s <= at_s < call.end_s for call in self.calls)


def read_script(path: Path) -> AirScript:
    """Read a script and the lengths of its recordings.

    Raises:
        DeviceMissing: the script or a recording is not there.
        DeviceMisused: either cannot be understood; the message names the place.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeviceMissing(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeviceMisused(f"{path} is not TOML: {error}") from error
    reader = _Reader(path, content)
    script = AirScript(
        calls=tuple(reader.calls()),
        stalls=tuple(reader.troubles("stall")),
        drops=tuple(reader.troubles("drop")),
        unplugs=tuple(reader.troubles("unplug")),
        crew=tuple(reader.crew()),
        noise_dbfs=reader.optional_number("noise_dbfs"),
        length_s=reader.optional_number("length_s") or 0.0,
    )
    reader.refuse_leftovers()
    return complete(script)


def script_of_folder(folder: Path, gap_s: float, noise_dbfs: float | None) -> AirScript:
    """Play every recording of a folder in the order of their names, `gap_s` apart.

    Raises:
        DeviceMissing: there is no such folder, or nothing to play in it.
        DeviceMisused: a recording cannot be read.
    """
    if not folder.is_dir():
        raise DeviceMissing(f"there is no folder {folder}")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in _AUDIO_SUFFIXES)
    if not files:
        raise DeviceMissing(f"{folder} holds no recordings ({', '.join(sorted(_AUDIO_SUFFIXES))})")
    calls: list[Call] = []
    for file in files:
        at_s = (calls[-1].end_s if calls else 0.0) + gap_s
        calls.append(Call(at_s, file, recording_s(file)))
    return complete(AirScript(calls=tuple(calls), noise_dbfs=noise_dbfs))


def complete(script: AirScript) -> AirScript:
    """Put calls into the order of time and give the script a length when it has none."""
    ends = [
        thing.end_s
        for things in (script.calls, script.stalls, script.drops, script.unplugs)
        for thing in things
    ]
    # Whoever waits to be called waits for ever.
    last_s = float("inf") if script.crew else max(ends, default=0.0) + _AFTER_LAST_S
    length_s = script.length_s or last_s
    calls = tuple(sorted(script.calls, key=lambda call: call.at_s))
    unplugs = tuple(sorted(script.unplugs, key=lambda unplug: unplug.at_s))
    return dataclasses.replace(script, calls=calls, unplugs=unplugs, length_s=length_s)


def recording_s(path: Path) -> float:
    """Return the length of a recording in seconds. Raises as open_recording does."""
    with open_recording(path) as file:
        return float(file.frames / file.samplerate)


class _Reader:
    """Takes a script's keys one by one and complains about each that is wrong or left over."""

    def __init__(self, path: Path, content: Mapping[str, Any]) -> None:
        self._path = path
        self._content = dict(content)

    def optional_number(self, key: str) -> float | None:
        return self._number(self._content, "", key, None)

    def calls(self) -> list[Call]:
        calls: list[Call] = []
        for where, table in self._tables("call"):
            recording = self._file(table, where)
            if recording is None:
                raise self._wrong(where, "file", "is missing")
            at_s = self._length(table, where, "at_s", None)
            calls.append(Call(at_s, recording, recording_s(recording), **self._manner(table, where)))
            self._refuse(where, table)
        return calls

    def crew(self) -> list[CrewEntry]:
        crew: list[CrewEntry] = []
        after: int | Literal["every"] = 0
        for where, table in self._tables("crew"):
            key_up = table.pop("key_up", EVERY if after == EVERY else after + 1)
            is_number = isinstance(key_up, int) and not isinstance(key_up, bool) and key_up > 0
            if not is_number and key_up != EVERY:
                raise self._wrong(where, "key_up", f'is {key_up!r}, must be a number from 1 or "{EVERY}"')
            after = key_up
            recording = self._file(table, where)
            if recording is not None:
                recording_s(recording)
            delay_s = self._length(table, where, "delay_s", _ANSWER_DELAY_S)
            crew.append(CrewEntry(key_up, recording, delay_s, **self._manner(table, where)))
            self._refuse(where, table)
        return crew

    def _manner(self, table: dict[str, Any], where: str) -> dict[str, Any]:
        """Take the keys that say how a recording is put on the air."""
        return {
            "gain_db": self._number(table, where, "gain_db", 0.0) or 0.0,
            "noise_dbfs": self._number(table, where, "noise_dbfs", None),
            "lead_s": self._length(table, where, "lead_s", 0.0),
            "tail_s": self._length(table, where, "tail_s", 0.0),
        }

    def _file(self, table: dict[str, Any], where: str) -> Path | None:
        file = table.pop("file", None)
        if file is not None and (not isinstance(file, str) or not file):
            raise self._wrong(where, "file", f"is {file!r}, must be a path")
        return None if file is None else self._path.parent / file

    def troubles(self, name: str) -> list[Trouble]:
        troubles: list[Trouble] = []
        for where, table in self._tables(name):
            at_s = self._length(table, where, "at_s", None)
            troubles.append(Trouble(at_s, self._length(table, where, "for_s", None)))
            self._refuse(where, table)
        return troubles

    def refuse_leftovers(self) -> None:
        self._refuse("", self._content)

    def _tables(self, name: str) -> list[tuple[str, dict[str, Any]]]:
        tables = self._content.pop(name, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise self._wrong("", name, f"must be written as [[{name}]]")
        return [(f"{name} {number}", dict(table)) for number, table in enumerate(tables, start=1)]

    def _length(self, table: dict[str, Any], where: str, key: str, default: float | None) -> float:
        value = self._number(table, where, key, default)
        if value is None:
            raise self._wrong(where, key, "is missing")
        if value < 0.0:
            raise self._wrong(where, key, f"is {value}, must not be negative")
        return value

    def _number(self, table: dict[str, Any], where: str, key: str, default: float | None) -> float | None:
        value = table.pop(key, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(where, key, f"is {value!r}, must be a number")
        return float(value)

    def _refuse(self, where: str, table: Mapping[str, Any]) -> None:
        for key in table:
            raise self._wrong(where, key, "is not a key of a script")

    def _wrong(self, where: str, key: str, message: str) -> DeviceMisused:
        place = f"{where}: {key}" if where else key
        return DeviceMisused(f"{self._path}: {place} {message}")
