"""What a station that was killed again and again must show at last: nothing lost, twice or out of order."""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import soundfile

from tools.crashair import number_of
from tools.crashlife import line_of

Event = dict[str, Any]


@dataclass
class Verdict:
    """What a harness found. `lost` and `wrong` are sentences; both must be empty."""

    kills: int = 0
    lives: int = 0
    real_kills: int = 0
    calls_over: int = 0
    calls_cut: int = 0
    events: int = 0
    repeats: int = 0
    quarantined: int = 0
    killed_at: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Verdict") -> None:
        """Take another station's verdict in."""
        for name in (
            "kills",
            "lives",
            "real_kills",
            "calls_over",
            "calls_cut",
            "events",
            "repeats",
            "quarantined",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.killed_at += other.killed_at
        self.lost += other.lost
        self.wrong += other.wrong

    def __str__(self) -> str:
        return (
            f"{self.kills} kills in {self.lives} lives ({self.real_kills} with the real recogniser), "
            f"{self.calls_over} calls heard whole and {self.calls_cut} cut by a kill, {self.events} events, "
            f"{self.repeats} repeats, {self.quarantined} set aside: "
            f"{len(self.lost)} lost, {len(self.wrong)} wrong"
        )


@dataclass
class Judge:
    """Holds one station's outcome against what was said. `aired` are the numbers of all its calls."""

    name: str
    folder: Path
    aired: range
    verdict: Verdict
    is_scripted: bool = True

    @property
    def data_dir(self) -> Path:
        """The gateway's own."""
        return self.folder / "data"

    def judge(self, received: list[Event], retained: Mapping[str, bytes]) -> None:
        """Compare what was received, every arrival in order, and what is retained by topic, with the rest."""
        verdict = self.verdict
        once = _once(received, verdict, self.name)
        verdict.events += len(once)
        verdict.repeats += len(received) - len(once)
        numbers = sorted(int(event["sequence"]) for event in once)
        missing = sorted(set(range(1, numbers[-1] + 1 if numbers else 1)) - set(numbers))
        if missing:
            verdict.lost.append(f"{self.name}: events {missing[:10]} never arrived")
        if len(numbers) != len(set(numbers)):
            verdict.wrong.append(f"{self.name}: two events have one number")
        self._judge_order(once)
        heard = [event["data"] for event in once if event["type"] == "radiogateway.transmission.received"]
        self._judge_store(once, heard)
        self._judge_spool(heard)
        self._judge_calls(heard)
        self._judge_retained(once, retained)

    def _judge_order(self, once: list[Event]) -> None:
        """Revisions of an incident must arrive as 1, 2, 3, … when repeats are dropped."""
        revisions: dict[str, list[int]] = {}
        for event in once:
            if ".incident." in event["type"]:
                revisions.setdefault(event["subject"], []).append(event["data"]["revision"])
        for incident, seen in revisions.items():
            if seen != list(range(1, len(seen) + 1)):
                self.verdict.wrong.append(f"{self.name}: incident {incident} came with revisions {seen}")

    def _judge_store(self, once: list[Event], heard: list[Event]) -> None:
        verdict = self.verdict
        with sqlite3.connect(self.data_dir / "gateway.db") as db:
            fine = db.execute("PRAGMA integrity_check").fetchone()[0]
            broken = db.execute("PRAGMA foreign_key_check").fetchall()
            waiting = db.execute("SELECT count(*) FROM outbox").fetchone()[0]
            rows = db.execute("SELECT id, state, attempts FROM transmissions").fetchall()
            stored = {row[0] for row in db.execute("SELECT id FROM events")}
        db.close()
        if fine != "ok" or broken:
            verdict.wrong.append(f"{self.name}: the database is not sound: {fine} {broken[:3]}")
        if waiting:
            verdict.lost.append(f"{self.name}: {waiting} events still wait after a good end")
        if stored != {event["id"] for event in once}:
            verdict.wrong.append(
                f"{self.name}: {len(stored ^ {e['id'] for e in once})} events differ from the store"
            )
        ids = Counter(data["transmission_id"] for data in heard)
        twice = [one for one, count in ids.items() if count > 1]
        if twice:
            verdict.wrong.append(f"{self.name}: transmissions told twice: {twice[:5]}")
        for one, state, attempts in rows:
            if state == "heard" or one not in ids:
                verdict.lost.append(
                    f"{self.name}: transmission {one} is {state} and was told {ids[one]} times"
                )
            if state == "quarantined":
                verdict.quarantined += 1
                if attempts < 3:
                    verdict.wrong.append(f"{self.name}: {one} was set aside after {attempts} attempts")
        if set(ids) - {row[0] for row in rows}:
            verdict.wrong.append(f"{self.name}: transmissions told that the store does not know")

    def _judge_spool(self, heard: list[Event]) -> None:
        files = {path for path in self.data_dir.glob("spool/*/*") if path.is_file()}
        told = {
            self.data_dir / data["audio"]["ref"]: data["audio"] for data in heard if data["audio"] is not None
        }
        for stray in sorted(files - set(told)):
            self.verdict.wrong.append(f"{self.name}: {stray.name} is left in the spool")
        for path, audio in told.items():
            if not path.exists():
                self.verdict.lost.append(f"{self.name}: {path.name} is gone")
            elif hashlib.sha256(path.read_bytes()).hexdigest() != audio["sha256"]:
                self.verdict.wrong.append(f"{self.name}: {path.name} is not what its event says")

    def _judge_calls(self, heard: list[Event]) -> None:
        """Every call that was read to its end is there once; one that had begun is there at least in part."""
        notes = self.folder / "said"
        said = [line.split() for line in notes.read_text().splitlines()] if notes.exists() else []
        begun = {int(number) for word, number in said if word == "begun"}
        over = {int(number) for word, number in said if word == "over"}
        told: Counter[int] = Counter()
        nameless = 0
        for data in heard:
            if data["audio"] is None:
                self.verdict.lost.append(f"{self.name}: {data['transmission_id']} was told without its audio")
                continue
            path = self.data_dir / data["audio"]["ref"]
            if not path.exists():
                continue
            samples, _ = soundfile.read(path, dtype="int16")
            number = number_of(samples)
            if number is None:
                nameless += 1
                continue
            told[number] += 1
            text = data["transcript"]["text"]
            if self.is_scripted and text and text.replace(",", "") != line_of(number).replace(",", ""):
                self.verdict.wrong.append(f"{self.name}: call {number} was told as {text}")
        self.verdict.calls_over += len(over)
        self.verdict.calls_cut += len(begun - over)
        lost = sorted(over - set(told))
        if lost:
            self.verdict.lost.append(f"{self.name}: calls {lost[:5]} were heard whole and never told")
        rests = begun - over - set(told)
        if len(rests) > nameless:
            self.verdict.lost.append(
                f"{self.name}: of {sorted(rests)}, cut by a kill, {nameless} left a rest"
            )
        twice = [number for number, count in told.items() if count > 1]
        if twice:
            self.verdict.wrong.append(f"{self.name}: calls told twice: {twice[:5]}")
        never = sorted(set(told) - set(self.aired))
        if never:
            self.verdict.wrong.append(f"{self.name}: calls {never[:5]} were never on the air")

    def _judge_retained(self, once: list[Event], states: Mapping[str, bytes]) -> None:
        """What is retained of incidents is the last revision of those open, and nothing else."""
        last = {e["subject"]: e["data"] for e in once if ".incident." in e["type"]}
        still_open = {one: data["revision"] for one, data in last.items() if data["phase"] == "open"}
        shown = {
            topic.rpartition("/")[2]: json.loads(payload)["revision"]
            for topic, payload in states.items()
            if "/state/incident/" in topic
        }
        if shown != still_open:
            self.verdict.wrong.append(f"{self.name}: retained incidents {shown}, open are {still_open}")


def _once(received: list[Event], verdict: Verdict, name: str) -> list[Event]:
    """Each event at its first arrival. A repeat must say the same, but for being marked."""
    seen: dict[str, Event] = {}
    for event in received:
        plain = {**event, "data": {**event["data"], "replayed": False}}
        before = seen.setdefault(event["id"], plain)
        if before != plain:
            verdict.wrong.append(f"{name}: event {event['id']} came with two contents")
    return list(seen.values())
