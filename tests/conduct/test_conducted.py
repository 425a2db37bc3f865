"""A roll-call that the gateway holds, from the command to the last event; only the words are given."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from gateway.conduct import held
from gateway.conduct.keeping import HeldState
from gateway.errors import StoreUnavailable
from gateway.hear.capture import Ended, Fault, Recovered
from gateway.model import SoundClass
from gateway.publish.commands import RefusedCommand
from gateway.publish.requests import (
    RollcallCancel,
    RollcallList,
    RollcallPause,
    RollcallResume,
    RollcallStart,
)
from gateway.rollcall.happenings import Action, Deaf, DrillAction, Event, Understood
from gateway.rollcall.sheet import Reply
from tools.airplay import EIGHT, SAYING_S, AirPlay, Answer, Crew

OnAir = Callable[..., None]
NAMES = {"u1": "金穗花园", "u2": "棠东小学", "u3": "五山市场"}


def crew_of(answers: dict[str, Sequence[Answer]], count: str = "在岗2人") -> Crew:
    """Each call of a unit by name takes its next answer; a question for the head count gets `count`."""
    left = {unit: list(told) for unit, told in answers.items()}

    def crew(said: str) -> Sequence[Answer]:
        for unit, name in NAMES.items():
            if f"呼叫{name}" in said and left.get(unit):
                return [left[unit].pop(0)]
            if name in said and "人数" in said:
                return [Answer(count)]
        return ()

    return crew


def full(name: str, after_s: float = 1.5) -> Answer:
    return Answer(f"{name}收到,在岗3人,一切正常", after_s)


def test_everybody_answers(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        result = await play.office.desk.start_one(RollcallStart())
        await play.run()

        assert result["rollcalls"][0] == {
            "rollcall_id": result["rollcall_id"], "radio": "ch1", "units": 3, "excused": 1,
        }  # fmt: skip
        assert play.outcomes() == {"u1": "answered", "u2": "answered", "u3": "answered", "u4": "excused"}
        assert play.last("u1")["answer_latency_s"] == pytest.approx(1.5, abs=0.001)
        assert play.last("u2")["answer_latency_s"] == pytest.approx(4.25, abs=0.001)
        assert play.last("u3")["headcount"]["present"] == 2
        (finished,) = play.of("rollcall.finished")
        assert finished.data["outcomes"] == {"answered": 3, "excused": 1}
        assert finished.data["mode"] == "conducted"
        assert [text for _, text in play.said][:2] == [
            "各单元注意,现在开始点名",
            "指挥中心呼叫金穗花园,听到请回答",
        ]
        assert {text for _, text in play.said} <= play.prepared
        assert not play.of("checkin.received")
        assert {e.data["rollcall_id"] for e in play.of("transmission.received")} == {result["rollcall_id"]}
        assert play.shown == {f"rollcall/{result['rollcall_id']}": None}
        assert await play.store.do(lambda logbook: logbook.rollcalls.open()) == []

    crew = crew_of({
        "u1": [full("金穗花园")], "u2": [full("棠东小学", 4.25)], "u3": [Answer("五山市场收到")],
    })  # fmt: skip
    on_air(scene, crew=crew)


def test_who_is_silent_late_or_stood_in_for(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        await play.office.desk.start_one(RollcallStart())
        await play.run()

        assert play.outcomes() == {
            "u1": "no_answer", "u2": "answered_late", "u3": "answered", "u4": "excused",
        }  # fmt: skip
        assert play.last("u1")["call_count"] == 3
        (finished,) = play.of("rollcall.finished")
        assert finished.data["ended"] == "closed"

    def crew(said: str) -> Sequence[Answer]:
        if "呼叫五山市场" in said:
            return [full("棠东小学", 1.0), full("五山市场", 8.0)]
        return ()

    on_air(scene, crew=crew)


def test_an_emergency_pauses_at_once_and_a_command_goes_on(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        rollcall_id = (await play.office.desk.start_one(RollcallStart()))["rollcall_id"]
        await play.run()

        (opened,) = play.of("incident.opened")
        assert opened.data["status"] == "Actual"
        said = len(play.said)
        assert play.shown[f"rollcall/{rollcall_id}"]["paused"] == "emergency"  # type: ignore[index]
        await play.run(most_s=600.0)
        assert len(play.said) == said
        listed = await play.office.desk.list_open(RollcallList())
        assert listed["rollcalls"][0]["paused"] == "emergency"

        assert (await play.office.desk.resume(RollcallResume()))["changed"]
        await play.run()

        assert play.outcomes() == {
            "u1": "answered", "u2": "answered", "u3": "answered", "u4": "excused",
        }  # fmt: skip
        assert play.of("rollcall.finished")[0].data["pauses"] == 1

    fire = Answer("指挥中心,我是千耀酒店,有紧急情况汇报,三楼着火了,请求消防支援", 2.0, 6.0)
    crew = crew_of({
        "u1": [full("金穗花园")], "u2": [fire, full("棠东小学")], "u3": [full("五山市场")],
    })  # fmt: skip
    on_air(scene, crew=crew)


def test_paused_and_cancelled_by_command(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        rollcall_id = (await play.office.desk.start_one(RollcallStart()))["rollcall_id"]
        await play.run(most_s=SAYING_S + 1.0)
        with pytest.raises(RefusedCommand, match="goes on already"):
            await play.office.desk.start_one(RollcallStart())
        assert (await play.office.desk.pause(RollcallPause()))["paused"] == "paused_by_dispatcher"
        await play.run(most_s=300.0)
        assert play.of("rollcall.answered") == []
        with pytest.raises(RefusedCommand, match="no such roll-call"):
            await play.office.desk.cancel(RollcallCancel(rollcall_id="other"))

        assert (await play.office.desk.cancel(RollcallCancel(rollcall_id=rollcall_id)))[
            "state"
        ] == "cancelled"
        await play.run()

        assert set(play.outcomes().values()) == {"cancelled", "excused"}
        assert play.of("rollcall.finished")[0].data["ended"] == "cancelled"
        with pytest.raises(RefusedCommand):
            await play.office.desk.resume(RollcallResume())

    on_air(scene)


@pytest.mark.parametrize(
    ("heard", "outcome"),
    [
        (Answer("", sound=SoundClass.NOISE, length_s=12.0), "not_observed"),
        (Answer("", sound=SoundClass.KERCHUNK, length_s=0.3), "unreadable"),
        (Answer("那个东西放在哪里啊"), "unreadable"),
        (Answer("收到"), "answered"),
    ],
)
def test_what_may_have_been_an_answer_is_no_silence(on_air: OnAir, heard: Answer, outcome: str) -> None:
    async def scene(play: AirPlay) -> None:
        await play.office.desk.start_one(
            RollcallStart(units=("u1",), calls=1, last_call_s=0.0, ask_headcount=False)
        )
        await play.run()

        assert play.outcomes() == {"u1": outcome}

    on_air(scene, crew=crew_of({"u1": [heard]}))


def test_a_channel_that_stays_busy_is_held_against_nobody(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        await play.office.desk.start_one(RollcallStart(units=("u1", "u2"), last_call_s=0.0))
        await play.run()

        assert play.outcomes() == {"u1": "not_observed", "u2": "answered"}
        assert play.last("u1")["reasons"] == ["channel_busy"]

    on_air(scene, crew=crew_of({"u2": [full("棠东小学")]}), channel_busy=lambda text: "金穗花园" in text)


def test_a_clock_that_is_set_changes_no_answer_time(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        await play.office.desk.start_one(RollcallStart(units=("u1",)))
        await play.run(until=lambda: len(play.of("rollcall.called")) == 1)
        play.clock.wall = EIGHT.replace(year=2027)
        await play.run()

        assert play.last("u1")["answer_latency_s"] == pytest.approx(1.5, abs=0.001)
        assert len(play.of("rollcall.finished")) == 1

    on_air(scene, crew=crew_of({"u1": [full("金穗花园")]}))


def test_a_new_process_goes_on_and_repeats_nobody(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        rollcall_id = (await play.office.desk.start_one(RollcallStart()))["rollcall_id"]
        await play.run(until=lambda: len(play.of("rollcall.answered")) == 2)
        await play.conductor.stop()
        play.new_process()
        await play.office.take_up()
        play.said.clear()
        await play.conductor.go_on()
        await play.run()

        assert not any("金穗花园,听到" in text for _, text in play.said)
        assert play.outcomes() == {
            "u1": "answered", "u2": "answered", "u3": "answered", "u4": "excused",
        }  # fmt: skip
        assert {e.data["rollcall_id"] for e in play.of("rollcall.finished")} == {rollcall_id}

    crew = crew_of({unit: [full(name)] for unit, name in NAMES.items()})
    on_air(scene, crew=crew)


def test_no_second_roll_call_is_followed_meanwhile(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        await play.office.desk.start_one(RollcallStart(units=("u1",)))
        await play.run()

        assert len(play.of("rollcall.started")) == 1

    on_air(scene, crew=crew_of({"u1": [Answer("现在开始点名"), full("金穗花园")]}))


def test_a_late_answer_that_names_one_of_several_is_nobodys_silence(on_air: OnAir) -> None:
    """金穗花园 or 棠东小学, in the turn of 五山市场: none of the three was silent for certain."""

    async def scene(play: AirPlay) -> None:
        await play.office.desk.start_one(
            RollcallStart(units=("u1", "u3"), calls=1, last_call_s=0.0, ask_headcount=False)
        )
        await play.run(until=lambda: len(play.of("rollcall.called")) == 2)
        state = play.conductor.state
        assert state is not None
        assert play.conductor.expected() == {"u1", "u3"}
        at = play.clock.now() + timedelta(seconds=1.0)
        reply = Reply(transmission_id="t-1", began_at=at, ended_at=at + timedelta(seconds=2.0))
        await play.conductor.feed(Understood(reply, candidates=("u1", "u2")))
        await play.run()

        assert play.outcomes() == {"u1": "unreadable", "u3": "unreadable"}
        assert play.last("u1")["review"]["reasons"] == ["caller_ambiguous"]

    on_air(scene)


def test_a_store_that_refuses_at_the_restart_only_delays(
    on_air: OnAir, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_args: object, **_kept: object) -> None:
        raise StoreUnavailable("disk full")

    async def scene(play: AirPlay) -> None:
        await play.office.desk.start_one(RollcallStart(units=("u1",)))
        await play.conductor.stop()
        play.new_process()
        await play.office.take_up()
        with monkeypatch.context() as full_disk:
            full_disk.setattr(play.store, "commit", refuse)
            with pytest.raises(StoreUnavailable):
                await play.conductor.go_on()
        assert play.conductor.is_waiting
        await play.conductor.go_on()
        await play.run()

        assert play.outcomes() == {"u1": "answered"}

    on_air(scene, crew=crew_of({"u1": [full("金穗花园")]}))


def test_what_the_engine_cannot_take_does_not_end_the_roll_call(
    on_air: OnAir, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = held.step

    def step(state: HeldState, event: Event) -> tuple[HeldState, tuple[Action | DrillAction, ...]]:
        if isinstance(event, Deaf):
            raise ZeroDivisionError
        return taken(state, event)

    async def scene(play: AirPlay) -> None:
        await play.office.desk.start_one(RollcallStart(units=("u1",)))
        play.conductor.post(Deaf(play.clock.now(), "poison"))
        await play.run()

        assert play.outcomes() == {"u1": "answered"}
        assert len(play.of("rollcall.finished")) == 1

    monkeypatch.setattr(held, "step", step)
    on_air(scene, crew=crew_of({"u1": [full("金穗花园")]}))


def test_nothing_is_said_any_more_once_it_was_stopped(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        await play.office.desk.start_one(RollcallStart(units=("u1", "u2")))
        await play.run(until=lambda: len(play.of("rollcall.called")) == 1)
        await play.conductor.stop()
        said = len(play.said)
        await play.run()

        assert len(play.of("rollcall.answered")) == 1
        assert len(play.said) == said

    on_air(scene, crew=crew_of({"u1": [full("金穗花园")]}))


def test_a_radio_that_cannot_begin_is_told_beside_those_that_have(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        beside = play.another_radio("ch2", streets=("五山街",))
        begin = beside.begin

        async def refuse(*_: object, **__: object) -> None:
            raise StoreUnavailable("the disk is full")

        beside.begin = refuse  # type: ignore[method-assign]
        result = await play.office.desk.start_one(RollcallStart())
        assert [one["radio"] for one in result["rollcalls"]] == ["ch1"]
        assert result["not_begun"] == [{"radio": "ch2", "units": 1, "reason": "the disk is full"}]
        listed = await play.office.desk.list_open(RollcallList())
        assert [one["rollcall_id"] for one in listed["rollcalls"]] == [result["rollcall_id"]]

        await play.office.desk.cancel(RollcallCancel())
        play.conductor.begin = refuse  # type: ignore[method-assign]
        with pytest.raises(StoreUnavailable):
            await play.office.desk.start_one(RollcallStart())
        beside.begin = begin  # type: ignore[method-assign]
        result = await play.office.desk.start_one(RollcallStart())
        assert (result["rollcalls"][0]["radio"], result["not_begun"][0]["radio"]) == ("ch2", "ch1")
        await play.office.desk.cancel(RollcallCancel())

    on_air(scene)


def test_one_that_began_meanwhile_is_not_begun_again(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        start = play.office.desk.start_one
        results = await asyncio.gather(start(RollcallStart()), start(RollcallStart()), return_exceptions=True)
        (refused,) = [one for one in results if isinstance(one, BaseException)]
        assert isinstance(refused, RefusedCommand)
        assert refused.refusal.code == "busy"
        await play.office.desk.cancel(RollcallCancel())

    on_air(scene)


def test_who_reports_a_fire_in_its_own_turn_has_answered(on_air: OnAir) -> None:
    """The officer must not miss the report, and nobody may say that the unit was not there."""

    async def scene(play: AirPlay) -> None:
        await play.office.desk.start_one(RollcallStart())
        await play.run()

        (opened,) = play.of("incident.opened")
        assert (opened.data["status"], opened.data["unit"]["unit_id"]) == ("Actual", "u2")
        line = play.last("u2")
        assert (line["outcome"], line["answer_latency_s"]) == ("answered", pytest.approx(2.0, abs=0.001))
        assert line["headcount"]["present"] is None
        assert "reported_emergency" in line["review"]["reasons"]
        said = len(play.said)
        assert "请报告在岗人数" not in play.said[-1][1]
        await play.run(most_s=600.0)
        assert len(play.said) == said

        await play.office.desk.resume(RollcallResume())
        await play.run()

        # It is told 收到 and not called again, nor asked for its head count beside a fire.
        assert play.said[said][1] == "棠东小学,收到"
        assert not [text for _, text in play.said[said:] if "呼叫棠东小学" in text]
        assert play.outcomes()["u2"] == "answered"
        assert play.of("rollcall.finished")[0].data["pauses"] == 1

    fire = Answer("我是棠东小学,三楼着火了,请求消防支援", 2.0, 5.0)
    on_air(scene, crew=crew_of({"u1": [full("金穗花园")], "u2": [fire], "u3": [full("五山市场")]}))


def test_a_fire_reported_in_the_turn_of_another_answers_for_nobody(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        await play.office.desk.start_one(RollcallStart())
        await play.run()
        assert play.of("incident.opened")[0].data["unit"]["unit_id"] == "u3"
        assert play.outcomes().keys() == {"u1", "u4"}

        await play.office.desk.resume(RollcallResume())
        await play.run()

        assert play.outcomes() == {"u1": "answered", "u2": "answered", "u3": "answered", "u4": "excused"}
        assert play.last("u2")["call_count"] == 2
        assert play.last("u3")["answer_latency_s"] == pytest.approx(1.5, abs=0.001)

    fire = Answer("我是五山市场,三楼着火了,请求消防支援", 2.0, 5.0)
    answers = {"u1": [full("金穗花园")], "u2": [fire, full("棠东小学")], "u3": [full("五山市场")]}
    on_air(scene, crew=crew_of(answers))


def test_another_answers_for_the_unit_in_turn(on_air: OnAir) -> None:
    """It is no answer of its own: it is called once more, and the one who spoke owes its own."""

    async def scene(play: AirPlay) -> None:
        await play.office.desk.start_one(RollcallStart(last_call_s=0.0))
        await play.run()

        assert play.outcomes() == {
            "u1": "answered_by_other", "u2": "answered", "u3": "answered_by_other", "u4": "excused",
        }  # fmt: skip
        first, third = play.last("u1"), play.last("u3")
        assert (first["answered_by"], first["headcount"]["present"]) == ("u2", 3)
        assert (first["call_count"], first["review"]["required"]) == (2, False)
        assert third["answered_by"] == "u1"
        assert third["review"]["reasons"] == ["stood_in_for_whom"]
        acts = [event.data["acts"] for event in play.of("transmission.received")]
        assert ["stands_in" in told for told in acts] == [True, False, True]
        assert play.of("transmission.received")[0].data["caller"]["unit_id"] == "u2"

    answers = {
        "u1": [Answer("棠东小学代金穗花园应答,在岗3人")],
        "u2": [full("棠东小学")],
        "u3": [Answer("我是金穗花园,他们对讲机没电了,我代他们应答")],
    }
    on_air(scene, crew=crew_of(answers))


def test_nobody_is_called_on_a_radio_whose_sound_has_ended(on_air: OnAir) -> None:
    async def scene(play: AirPlay) -> None:
        play.pipeline.notice(Ended("ch1", "the recording has ended"))
        await play.office.desk.start_one(RollcallStart(calls=1, last_call_s=0.0))
        await play.run()
        assert set(play.outcomes().values()) == {"not_observed", "excused"}
        assert play.last("u1")["reasons"] == ["gateway_deaf"]

    on_air(scene)


@pytest.mark.parametrize("away_s", [25.0, 600.0])
def test_a_radio_that_is_unplugged_costs_nobody_anything(away_s: float, on_air: OnAir) -> None:
    """Away for a moment, the call is made again; for long, nobody's silence is held against anybody."""

    async def scene(play: AirPlay) -> None:
        async def plug_in() -> None:
            play.pipeline.notice(Recovered("ch1", "source"))

        async def unplug() -> None:
            play.pipeline.notice(Fault("ch1", "source", "the device is gone"))
            play.later(away_s, plug_in)

        await play.office.desk.start_one(RollcallStart(calls=1, last_call_s=0.0))
        play.later(SAYING_S * 2 + 3.0, unplug)
        await play.run()

        told = play.outcomes()
        assert told["u1"] == "not_observed"
        assert play.last("u1")["reasons"] == ["gateway_deaf"]
        if away_s < 60.0:
            assert (told["u2"], told["u3"]) == ("answered", "answered")
        else:
            assert (told["u2"], told["u3"]) == ("not_observed", "not_observed")
            assert play.last("u3")["call_count"] == 0
        assert len(play.of("rollcall.finished")) == 1

    answers = {"u2": [full("棠东小学")], "u3": [full("五山市场")]}
    on_air(scene, crew=crew_of(answers))


def test_paused_or_cancelled_in_the_middle_of_a_call(on_air: OnAir) -> None:
    """What is on the air is said to its end; nobody is held to a call that was interrupted."""

    async def scene(play: AirPlay) -> None:
        async def pause() -> None:
            paused = await play.office.desk.pause(RollcallPause())
            assert paused["changed"]
            assert not (await play.office.desk.pause(RollcallPause()))["changed"]

        await play.office.desk.start_one(RollcallStart(calls=1, last_call_s=0.0))
        play.later(SAYING_S * 1.5, pause)
        await play.run()
        assert [text for _, text in play.said][-1] == "指挥中心呼叫金穗花园,听到请回答"
        assert (await play.office.desk.resume(RollcallResume()))["changed"]

        async def cancel() -> None:
            await play.office.desk.cancel(RollcallCancel())
            with pytest.raises(RefusedCommand, match="no such roll-call"):
                await play.office.desk.cancel(RollcallCancel())

        play.later(SAYING_S * 0.5, cancel)
        await play.run()

        assert play.outcomes() == {"u1": "cancelled", "u2": "cancelled", "u3": "cancelled", "u4": "excused"}
        assert play.of("rollcall.finished")[0].data["ended"] == "cancelled"
        again = await play.office.desk.start_one(RollcallStart(units=("u1",)))
        assert again["rollcalls"][0]["units"] == 1
        await play.office.desk.cancel(RollcallCancel())

    on_air(scene)
