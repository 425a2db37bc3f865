"""`radio-gateway review`: corrected by a person, stored as an event, written out as a corpus."""

import asyncio
import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.cli.main import main
from gateway.clock import SystemClock
from gateway.config import load_config
from gateway.drafts import transmission_event
from gateway.events import AudioRef, ClockReading, ReviewVerdict
from gateway.model import (
    Candidate,
    End,
    Headcount,
    IncidentHint,
    Resolution,
    SoundClass,
    Transcript,
    Transmission,
    Understanding,
)
from gateway.reviewing import Correction, correct
from gateway.store.logbook import Logbook
from gateway.store.records import HeardTransmission, SpooledAudio
from gateway.store.store import Store

STATION = """
[gateway]
org = "gz"
district = "tianhe"
id = "shipai"
command_post = "指挥中心"
data_dir = "data"
[units]
csv = "units.csv"
[mqtt]
url = "mqtt://127.0.0.1:1"
[[radio]]
id = "ch1"
source = { kind = "wavefile", path = "call.wav" }
"""
UNITS = """unit_id,name,aliases,unit_class,street,lat,lon,duty_headcount,state
u1,金穗花园,,C,石牌街道,,,3,active
u2,棠东小学,,A,棠下街道,,,5,active
"""
AT = datetime(2026, 5, 1, 8, tzinfo=UTC)
CLOCK = ClockReading(synced=True, source="ntp", est_error_ms=1.0, boot_id="b", mono_ms=1)
DOUBTFUL = Understanding(
    caller=Resolution(
        "ambiguous", score=0.6, margin=0.2, heard="金岁花园", candidates=(Candidate("u1", "金穗花园", 0.6),)
    ),
    headcount=Headcount(present=8),
    incident=IncidentHint(code="FIRE", polarity="report"),
    review_reasons=("headcount_unclear:3人|8人",),
)
CLEAR = Understanding(caller=Resolution("matched", "u2", "棠东小学", 0.99, 0.98, "棠东小学", ("speech",)))
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "units.csv").write_text(UNITS, encoding="utf-8")
    path = tmp_path / "station.toml"
    path.write_text(STATION, encoding="utf-8")
    spool = tmp_path / "data" / "spool"
    spool.mkdir(parents=True)
    with logbook(path) as book, book.group():
        for name, meaning in (("t-1", DOUBTFUL), ("t-2", CLEAR), ("t-3", DOUBTFUL)):
            _store(book, name, meaning)
            (spool / f"{name}.wav").write_bytes(name.encode())
    with pytest.raises(SystemExit):
        main(["units", "import", str(tmp_path / "units.csv"), "-c", str(path)])
    return path


def logbook(config: Path) -> Logbook:
    settings = load_config(config).gateway
    return Logbook.open(settings.data_dir, settings.source, SystemClock())


def _store(book: Logbook, name: str, meaning: Understanding) -> None:
    ref, sha256 = f"spool/{name}.wav", "0" * 64
    book.heard(
        HeardTransmission(
            id=name, radio_id="ch1", started_at=AT, duration_s=2.0, end=End.CARRIER, dropped_frames=0,
            audio=SpooledAudio(ref, sha256, 3, 2.0), signalling=(),
        )
    )  # fmt: skip
    transmission = Transmission(name, "ch1", AT, 2.0, np.zeros(0, np.int16), End.CARRIER)
    words = Transcript("我是金岁花园,8人在岗", "我是金岁花园8人在岗", "whisper", "base", 0.1, 0.8)
    draft = transmission_event(
        f"e-{name}", transmission, SoundClass.SPEECH, words, meaning, CLOCK,
        audio=AudioRef(ref=ref, sha256=sha256, size_bytes=3), incident_id=None, failure=None,
    )  # fmt: skip
    book.commit(name, [draft])


@pytest.fixture
def run(config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "120")
    capsys.readouterr()

    def run_it(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["review", *arguments, "-c", str(config)])
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, out, err

    return run_it


def verdicts(config: Path) -> list[dict[str, Any]]:
    with logbook(config) as book, book.group():
        events = [json.loads(event.to_json()) for event in book.events.since(0)]
    return [event for event in events if event["type"].startswith("radiogateway.review.")]


def test_what_asks_for_a_look_is_listed_newest_first(run: Run) -> None:
    code, out, _ = run("list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if line.startswith("t-")] == ["t-3", "t-1"]
    assert out.count("人数不清: 3人 或 8人  headcount_unclear:3人|8人") == 2
    assert "金穗花园 ?" in out


def test_one_is_shown_with_its_words_reasons_and_audio(run: Run, config: Path) -> None:
    code, out, _ = run("show", "t-1")
    assert code == 0
    assert "我是金岁花园,8人在岗" in out
    assert "人数不清: 3人 或 8人  headcount_unclear:3人|8人" in out
    assert str(config.parent / "data" / "spool" / "t-1.wav") in out


def test_a_correction_is_an_event_with_what_was_and_what_is(run: Run, config: Path) -> None:
    code, out, _ = run(
        "correct", "t-1", "--caller", "u1", "--headcount", "3", "--incident", "none", "--by", "值班员",
        "--note", "听得很清楚",
    )  # fmt: skip
    assert code == 0
    assert "金穗花园" in out

    (event,) = verdicts(config)
    assert event["type"] == "radiogateway.review.corrected"
    assert event["subject"] == "t-1"
    assert event["causationid"] == "e-t-1"
    told = ReviewVerdict.model_validate_json(json.dumps(event["data"]))
    assert (told.by, told.note, told.transmission_id) == ("值班员", "听得很清楚", "t-1")
    assert (told.before.unit_id, told.before.headcount, told.before.incident) == (None, 8, "FIRE")
    assert (told.after.unit_id, told.after.headcount, told.after.incident) == ("u1", 3, None)
    assert set(told.changed) == {"unit_id", "unit_name", "headcount", "incident"}
    with logbook(config) as book, book.group():
        assert event["sequence"] in {f"{entry.sequence:020d}" for entry in book.outbox.list()}

    assert "t-1" not in run("list")[1]
    assert "corrected by 值班员" in run("list", "--all")[1]
    assert "headcount: 8 → 3" in run("show", "t-1")[1]


def test_the_next_person_starts_from_what_the_first_one_said(run: Run, config: Path) -> None:
    run("correct", "t-1", "--headcount", "3", "--by", "a")
    run("correct", "t-1", "--text", "我是金穗花园，三人在岗", "--by", "b")
    run("accept", "t-1", "--by", "c")

    first, second, third = (event["data"] for event in verdicts(config))
    assert second["before"] == first["after"]
    assert second["changed"] == ["text"]
    assert (second["after"]["headcount"], third["changed"], third["after"]) == (3, [], second["after"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("correct", "t-1", "--caller", "金穗", "--by", "a"), "did you mean u1?"),
        (("correct", "t-1", "--incident", "FIRES", "--by", "a"), "did you mean FIRE"),
        (("correct", "t-1", "--incident", "火灾", "--by", "a"), "FIRE"),
        (("correct", "t-1", "--by", "a"), "nothing is corrected"),
        (("correct", "t-1", "--headcount", "3", "--by", " "), "--by is empty"),
        (("correct", "t-1", "--headcount", "-3", "--by", "a"), "greater than or equal to 0"),
        (("accept", "t-", "--by", "a"), "more than one"),
        (("accept", "nothing", "--by", "a"), "no transmission 'nothing'"),
        (("show", ""), "no transmission ''"),
    ],
)
def test_what_makes_no_sense_is_refused_and_stores_nothing(
    run: Run, config: Path, arguments: tuple[str, ...], words: str
) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (64, "")
    assert words in err
    assert verdicts(config) == []


def test_what_people_said_becomes_a_corpus(run: Run, config: Path, tmp_path: Path) -> None:
    run(
        "correct",
        "t-1",
        "--caller",
        "u1",
        "--headcount",
        "3",
        "--text",
        "我是金穗花园，三人在岗",
        "--by",
        "a",
    )
    run("accept", "t-2", "--by", "b")
    run("accept", "t-3", "--by", "b")
    (config.parent / "data" / "spool" / "t-3.wav").unlink()

    folder = tmp_path / "corpus"
    for _ in range(2):
        code, out, _ = run("export", str(folder))
        assert code == 0
    assert "2 recordings" in out
    assert "no longer kept: t-3" in out
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert (folder / first["file"]).read_bytes() == b"t-1"
    assert first["text"] == "我是金穗花园，三人在岗"
    assert (first["unit_id"], first["headcount"], first["incident"], first["verdict"]) == (
        "u1", "3", "FIRE", "corrected",
    )  # fmt: skip
    assert (first["heard_unit_id"], first["heard_headcount"]) == ("", "8")
    assert (second["unit_id"], second["incident"], second["verdict"]) == ("u2", "", "accepted")
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.csv", "t-1.wav", "t-2.wav"]


def test_a_folder_that_cannot_be_written_says_so(run: Run, tmp_path: Path) -> None:
    run("accept", "t-1", "--by", "b")
    (tmp_path / "corpus").write_text("in the way")
    code, _, err = run("export", str(tmp_path / "corpus"))
    assert code == 65
    assert "corpus" in err


def test_a_running_gateway_sends_what_a_person_said_beside_it(config: Path) -> None:
    settings = load_config(config).gateway

    async def beside() -> list[str]:
        store = await Store.open(settings.data_dir, settings.source, SystemClock())
        try:
            said = Correction(headcount=3)
            await asyncio.to_thread(correct, config, "t-1", said, "值班员", "")
            return [entry.kind for entry in await store.outbox.next_batch(10)]
        finally:
            await store.close()

    assert asyncio.run(beside())[-1] == "review.corrected"
