"""A drill that the gateway holds, from the command to the last event; only the words are given."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gateway.conduct.drilldesk import DrillDesk
from gateway.config import DrillScenarioSettings, DrillSettings
from gateway.events import EVENT_DATA, CloudEvent
from gateway.hear.classify import Classification
from gateway.listener import Heard
from gateway.model import RATE_HZ, Pcm, SoundClass, Transcript
from gateway.publish.commands import RefusedCommand
from gateway.publish.requests import DrillCancel, DrillStart, RollcallCancel, RollcallResume, RollcallStart
from gateway.watch.view import describe
from tests.support.phone_evidence import evidence
from tools.airplay import PRE_ROLL_S, SAYING_S, AirPlay, Answer, Crew

OnAir = Callable[..., None]
NAMES = {"u1": "金穗花园", "u2": "棠东小学", "u3": "五山市场"}
SETTINGS = DrillSettings(
    scenario=(DrillScenarioSettings(code="flood", label="内涝", text="地下车库进水"),), orders_per_unit=2
)


async def desk_of(play: AirPlay, settings: DrillSettings = SETTINGS) -> DrillDesk:
    """The desk of a station where 棠东小学, 五山市场 and one on leave are the neighbours of 金穗花园."""
    units = await play.store.units()
    beside = {"u1": ("u2", "u3", "u4")}
    await play.store.replace_units([replace(unit, neighbours=beside.get(unit.unit_id, ())) for unit in units])
    return DrillDesk(play.office, play.store, settings, "指挥中心", play.ids)


def crew_of(answers: dict[str, Sequence[Answer]]) -> Crew:
    """Each unit answers the first order that names it."""
    left = dict(answers)

    def crew(said: str) -> Sequence[Answer]:
        told: list[Answer] = []
        for unit, name in NAMES.items():
            if "演练," in said and name in said and unit in left:
                told += left.pop(unit)
        return told

    return crew


def there(name: str, ack_s: float, arrive_s: float, count: int = 3) -> list[Answer]:
    return [
        Answer(f"{name}收到,正在前往", ack_s),
        Answer(f"{name}{count}人到达东门,装备齐全,请指示", arrive_s),
    ]


def last(play: AirPlay, unit_id: str) -> dict[str, Any]:
    return [event.data for event in play.of("drill.arrived") if event.subject == unit_id][-1]


def test_point_and_line(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        desk = await desk_of(play)
        result = await desk.start(DrillStart(unit_id="u1", scenario="抢劫路人", place="商场东门"))
        drill_id = result["drill_id"]
        assert result["units"] == {"point": ["u1"], "line": ["u2", "u3"], "area": []}
        assert result["excused"] == ["u4"]
        await play.run()

        (started,), (finished,) = play.of("drill.started"), play.of("drill.finished")
        assert started.data["scenario"]["label"] == "抢劫路人"
        assert {event.correlationid for event in play.of("drill.arrived")} == {drill_id}
        point, line, silent = last(play, "u1"), last(play, "u2"), last(play, "u3")
        assert point["arrive_latency_s"] == pytest.approx(40.0, abs=0.001)
        assert point["ack_latency_s"] == pytest.approx(2.0, abs=0.001)
        assert (point["arrival"], point["in_time"], point["headcount"]["present"]) == ("arrived", True, 3)
        assert point["report_complete"]["equipment"]
        assert (line["arrival"], line["in_time"]) == ("arrived_late", False)
        assert (silent["outcome"], silent["arrival"], silent["order_count"]) == (
            "no_answer", "not_reported", 2,
        )  # fmt: skip
        assert last(play, "u1")["role"] == "point"
        assert finished.data["grades_135"] == {
            "self_rescue_60s": True, "mutual_aid_180s": False, "reinforcement_300s": None,
        }  # fmt: skip
        assert (finished.data["linked_units"], finished.data["present"]) == (1, 6)
        heard = play.of("transmission.received")
        assert {event.data["drill_id"] for event in heard} == {drill_id}
        assert {event.data["exercise"] for event in heard} == {True}
        assert not play.of("checkin.received")
        assert not [event for event in play.events if event.kind.startswith("rollcall.")]
        assert play.said[0][1].endswith("以下为演练")
        assert play.said[-1][1].startswith("拉动结束,演练到此结束")
        assert play.shown == {f"rollcall/{drill_id}": None}
        assert await play.store.do(lambda logbook: logbook.rollcalls.open()) == []
        for event in play.events:
            EVENT_DATA[event.kind].model_validate(event.data)
            assert describe(event.model_dump(mode="json")).plain

    crew = crew_of({"u1": there("金穗花园", 2.0, 40.0), "u2": there("棠东小学", 3.0, 200.0)})
    on_air(scene, crew=crew)


def test_what_is_played_is_an_exercise_and_over_with_the_drill(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        desk = await desk_of(play)
        await desk.start(DrillStart(unit_id="u1", text="有人持刀", reach="point"))
        await play.run()
        async with asyncio.timeout(10):
            while not play.of("incident.closed"):  # noqa: ASYNC110 - the store answers on its own thread
                await asyncio.sleep(0.01)

        (opened,) = play.of("incident.opened")
        assert opened.data["status"] == "Exercise"
        assert not play.of("drill.finished")[0].data["pauses"]
        (closed,) = play.of("incident.closed")
        assert closed.data["status"] == "Exercise"
        assert play.pipeline.open_incidents == ()

    report = Answer("指挥中心,我是金穗花园,东门发生持刀伤人,请求公安支援", 8.0)
    on_air(scene, crew=crew_of({"u1": [*there("金穗花园", 2.0, 30.0), report]}))


def test_killed_as_it_ends_the_next_run_ends_what_was_played(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        desk = await desk_of(play)
        await desk.start(DrillStart(unit_id="u1", text="有人持刀", reach="point"))
        killed = asyncio.get_running_loop().create_future()

        async def die(_at: object) -> list[CloudEvent]:
            killed.set_result(None)
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

        play.pipeline.end_exercises = die  # type: ignore[method-assign]
        await play.run()
        await killed
        assert len(play.of("drill.finished")) == 1
        assert not play.of("incident.closed")
        left = play.pipeline.open_incidents

        play.new_process(await play.store.conversations())
        assert play.pipeline.open_incidents == left
        await play.office.take_up()
        async with asyncio.timeout(10):
            while await play.store.do(lambda logbook: logbook.rollcalls.open()):  # noqa: ASYNC110 - polls the disk
                await asyncio.sleep(0.01)

        (closed,) = play.of("incident.closed")
        assert (closed.data["status"], closed.data["phase"]) == ("Exercise", "resolved")
        assert len(play.of("drill.finished")) == 1
        assert play.conductor.state is None

    report = Answer("指挥中心,我是金穗花园,东门发生持刀伤人,请求公安支援", 8.0)
    on_air(scene, crew=crew_of({"u1": [*there("金穗花园", 2.0, 30.0), report]}))


def test_a_real_emergency_pauses_and_is_actual(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        desk = await desk_of(play)
        drill_id = (await desk.start(DrillStart(unit_id="u1", scenario="flood")))["drill_id"]
        await play.run()

        (opened,) = play.of("incident.opened")
        assert opened.data["status"] == "Actual"
        cause = next(e for e in play.of("transmission.received") if e.data["incident_id"])
        assert (cause.data["drill_id"], cause.data["exercise"]) == (None, False)
        assert play.shown[f"rollcall/{drill_id}"]["paused"] == "emergency"  # type: ignore[index]
        said = len(play.said)
        await play.run(most_s=600.0)
        assert len(play.said) == said
        await play.office.desk.resume(RollcallResume())
        await play.run()
        assert play.said[said][1] == "各单元注意,演练继续"
        assert play.of("drill.finished")[0].data["pauses"] == 1
        assert [one.status for one in play.pipeline.open_incidents] == ["Actual"]

    live = Answer("不是演练,指挥中心,我是五山市场,有人持刀抢劫,请求公安支援", 20.0)
    on_air(scene, crew=crew_of({"u1": [Answer("金穗花园收到,正在前往", 2.0), live]}))


def test_an_officer_who_sends_a_unit_is_not_that_unit(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        desk = await desk_of(play)
        await desk.start(DrillStart(unit_id="u1", scenario="flood"))
        await play.run()

        assert last(play, "u3")["outcome"] == "no_answer"
        assert last(play, "u2")["outcome"] == "no_answer"

    order = Answer("请棠东小学、五山市场立即赶到东门增援", 15.0)
    on_air(scene, crew=crew_of({"u1": [*there("金穗花园", 2.0, 30.0), order]}))


def test_killed_at_any_step_it_goes_on_where_it_was(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        desk = await desk_of(play)
        drill_id = (await desk.start(DrillStart(unit_id="u1", scenario="flood")))["drill_id"]
        for _ in range(12):
            await play.run(most_s=7.0)
            play.new_process()
            await play.office.take_up()
            if play.pipeline.rollcall.conductor is None or play.conductor.state is None:
                break
            await play.conductor.go_on()
        await play.run()

        assert len(play.of("drill.started")) == len(play.of("drill.finished")) == 1
        assert {event.correlationid for event in play.of("drill.arrived")} == {drill_id}
        for unit_id in ("u1", "u2", "u3"):
            revisions = [e.data["revision"] for e in play.of("drill.arrived") if e.subject == unit_id]
            assert revisions == sorted(set(revisions))
        point = last(play, "u1")
        assert point["in_time"] in {True, None}
        assert last(play, "u3")["arrival"] in {"not_observed", "not_reported"}

    def crew(said: str) -> Sequence[Answer]:
        return there("金穗花园", 1.0, 3.0) if "金穗花园" in said and "演练," in said else ()

    on_air(scene, crew=crew)


def test_one_thing_at_a_time(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        desk = await desk_of(play)
        with pytest.raises(RefusedCommand, match="no such drill"):
            await desk.cancel(DrillCancel())
        drill_id = (await desk.start(DrillStart(unit_id="u1", scenario="flood", place="车库")))["drill_id"]
        with pytest.raises(RefusedCommand, match="goes on already"):
            await desk.start(DrillStart(unit_id="u2", scenario="flood", reach="point"))
        with pytest.raises(RefusedCommand, match="goes on already"):
            await play.office.desk.start_one(RollcallStart())
        await play.run(most_s=SAYING_S * 3)
        assert "模拟车库地下车库进水" in play.said[1][1]
        assert (await desk.cancel(DrillCancel(drill_id=drill_id)))["state"] == "cancelled"
        await play.run()
        (finished,) = play.of("drill.finished")
        assert finished.data["ended"] == "cancelled"
        assert {unit["in_time"] for unit in finished.data["items"]} == {None}

    on_air(scene)


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        (DrillStart(unit_id="u9", scenario="flood"), "not in the registry"),
        (DrillStart(unit_id="u4", scenario="flood"), "holiday"),
        (DrillStart(unit_id="u1", scenario="earthquake"), "gang_theft"),
        (DrillStart(unit_id="u2", scenario="flood"), "no neighbours"),
        (DrillStart(unit_id="u1", scenario="flood", radio="ch9"), "no radio"),
    ],
)
def test_a_drill_that_cannot_be_held_is_refused(on_air: OnAir, request_: DrillStart, word: str) -> None:
    async def scene(play: AirPlay) -> None:
        desk = await desk_of(play)
        with pytest.raises(RefusedCommand, match=word):
            await desk.start(request_)
        assert play.conductor.state is None

    on_air(scene)


def test_a_station_words_a_drill_as_it_likes(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        phrases = {
            "open": "演练开始",
            "order_point": "演练,{me}命令{units}到{place},{text}",
            "close": "演练完毕",
        }
        settings = DrillSettings.model_validate({"phrases": phrases, "orders_per_unit": 1})
        desk = await desk_of(play, settings)
        await desk.start(DrillStart(unit_id="u1", scenario="lost_child", place="东门", reach="point"))
        await play.run()
        assert [text for _, text in play.said] == [
            "演练开始", "演练,指挥中心命令金穗花园到东门,有一名儿童走失,需要封控出口并寻找", "演练完毕",
        ]  # fmt: skip

    on_air(scene)


def test_a_drill_by_voice_that_is_cancelled_leaves_nothing_played(on_air: OnAir) -> None:
    """What was played is over, and what comes next is meant."""

    async def scene(play: AirPlay) -> None:
        for text in (
            "各单元注意,现在进行拉动测试",
            "模拟商场发生火灾,请金穗花园立即到场",
            "指挥中心,我是金穗花园,商场三楼着火了,请求消防支援",
        ):
            play.answer(Answer(text, 5.0))
            await play.run()
        (opened,) = play.of("incident.opened")
        assert opened.data["status"] == "Exercise"
        await play.office.desk.cancel(RollcallCancel())
        assert [event.data["incident_id"] for event in play.of("incident.closed")] == [opened.subject]
        assert play.of("drill.finished")[0].data["ended"] == "cancelled"

        play.answer(Answer("指挥中心,我是五山市场,二楼着火了,请求消防支援", 5.0))
        await play.run()
        assert [event.data["status"] for event in play.of("incident.opened")] == ["Exercise", "Actual"]

    on_air(scene)


def heard_as(said: dict[float, str]) -> Callable[..., Any]:
    """A listener to whom a sound of so many seconds says this."""

    async def listen(audio: Pcm) -> Heard:
        length_s = len(audio) / RATE_HZ
        text = said[min(said, key=lambda one: abs(one - length_s))]
        sound = Classification(SoundClass.SPEECH, length_s, -20.0, 20.0, 0.0)
        plain = text.replace("，", ",")
        return Heard(sound, Transcript(plain, plain, "given", "given", 0.1, 0.9, phones=evidence(text)))

    return listen


def test_replies_that_ran_together_are_told_apart_and_timed(on_air: OnAir) -> None:
    """The squelch hears no end between two: 棠东小学 is behind its neighbour in one transmission."""
    first, second = "棠东小学收到", "五山市场收到，正在前往"
    frames = len(evidence(first).log_probs)
    rest = len(evidence(second).log_probs)
    draw = np.random.default_rng(1)
    spoken = [draw.integers(-4000, 4000, round(0.02 * n * RATE_HZ)).astype(np.int16) for n in (frames, rest)]
    spoken[0][-RATE_HZ // 4 :] = 0
    both = np.concatenate(spoken)

    async def scene(play: AirPlay) -> None:
        desk = await desk_of(play)
        await desk.start(DrillStart(unit_id="u1", scenario="flood"))
        await play.run()

        line = [last(play, unit_id) for unit_id in ("u2", "u3")]
        assert [one["order_count"] for one in line] == [1, 1]
        assert all("spoke_together" in one["review"]["reasons"] for one in line)
        assert line[0]["ack_latency_s"] == pytest.approx(3.0, abs=0.001)
        behind_s = len(spoken[0]) / RATE_HZ - PRE_ROLL_S
        assert line[1]["depart_latency_s"] == pytest.approx(3.0 + behind_s, abs=0.1)
        assert line[0]["depart_latency_s"] is None
        assert not play.of("checkin.received")

    def crew(said: str) -> Sequence[Answer]:
        return [Answer("", 3.0, len(both) / RATE_HZ, audio=both)] if "周边单元" in said else []

    told = {
        len(both) / RATE_HZ: f"{first}，{second}", len(spoken[0]) / RATE_HZ: first,
        len(spoken[1]) / RATE_HZ: second,
    }  # fmt: skip
    on_air(scene, crew=crew, listener=heard_as(told))
