"""A person's second look at what the gateway understood: what asks for one, what was said, the corpus of it.

A correction is an event like any other, numbered and published by the gateway it corrects; it changes nothing
that was published before. Works beside a running daemon, which sends it within seconds, and without one.
"""

import csv
import difflib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.clock import IdSource, SystemClock
from gateway.config import Config, load_config
from gateway.drafts import review_event
from gateway.errors import BadInput, UsageError
from gateway.events import Judged
from gateway.knowledge import code_names, read_lexicon
from gateway.reviewwords import CodeNames
from gateway.spreadsheet import harmless
from gateway.station import open_logbook
from gateway.store.logbook import Logbook
from gateway.store.reviews import ReviewItem
from gateway.store.spool import spool_path
from gateway.timekeeping import ClockReader

NOBODY: Final = "none"
"""Given for a unit: no registered unit spoke; for an incident: none was reported."""
MANIFEST: Final = "manifest.csv"
COLUMNS: Final = (
    "file", "text", "unit_id", "unit_name", "headcount", "incident", "verdict", "by", "at", "note",
    "heard_text", "heard_unit_id", "heard_headcount", "heard_incident", "transmission_id", "radio",
    "started_at", "duration_s", "sha256",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says instead; None is left as it was. `caller` and `incident` may be NOBODY."""

    text: str | None = None
    caller: str | None = None
    headcount: int | None = None
    incident: str | None = None

    @property
    def says_nothing(self) -> bool:
        """True when nothing is corrected."""
        return (self.text, self.caller, self.headcount, self.incident) == (None, None, None, None)


@dataclass(frozen=True, slots=True)
class Shown:
    """An item with where its audio lies, None when it was never kept, and whether it is still there."""

    item: ReviewItem
    audio: Path | None
    audio_is_there: bool


@dataclass(frozen=True, slots=True)
class Exported:
    """How many items were written, and which had no audio any more."""

    written: int
    without_audio: tuple[str, ...]


def review_items(config_file: Path, limit: int, *, with_done: bool = False) -> list[ReviewItem]:
    """Return transmissions that a person should look at, newest first."""
    with open_logbook(load_config(config_file)) as logbook:
        return logbook.reviews.items(limit, with_done=with_done)


def review_item(config_file: Path, transmission_id: str) -> Shown:
    """Return one transmission by the beginning of its id, whether it asks for review or not.

    Raises:
        UsageError: there is none like that, or more than one.
    """
    config = load_config(config_file)
    with open_logbook(config) as logbook:
        return _shown(_one(logbook, transmission_id), config)


def correct(config_file: Path, transmission_id: str, correction: Correction, by: str, note: str) -> Judged:
    """Store what a person says instead as an event and return what holds now; nothing given accepts.

    Raises:
        UsageError: no such transmission, unit or incident code, or an empty name. Nothing is stored then.
    """
    if not by.strip():
        raise UsageError("--by is empty; a correction carries the name of whoever makes it")
    config = load_config(config_file)
    clock = SystemClock()
    with open_logbook(config) as logbook:
        item = _one(logbook, transmission_id)
        before = standing(item)
        after = _corrected(before, correction, logbook, config)
        draft = review_event(
            IdSource(clock).new(), item.received, before, after, by.strip(), note.strip(), clock.now(),
            ClockReader(clock)(),
        )  # fmt: skip
        logbook.commit(None, [draft])
    return after


def names_of(config_file: Path) -> CodeNames:
    """Return what people at this station call the codes that reasons are about.

    Raises:
        MissingInput, BadInput: the station's own words cannot be read.
    """
    return code_names(read_lexicon(load_config(config_file).understand.lexicon))


def standing(item: ReviewItem) -> Judged:
    """What holds for a transmission now: what was understood, or what the last person said."""
    if item.verdicts:
        return Judged.model_validate(item.verdicts[-1].data["after"])
    return understood(item.received.data)


def understood(data: Mapping[str, Any]) -> Judged:
    """What the gateway itself understood, as a person corrects it."""
    reported = data.get("report") or {}
    return Judged(
        text=data["transcript"]["text"],
        unit_id=data["caller"]["unit_id"],
        unit_name=data["caller"]["name"],
        headcount=data["headcount"]["present"],
        incident=reported.get("code") if reported.get("polarity") == "report" else None,
    )


def export_corpus(config_file: Path, folder: Path) -> Exported:
    """Write what people accepted or corrected as a corpus: the audio, and a manifest with the words.

    Raises:
        BadInput: the folder cannot be written.
    """
    config = load_config(config_file)
    with open_logbook(config) as logbook:
        items = [_shown(item, config) for item in logbook.reviews.done()]
    kept = [shown for shown in items if shown.audio_is_there]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        rows = []
        for shown in kept:
            assert shown.audio is not None
            row = _row(shown)
            shutil.copyfile(shown.audio, folder / row["file"])
            rows.append(row)
        # Written beside and renamed: whoever trains reads the old manifest or the new one, never half of it.
        beside = folder / f".{MANIFEST}.part"
        with beside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(
                {name: harmless(value) if isinstance(value, str) else value for name, value in row.items()}
                for row in rows
            )
        beside.replace(folder / MANIFEST)
    except OSError as error:
        raise BadInput(f"{error.filename or folder}: cannot be written: {error.strerror}") from None
    gone = tuple(s.item.received.data["transmission_id"] for s in items if not s.audio_is_there)
    return Exported(len(kept), gone)


def _row(shown: Shown) -> dict[str, Any]:
    data, verdict, now = shown.item.received.data, shown.item.verdicts[-1], standing(shown.item)
    assert shown.audio is not None
    heard = understood(data)
    return {
        "file": f"{data['transmission_id']}{shown.audio.suffix}",
        "text": now.text,
        "unit_id": now.unit_id,
        "unit_name": now.unit_name,
        "headcount": now.headcount,
        "incident": now.incident,
        "verdict": "accepted" if now == heard else "corrected",
        "by": verdict.data["by"],
        "at": verdict.data["at"],
        "note": verdict.data["note"],
        "heard_text": heard.text,
        "heard_unit_id": heard.unit_id,
        "heard_headcount": heard.headcount,
        "heard_incident": heard.incident,
        "transmission_id": data["transmission_id"],
        "radio": data["radio"],
        "started_at": data["started_at"],
        "duration_s": data["duration_s"],
        "sha256": data["audio"]["sha256"],
    }


def _corrected(before: Judged, correction: Correction, logbook: Logbook, config: Config) -> Judged:
    changes: dict[str, Any] = {}
    if correction.text is not None:
        changes["text"] = correction.text.strip()
    if correction.headcount is not None:
        changes["headcount"] = correction.headcount
    if correction.caller == NOBODY:
        changes |= {"unit_id": None, "unit_name": None}
    elif correction.caller is not None:
        units = {unit.unit_id: unit.name for unit in logbook.units.all()}
        if correction.caller not in units:
            near = [unit_id for unit_id, name in units.items() if correction.caller in name][:5]
            hint = f"; did you mean {' or '.join(near)}?" if near else "; see radio-gateway units list"
            raise UsageError(f"there is no unit {correction.caller!r}{hint}")
        changes |= {"unit_id": correction.caller, "unit_name": units[correction.caller]}
    if correction.incident == NOBODY:
        changes["incident"] = None
    elif correction.incident is not None:
        codes = read_lexicon(config.understand.lexicon).types
        code = correction.incident.upper()
        if code not in codes:
            by_label = [c for c, kind in codes.items() if correction.incident in kind.label]
            near = by_label or difflib.get_close_matches(code, codes, 3, 0.4)
            hint = f"; did you mean {' or '.join(near)}?" if near else f"; there are {', '.join(codes)}"
            raise UsageError(f"there is no incident code {correction.incident!r}{hint}")
        changes["incident"] = code
    return before.model_copy(update=changes)


def _one(logbook: Logbook, transmission_id: str) -> ReviewItem:
    found = logbook.reviews.named(transmission_id) if transmission_id else []
    if not found:
        raise UsageError(f"no transmission {transmission_id!r} is kept here; see radio-gateway review list")
    if len(found) > 1:
        raise UsageError(f"more than one transmission begins with {transmission_id}; write more of it")
    return found[0]


def _shown(item: ReviewItem, config: Config) -> Shown:
    audio = item.received.data["audio"]
    if audio is None:
        return Shown(item, None, audio_is_there=False)
    path = spool_path(config.gateway.data_dir, audio["ref"])
    return Shown(item, path, audio_is_there=path.is_file())
