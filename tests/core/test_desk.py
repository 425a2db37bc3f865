"""Commands carried out on a real store and a real conversation."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gateway.clock import IdSource, ManualClock
from gateway.desk import Desk
from gateway.errors import StoreUnavailable
from gateway.events import CloudEvent
from gateway.hear.classify import Classification
from gateway.interpreter import Knowledge
from gateway.knowledge import build_knowledge, read_lexicon
from gateway.listener import Heard
from gateway.model import End, Pcm, SoundClass, Transcript, Transmission, Unit
from gateway.pipeline import RadioPipeline
from gateway.publish.commands import RefusedCommand
from gateway.publish.memory import MemoryLink
from gateway.publish.requests import IncidentAck, IncidentClose, Ping, Resync, UnitSet
from gateway.publish.resync import Replay
from gateway.store.store import Store
from gateway.timekeeping import ClockReader

ROOT = "rg/v1/gz/tianhe/shipai"
UNITS = (
    Unit("u1", "金穗花园", unit_class="C", radio_ids=("mdc1200:1A2B",)),
    Unit("u2", "棠东小学", unit_class="A", duty_headcount=3, aliases=("棠小",)),
)


class Station:
    """A desk with one radio on which words are given instead of heard."""

    def __init__(self, store: Store, clock: ManualClock, knowledge: Knowledge) -> None:
        self.store = store
        self.clock = clock
        self.ids = IdSource(clock)
        self.words = ""
        self.may_listen = asyncio.Event()
        self.may_listen.set()
        self.pipeline = RadioPipeline(
            "ch1",
            streets=frozenset(),
            knowledge=lambda: knowledge,
            listen=self._listen,
            store=store,
            ids=self.ids,
            read_clock=ClockReader(clock),
        )
        self.link = MemoryLink(clock)
        self.replay = Replay(store.events_since, self.link, ROOT, per_s=5000)
        self.indexed = 0
        self.told: list[CloudEvent] = []
        self.states_republished = 0
        self.desk = Desk(
            store,
            {"ch1": self.pipeline},
            self.replay,
            clock,
            "9.9",
            reindex=self._reindex,
            on_events=self.told.extend,
            republish_states=self._republish,
        )

    async def _listen(self, _audio: Pcm) -> Heard:
        await self.may_listen.wait()
        sound = Classification(SoundClass.SPEECH, 2.0, -20.0, 20.0, 0.0)
        return Heard(sound, Transcript(self.words, self.words, "given", "given", 0.1, 0.9))

    async def _reindex(self) -> None:
        self.indexed += 1

    def _republish(self) -> None:
        self.states_republished += 1

    async def say(self, words: str) -> list[CloudEvent]:
        self.words = words
        self.clock.advance(5)
        now = self.clock.now()
        call = Transmission(self.ids.new(), "ch1", now, 3.0, np.ones(48_000, np.int16), End.SILENCE)
        return await self.pipeline.take(call, None)

    async def report(self) -> str:
        events = await self.say("指挥中心,我是金穗花园,2号楼着火了,请求消防支援")
        assert [event.kind for event in events] == ["transmission.received", "incident.opened"]
        return events[1].subject


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    counter = iter(range(1000))
    return build_knowledge(UNITS, "指挥中心", read_lexicon(), lambda: f"incident-{next(counter)}")


Scene = Callable[[Station], Awaitable[None]]


@pytest.fixture
def at_station(tmp_path: Path, knowledge: Knowledge) -> Callable[[Scene], None]:
    def run(scene: Scene) -> None:
        async def with_store() -> None:
            clock = ManualClock(datetime(2026, 5, 1, 8, 0, tzinfo=UTC))
            store = await Store.open(tmp_path, "urn:radio-gateway:gz:tianhe:shipai", clock)
            try:
                await store.replace_units(UNITS)
                station = Station(store, clock, knowledge)
                await scene(station)
                await station.replay.stop()
            finally:
                await store.close()

        asyncio.run(with_store())

    return run


AtStation = Callable[[Scene], None]


def test_ping_tells_how_far_the_events_have_come(at_station: AtStation) -> None:
    async def scene(station: Station) -> None:
        await station.report()

        assert await station.desk.ping(Ping()) == {"version": "9.9", "last_sequence": 2}

    at_station(scene)


def test_an_incident_is_acknowledged_once_and_closed(at_station: AtStation) -> None:
    async def scene(station: Station) -> None:
        incident = await station.report()

        first = await station.desk.acknowledge(IncidentAck(incident_id=incident, by="值班员"))
        second = await station.desk.acknowledge(IncidentAck(incident_id=incident))
        closed = await station.desk.close(IncidentClose(incident_id=incident))

        assert (first["changed"], first["acknowledged"], first["revision"]) == (True, True, 2)
        assert second["changed"] is False
        assert (closed["phase"], closed["revision"]) == ("resolved", 3)
        assert [event.kind for event in station.told] == ["incident.updated", "incident.closed"]
        assert any("值班员" in entry["what"] for entry in station.told[0].data["timeline"])
        assert station.told[1].data["stages"]["closed_at"] is not None
        stored = await station.store.events_since(0)
        assert [int(event.sequence) for event in stored] == [1, 2, 3, 4]
        assert '"phase":"resolved"' in (await station.store.conversations())["ch1"]

    at_station(scene)


def test_a_false_alarm_is_cancelled(at_station: AtStation) -> None:
    async def scene(station: Station) -> None:
        incident = await station.report()

        await station.desk.close(IncidentClose(incident_id=incident, cancelled=True))

        assert [event.kind for event in station.told] == ["incident.cancelled"]

    at_station(scene)


def test_an_incident_nobody_knows_is_refused(at_station: AtStation) -> None:
    async def scene(station: Station) -> None:
        with pytest.raises(RefusedCommand) as refused:
            await station.desk.acknowledge(IncidentAck(incident_id="nope"))

        assert refused.value.refusal.code == "not_found"
        assert await station.store.last_sequence() == 0

    at_station(scene)


def test_a_change_while_a_transmission_is_being_read_is_kept(at_station: AtStation) -> None:
    async def scene(station: Station) -> None:
        incident = await station.report()
        station.may_listen.clear()
        reading = asyncio.create_task(station.say("有人受伤,请求救护车"))
        await asyncio.sleep(0.05)

        acknowledging = asyncio.create_task(station.desk.acknowledge(IncidentAck(incident_id=incident)))
        station.may_listen.set()
        answer, events = await asyncio.gather(acknowledging, reading)

        assert answer["changed"]
        revisions = [
            (int(event.sequence), event.data["revision"])
            for event in await station.store.events_since(0)
            if event.kind.startswith("incident.")
        ]
        assert [revision for _, revision in sorted(revisions)] == [1, 2, 3]
        state = station.pipeline.incident(incident)
        assert state is not None
        assert state.stages.acknowledged_at is not None
        assert state.revision == 3
        assert events[-1].kind == "incident.updated"

    at_station(scene)


def test_a_refusing_store_leaves_the_incident_as_it_was(
    at_station: AtStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(station: Station) -> None:
        incident = await station.report()

        async def refuse(*_: object, **__: object) -> list[CloudEvent]:
            raise StoreUnavailable("disk full")

        with monkeypatch.context() as patched:
            patched.setattr(station.store, "commit", refuse)
            with pytest.raises(StoreUnavailable):
                await station.desk.close(IncidentClose(incident_id=incident))

        state = station.pipeline.incident(incident)
        assert state is not None
        assert state.phase == "open"

    at_station(scene)


async def unit(station: Station, unit_id: str) -> Unit | None:
    return next((one for one in await station.store.units() if one.unit_id == unit_id), None)


@pytest.mark.parametrize("action", ["add", "新增"])
def test_a_unit_is_added(at_station: AtStation, action: str) -> None:
    async def scene(station: Station) -> None:
        request = UnitSet.model_validate(
            {"action": action, "unit_id": "u3", "name": "五山市场", "unit_class": "D", "radio_id": ("dmr:7",)}
        )

        answer = await station.desk.set_unit(request)

        assert answer == {"unit_id": "u3", "state": "active", "units": 3}
        assert await unit(station, "u3") == Unit("u3", "五山市场", unit_class="D", radio_ids=("dmr:7",))
        assert station.indexed == 1

    at_station(scene)


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("放假", "holiday"),
        ("停用", "disabled"),
        ("启用", "active"),
        ("holiday", "holiday"),
        ("disable", "disabled"),
    ],
)
def test_a_unit_goes_on_holiday_or_is_disabled(at_station: AtStation, action: str, state: str) -> None:
    async def scene(station: Station) -> None:
        before = await station.store.units_revision()

        await station.desk.set_unit(UnitSet.model_validate({"action": action, "unit_id": "u2"}))

        changed = await unit(station, "u2")
        assert changed is not None
        assert (changed.state, changed.duty_headcount, changed.aliases) == (state, 3, ("棠小",))
        assert await station.store.units_revision() > before

    at_station(scene)


def test_an_edit_changes_what_it_names_and_null_empties(at_station: AtStation) -> None:
    async def scene(station: Station) -> None:
        await station.desk.set_unit(
            UnitSet(action="编辑", unit_id="u2", duty_headcount=None, lat=23.1, lon=113.3, callsign="棠东01")
        )

        assert await unit(station, "u2") == Unit(
            "u2", "棠东小学", unit_class="A", aliases=("棠小",), lat=23.1, lon=113.3, callsign="棠东01"
        )
        assert [one.unit_id for one in await station.store.units()] == ["u1", "u2"]

    at_station(scene)


@pytest.mark.parametrize(
    ("request_", "code", "word"),
    [
        (UnitSet(action="add", unit_id="u1", name="x", unit_class="A"), "malformed", "already"),
        (UnitSet(action="edit", unit_id="u9", name="x"), "not_found", "u9"),
        (UnitSet(action="停用", unit_id="u9"), "not_found", "u9"),
        (UnitSet(action="停用", unit_id="u1", name="x"), "malformed", "unit_id only"),
        (UnitSet(action="add", unit_id="u9", unit_class="A"), "malformed", "name"),
        (UnitSet(action="add", unit_id="u9", name="x"), "malformed", "unit_class"),
        (UnitSet(action="add", unit_id="u/9", name="x", unit_class="A"), "malformed", "unit_id"),
        (UnitSet(action="edit", unit_id="u1", lat=23.0), "malformed", "lon"),
        (UnitSet(action="edit", unit_id="u1", lat=float("nan"), lon=1.0), "malformed", "lat"),
        (UnitSet(action="edit", unit_id="u2", radio_id=("mdc1200:1A2B",)), "malformed", "radio_id"),
        (UnitSet(action="edit", unit_id="u2", neighbours=("u7",)), "malformed", "neighbours"),
        (UnitSet(action="edit", unit_id="u2", aliases=("a|b",)), "malformed", "holds |"),
        (UnitSet(action="edit", unit_id="u2", name="a\x00b"), "malformed", "control character"),
        (UnitSet(action="edit", unit_id="u2", duty_headcount=-1), "malformed", "duty_headcount"),
        (UnitSet(action="edit", unit_id="u2", name=None), "malformed", "name"),
    ],
)
def test_what_the_csv_would_not_take_is_refused(
    at_station: AtStation, request_: UnitSet, code: str, word: str
) -> None:
    async def scene(station: Station) -> None:
        with pytest.raises(RefusedCommand) as refused:
            await station.desk.set_unit(request_)

        assert refused.value.refusal.code == code
        assert word in refused.value.refusal.reason
        assert tuple(await station.store.units()) == UNITS
        assert station.indexed == 0

    at_station(scene)


async def replayed(station: Station) -> list[int]:
    async with asyncio.timeout(10):
        while station.replay.is_running:  # noqa: ASYNC110 - polls a task
            await asyncio.sleep(0.005)
    documents = [json.loads(message.payload) for message in station.link.published]
    assert all(document["data"]["replayed"] for document in documents)
    return [int(document["sequence"]) for document in documents]


def test_resync_sends_events_again_in_order(at_station: AtStation) -> None:
    async def scene(station: Station) -> None:
        await station.report()
        for _ in range(101):
            await station.say("今天天气不错")
        newest = await station.store.last_sequence()

        answer = await station.desk.resync(Resync(from_sequence=2))

        assert answer == {
            "first_sequence": 2,
            "last_sequence": newest,
            "newest_sequence": newest,
            "no_longer_kept": False,
        }
        assert await replayed(station) == list(range(2, newest + 1))
        assert station.link.published[0].topic == f"{ROOT}/evt/incident/opened"
        assert station.states_republished == 1
        assert station.replay.sent == newest - 1 >= 102

    at_station(scene)


def test_resync_of_a_range_and_of_nothing(at_station: AtStation) -> None:
    async def scene(station: Station) -> None:
        for _ in range(5):
            await station.say("收到")

        await station.desk.resync(Resync(from_sequence="0002", to_sequence=3))
        assert await replayed(station) == [2, 3]
        nothing = await station.desk.resync(Resync(from_sequence="9" * 20))
        assert (nothing["first_sequence"], nothing["newest_sequence"]) == (None, 5)

    at_station(scene)


def test_what_is_no_longer_kept_is_said(at_station: AtStation) -> None:
    async def scene(station: Station) -> None:
        for _ in range(4):
            await station.say("收到")
        await station.store.outbox.delivered([1, 2])
        station.clock.advance(60)
        await station.store.prune(station.clock.now())

        answer = await station.desk.resync(Resync(from_sequence=1))

        assert (answer["first_sequence"], answer["no_longer_kept"]) == (3, True)
        assert await replayed(station) == [3, 4]

    at_station(scene)


def test_one_resync_at_a_time_and_none_on_a_broken_link(at_station: AtStation) -> None:
    async def scene(station: Station) -> None:
        for _ in range(3):
            await station.say("收到")
        station.link.hold()
        await station.desk.resync(Resync(from_sequence=1))

        with pytest.raises(RefusedCommand) as refused:
            await station.desk.resync(Resync(from_sequence=1))

        assert refused.value.refusal.code == "busy"
        await asyncio.sleep(0.02)
        station.link.go_down()
        assert await replayed(station) == [1]
        assert station.replay.sent == 0

    at_station(scene)


def test_replay_keeps_to_its_pace(at_station: AtStation) -> None:
    async def scene(station: Station) -> None:
        for _ in range(11):
            await station.say("收到")
        slow = Replay(station.store.events_since, station.link, ROOT, per_s=50)
        loop = asyncio.get_running_loop()
        begun_s = loop.time()

        await slow.begin(1, 11)
        while slow.is_running:  # noqa: ASYNC110 - polls a task
            await asyncio.sleep(0.005)

        assert slow.sent == 11
        assert loop.time() - begun_s >= 0.2

    at_station(scene)
