"""Commands on what a station keeps, through the command line itself, beside no daemon."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.cli.main import main
from gateway.clock import IdSource, SystemClock
from gateway.config import load_config
from gateway.events import ClockReading, CloudEvent, Draft, GatewayFault, OutboxDropped
from gateway.model import End
from gateway.store.logbook import Logbook
from gateway.store.records import HeardTransmission, SpooledAudio

UNITS = """unit_id,name,aliases,unit_class,street,lat,lon,duty_headcount,state
u1,金穗花园,,C,石牌街道,,,3,active
u2,金岁花园,,C,石牌街道,,,3,active
u3,棠东小学,,A,棠下街道,,,5,active
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "units.csv").write_text(UNITS, encoding="utf-8")
    path = tmp_path / "station.toml"
    path.write_text(
        """
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
""",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def run(config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "200")

    def run_it(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "-c", str(config)])
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, out, err

    return run_it


@pytest.fixture
def logbook(config: Path) -> Callable[[], Logbook]:
    settings = load_config(config).gateway

    return lambda: Logbook.open(settings.data_dir, settings.source, SystemClock())


def store_events(logbook: Callable[[], Logbook], count: int, aside: tuple[int, ...] = ()) -> None:
    clock = SystemClock()
    ids = IdSource(clock)
    reading = ClockReading(synced=True, source="ntp", est_error_ms=1.0, boot_id="b", mono_ms=5)
    with logbook() as book, book.group():
        for _ in range(count):
            data = GatewayFault(clock=reading, what="x", since=clock.now(), message="m", action="a")
            book.commit(
                None,
                [Draft(id=ids.new(), kind="gateway.fault", subject="x", time=clock.now(), data=data)],
            )
        for position in aside:
            book.outbox.set_aside(position, "not authorized (0x87)")


def states(logbook: Callable[[], Logbook]) -> dict[int, str]:
    with logbook() as book, book.group():
        return {entry.position: entry.state for entry in book.outbox.list()}


def last_events(logbook: Callable[[], Logbook], after: int) -> list[CloudEvent]:
    with logbook() as book, book.group():
        return book.events.since(after)


def test_what_was_set_aside_waits_again(run: Run, logbook: Callable[[], Logbook]) -> None:
    store_events(logbook, 4, aside=(2, 3, 4))

    assert run("outbox", "retry", "3") == (0, "1 events wait again\n", "")
    assert states(logbook) == {1: "waiting", 2: "set_aside", 3: "waiting", 4: "set_aside"}
    assert run("outbox", "retry") == (0, "2 events wait again\n", "")
    assert set(states(logbook).values()) == {"waiting"}
    assert run("outbox", "retry") == (0, "nothing was set aside\n", "")


@pytest.mark.parametrize(
    ("positions", "word"), [(("2", "9"), "no event at 9"), (("2", "1"), "was not set aside")]
)
def test_a_retry_with_a_fault_changes_nothing(
    run: Run, logbook: Callable[[], Logbook], positions: tuple[str, ...], word: str
) -> None:
    store_events(logbook, 2, aside=(2,))

    code, _, err = run("outbox", "retry", *positions)

    assert code == 64
    assert word in err
    assert states(logbook)[2] == "set_aside"


def test_what_is_dropped_is_said_with_the_numbers_that_will_never_come(
    run: Run, logbook: Callable[[], Logbook]
) -> None:
    store_events(logbook, 6, aside=(2, 3, 5))

    code, out, _ = run("outbox", "drop", "5", "2", "3", "--reason", "the broker was changed")

    assert (code, out) == (0, "3 events dropped\n")
    assert states(logbook) == dict.fromkeys((1, 4, 6, 7, 8), "waiting")
    said = last_events(logbook, 6)
    assert [event.kind for event in said] == ["outbox.dropped", "outbox.dropped"]
    dropped = [OutboxDropped.model_validate(event.data) for event in said]
    assert [(int(one.first_sequence), int(one.last_sequence), one.count) for one in dropped] == [
        (2, 3, 2),
        (5, 5, 1),
    ]
    assert dropped[0].reason == "the broker was changed"


@pytest.mark.parametrize(
    "arguments", [("1", "9", "--reason", "x"), ("1", "--reason", " "), ("1",), ("--reason", "x")]
)
def test_a_drop_with_a_fault_drops_nothing(
    run: Run, logbook: Callable[[], Logbook], arguments: tuple[str, ...]
) -> None:
    store_events(logbook, 1)

    code, _, err = run("outbox", "drop", *arguments)

    assert code == 64
    assert err
    assert states(logbook) == {1: "waiting"}
    assert last_events(logbook, 1) == []


def test_the_list_shows_the_positions_that_retry_and_drop_take(
    run: Run, logbook: Callable[[], Logbook]
) -> None:
    store_events(logbook, 2, aside=(2,))

    _, out, _ = run("outbox", "list")

    assert out.splitlines()[0].startswith("position")
    assert out.splitlines()[2].split()[0] == "2"
    assert "not authorized" in out


def test_a_unit_changes_its_state_and_a_daemon_can_tell(
    run: Run, config: Path, logbook: Callable[[], Logbook]
) -> None:
    run("units", "import", str(config.with_name("units.csv")))
    with logbook() as book, book.group():
        before = book.units.revision()

    assert run("units", "set-state", "u3", "放假") == (0, "u3 is holiday\n", "")

    with logbook() as book, book.group():
        assert {unit.unit_id: unit.state for unit in book.units.all()}["u3"] == "holiday"
        assert book.units.revision() == before + 1


@pytest.mark.parametrize(("unit_id", "state"), [("u9", "holiday"), ("u3", "asleep")])
def test_a_state_or_unit_nobody_knows_is_refused(run: Run, config: Path, unit_id: str, state: str) -> None:
    run("units", "import", str(config.with_name("units.csv")))

    code, _, err = run("units", "set-state", unit_id, state)

    assert code == 64
    assert unit_id in err or state in err


def test_names_that_sound_alike_are_listed(run: Run, config: Path) -> None:
    run("units", "import", str(config.with_name("units.csv")))

    code, out, _ = run("units", "confusable")

    assert code == 0
    assert "金穗花园" in out
    assert "金岁花园" in out
    assert "棠东小学" not in out
    assert "1 pair is not told apart" in out
    run("units", "set-state", "u2", "disabled")
    assert "every two names are told apart" in run("units", "confusable")[1]


def test_an_import_warns_of_names_that_sound_alike(run: Run, config: Path) -> None:
    code, out, err = run("units", "import", str(config.with_name("units.csv")))
    assert code == 0
    assert out.startswith("3 units imported")
    assert "金穗花园" in err
    assert "1 pair is not told apart" in err


def test_commands_that_do_not_exist_cannot_be_allowed(run: Run, config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    config.write_text(text + '[commands]\nallow = ["ping", "reboot"]\nper_minute = 0\n', encoding="utf-8")

    code, _, err = run("check")

    assert code == 78
    assert "commands.allow[2]: 'reboot' is not one of" in err
    assert "commands.per_minute" in err


class TestHold:
    """`radio-gateway hold`, beside no daemon."""

    @pytest.fixture
    def incident(self, logbook: Callable[[], Logbook]) -> str:
        """An incident that is known by its audio only: its events are gone."""
        now = SystemClock().now()
        with logbook() as book, book.group():
            audio = SpooledAudio("spool/2020-01-01/t1.wav", "ab" * 32, 80_044, 2.5)
            book.heard(HeardTransmission("t1", "ch1", now, 2.5, End.CARRIER, audio=audio))
            book.commit("t1", [])
            book._db.execute("UPDATE transmissions SET incident_id = 'i-1'")
        return "i-1"

    def test_what_is_held_is_shown_and_stays_until_it_is_released(
        self, run: Run, logbook: Callable[[], Logbook], incident: str
    ) -> None:
        later = SystemClock().now() + timedelta(days=5000)

        def disposable() -> int:
            with logbook() as book, book.group():
                return len(book.retention.disposable(9, later, later))

        assert run("hold", "list")[1] == "nothing is on hold\n"
        assert disposable() == 1
        said = run("hold", "set", incident, "--reason", "court order 7", "--by", "officer 12")
        assert said == (0, "i-1 is on hold\n", "")
        assert run("hold", "set", incident, "--reason", "again")[1] == "i-1 was on hold already\n"
        _, shown, _ = run("hold", "list")
        assert all(words in shown for words in ("i-1", "officer 12", "court order 7"))
        assert disposable() == 0
        assert run("hold", "release", incident) == (0, "i-1 is released\n", "")
        assert disposable() == 1

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("set", "i-9", "--reason", "x"), "nothing of an incident 'i-9' is kept here"),
            (("set", "i-1", "--reason", " "), "--reason is empty"),
            (("release", "i-1"), "i-1 is not on hold"),
        ],
    )
    def test_what_makes_no_sense_changes_nothing(
        self, run: Run, incident: str, arguments: tuple[str, ...], words: str
    ) -> None:
        code, _, err = run("hold", *arguments)
        assert code == 64
        assert words in err
        assert run("hold", "list")[1] == "nothing is on hold\n"

    def test_what_was_deleted_is_shown(self, run: Run, logbook: Callable[[], Logbook], incident: str) -> None:
        assert incident
        assert run("hold", "deletions")[1] == "nothing was deleted\n"
        now = SystemClock().now()
        with logbook() as book, book.group():
            later = now + timedelta(days=5000)
            book.retention.forget_audio(book.retention.disposable(9, later, later), now, "older than x")
        _, shown, _ = run("hold", "deletions")
        assert all(words in shown for words in ("t1", "80044", "abababababab", "older than x"))
