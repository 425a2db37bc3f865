"""An officer holds a roll-call by voice and the gateway follows it, through the whole main path."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.events import EVENT_DATA
from gateway.model import UNKNOWN, Candidate, Resolution, SoundClass, Transcript
from gateway.rollcall.followedpage import Turn
from gateway.rollcall.listening import Follower
from gateway.rollcall.overheard import ListeningRules, Overheard
from gateway.rollcall.sheet import CallMade, Sheet
from gateway.understand.resolve import Parties
from gateway.understand.turns import Utterance
from gateway.understand.understand import Context, understand
from gateway.watch.view import describe

START = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
OPEN, CLOSE = "各单元注意,现在开始点名", "点名结束"
TO = {name: f"指挥中心呼叫{name},听到请回答" for name in ("金穗花园", "棠东小学", "五山市场", "千耀酒店")}

Air = Any
OnAir = Any


def test_a_whole_rollcall(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say(TO["金穗花园"])
        await air.say("金穗花园收到,在岗3人,一切正常", after_s=4.0)
        await air.say(TO["棠东小学"])
        await air.say(TO["棠东小学"], after_s=15.0)
        await air.say(TO["五山市场"], after_s=20.0)
        await air.say("收到,应到4人实到2人", after_s=45.0)
        await air.say(CLOSE)

        kinds = [e.kind.removeprefix("rollcall.") for e in air.events if e.kind.startswith("rollcall.")]
        assert kinds == [
            "started", "called", "answered", "called", "called", "called", "answered", "missed", "finished",
        ]  # fmt: skip
        assert air.outcomes() == {"u1": "answered", "u2": "no_answer", "u3": "answered"}
        first = air.last("u1")
        assert first["answer_latency_s"] == pytest.approx(4.0)
        assert (first["headcount"]["present"], first["all_normal"], first["bin"]) == (3, True, "0-30")
        assert first["report_complete"]["unit"]
        assert first["review"]["required"] is False
        assert air.last("u2")["call_count"] == 2
        third = air.last("u3")
        assert (third["headcount"], third["bin"]) == ({"present": 2, "expected": 4}, "30-60")
        assert third["review"]["reasons"] == ["caller_not_named"]
        assert air.of("checkin.received") == []

    on_air(scene)


def test_the_summary_holds_the_whole(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say(TO["金穗花园"])
        await air.say("金穗花园3人在岗,一切正常")
        await air.say(TO["棠东小学"])
        events = await air.say(CLOSE, after_s=30.0)

        finished = events[-1]
        started = air.of("rollcall.started")[0]
        assert finished.kind == "rollcall.finished"
        assert finished.subject == started.subject == finished.data["rollcall_id"]
        assert finished.data["outcomes"] == {"answered": 1, "no_answer": 1}
        assert finished.data["bins"]["0-30"] == 1
        assert (finished.data["units"], finished.data["present"], finished.data["ended"]) == (2, 3, "closed")
        assert [line["unit_id"] for line in finished.data["items"]] == ["u1", "u2"]
        for event in air.events:
            document = EVENT_DATA[event.kind].model_validate(event.data)
            assert document.model_dump(mode="json") == event.data
            assert describe(event.model_dump(mode="json")).plain

    on_air(scene)


def test_transmissions_say_which_rollcall_they_belong_to(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say("指挥中心,金穗花园3人在岗,一切正常")
        await air.say(OPEN)
        await air.say(TO["金穗花园"])
        await air.say("金穗花园收到")
        await air.say("今天食堂有红烧肉")
        await air.say(CLOSE)
        await air.say("指挥中心,棠东小学2人在岗,一切正常")

        rollcall_id = air.of("rollcall.started")[0].subject
        told = [e.data["rollcall_id"] for e in air.of("transmission.received")]
        assert told == [None, *[rollcall_id] * 3, None, rollcall_id, None]
        assert [e.subject for e in air.of("checkin.received")] == ["u1", "u2"]
        answered = air.of("rollcall.answered")[0]
        received = air.of("transmission.received")[3]
        assert answered.causationid == received.id
        assert answered.data["transmission_id"] == received.data["transmission_id"]

    on_air(scene)


def test_a_call_outside_a_rollcall_stays_a_call(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(TO["金穗花园"])
        await air.say("金穗花园收到,3人在岗,一切正常")

        assert [e.kind for e in air.events if e.kind.startswith("rollcall.")] == []
        assert [e.subject for e in air.of("checkin.received")] == ["u1"]

    on_air(scene)


def test_out_of_order_late_and_unasked_answers_are_all_taken(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say(TO["金穗花园"])
        await air.say(TO["棠东小学"], after_s=20.0)
        await air.say("金穗花园收到,3人在岗,一切正常", after_s=5.0)
        await air.say("五山市场4人上岗,一切正常", after_s=1.0)
        await air.say("棠东小学收到,2人在岗,一切正常", after_s=1.0)
        await air.say(CLOSE)

        assert air.outcomes() == {"u1": "answered_late", "u2": "answered", "u3": "answered"}
        assert air.last("u1")["answer_latency_s"] == pytest.approx(20.0 + 2.0 + 5.0)
        assert air.last("u2")["answer_latency_s"] == pytest.approx(5.0 + 2.0 + 1.0 + 2.0 + 1.0)
        unasked = air.last("u3")
        assert (unasked["answer_latency_s"], unasked["call_count"], unasked["bin"]) == (None, 0, None)

    on_air(scene)


def test_a_second_answer_adds_and_keeps_the_time_of_the_first(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say(TO["金穗花园"])
        await air.say("金穗花园收到", after_s=3.0)
        await air.say("金穗花园,请报告在岗人数")
        await air.say("在岗4人,一切正常")
        await air.say("金穗花园收到")
        await air.say(CLOSE)

        answered = [e.data for e in air.of("rollcall.answered")]
        assert [a["headcount"]["present"] for a in answered] == [None, 4]
        assert [a["answer_latency_s"] for a in answered] == [pytest.approx(3.0)] * 2
        assert answered[0]["revision"] < answered[1]["revision"]
        assert len(air.of("rollcall.called")) == 1

    on_air(scene)


def test_speech_nobody_can_read_is_for_a_person(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say(TO["金穗花园"])
        await air.say("哇啦哇啦")
        await air.say(TO["棠东小学"])
        await air.say("", failure="the model failed")
        await air.say(TO["五山市场"])
        await air.say("", sound=SoundClass.KERCHUNK)
        await air.say("五山市场收到,2人在岗", after_s=1.0)
        await air.say(CLOSE, after_s=30.0)

        assert air.outcomes() == {"u1": "unreadable", "u2": "unreadable", "u3": "answered"}
        assert air.last("u1")["review"]["reasons"] == ["unreadable"]
        assert "unreadable" not in air.last("u3")["review"]["reasons"]
        assert "unreadable_answers" in air.of("rollcall.finished")[0].data["review"]["reasons"]

    on_air(scene)


@pytest.mark.parametrize("what", ["noise", "lost_audio", "deaf", "restart"])
def test_silence_that_was_not_heard_is_not_held_against_a_unit(what: str, on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say(TO["金穗花园"])
        if what == "noise":
            await air.say("", sound=SoundClass.NOISE)
        elif what == "lost_audio":
            await air.say("今天天气不错吧", dropped_frames=3, sound=SoundClass.NOISE)
        elif what == "deaf":
            air.pipeline.rollcall.could_not_hear(air.clock.now())
        else:
            air.new_process((await air.store.followers())["ch1"])
        await air.say(TO["棠东小学"], after_s=30.0)
        await air.say(CLOSE, after_s=30.0)

        assert air.outcomes() == {"u1": "not_observed", "u2": "no_answer"}
        assert air.last("u1")["reasons"]

    on_air(scene)


def test_a_clear_call_after_a_disturbed_one_counts(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say(TO["金穗花园"])
        await air.say("", sound=SoundClass.NOISE)
        await air.say(TO["金穗花园"])
        await air.say(CLOSE, after_s=30.0)

        assert air.outcomes() == {"u1": "no_answer"}

    on_air(scene)


def test_an_emergency_comes_first_and_is_actual(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say(TO["金穗花园"])
        await air.say("指挥中心,我是棠东小学,2号楼着火了,请求消防支援", after_s=5.0)
        await air.say("棠东小学收到,请汇报现场情况")
        await air.say("千耀酒店收到,正在前往")
        await air.say(TO["五山市场"], after_s=120.0)
        await air.say("五山市场收到,3人在岗,一切正常")
        await air.say(CLOSE)

        opened = air.of("incident.opened")[0].data
        assert (opened["status"], opened["type"]["code"], opened["unit"]["unit_id"]) == (
            "Actual",
            "FIRE",
            "u2",
        )
        assert air.outcomes() == {"u1": "not_observed", "u3": "answered"}
        assert air.last("u1")["reasons"] == ["emergency"]
        assert air.of("rollcall.finished")[0].data["pauses"] == 1

    on_air(scene)


def test_a_unit_that_answers_its_call_with_an_emergency_has_answered(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say(TO["金穗花园"])
        await air.say("指挥中心,我是金穗花园,东门有人持刀伤人,请求公安支援", after_s=3.0)
        await air.say(CLOSE)

        assert air.of("incident.opened")[0].data["status"] == "Actual"
        assert air.last("u1")["outcome"] == "answered"
        assert "reported_emergency" in air.last("u1")["review"]["reasons"]

    on_air(scene)


def test_a_scramble_is_an_exercise_and_goes_on(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say("各单元注意,现在进行拉动测试")
        await air.say(TO["金穗花园"])
        await air.say("指挥中心,我是金穗花园,2号楼着火了,请求消防支援")
        await air.say(TO["棠东小学"])
        await air.say("棠东小学收到,正在前往")
        await air.say("拉动结束,各单元恢复正常执勤")

        assert air.of("incident.opened")[0].data["status"] == "Exercise"
        assert air.of("rollcall.started")[0].data["kind"] == "drill"
        assert air.of("rollcall.finished")[0].data["pauses"] == 0
        assert air.outcomes()["u2"] == "answered"

    on_air(scene)


def test_a_rollcall_nobody_closed_is_over_when_it_fell_silent(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say(TO["金穗花园"])
        last_moved = air.clock.now()
        await air.say("指挥中心,金穗花园3人在岗,一切正常", after_s=3 * 3600.0)

        finished = air.of("rollcall.finished")[0].data
        assert finished["ended"] == "fell_silent"
        assert finished["finished_at"] == last_moved.isoformat()
        assert air.outcomes() == {"u1": "no_answer"}
        assert [e.subject for e in air.of("checkin.received")] == ["u1"]

    on_air(scene)


def test_opening_again_begins_another(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say(OPEN, after_s=10.0)
        await air.say(TO["金穗花园"])
        await air.say("金穗花园收到")
        await air.say(OPEN, after_s=600.0)

        assert len(air.of("rollcall.started")) == 2
        assert [e.data["ended"] for e in air.of("rollcall.finished")] == ["superseded"]

    on_air(scene)


@pytest.mark.parametrize(
    "text",
    ["指挥中心,我是金穗花园,现在开始点名了吗", "早上有人被点名批评了", "没有开始点名"],
)
def test_talk_about_rollcalls_opens_none(text: str, on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(text)

        assert [e.kind for e in air.events] == ["transmission.received"]

    on_air(scene)


def test_a_call_that_was_not_understood_costs_nobody_anything(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say(TO["金穗花园"])
        await air.say("指挥中心呼叫咕噜咕噜咕噜咕噜咕噜,听到请回答", after_s=20.0)
        await air.say("收到", after_s=1.0)
        await air.say("指挥中心呼叫嘎吱嘎吱嘎吱嘎吱嘎吱,听到请回答", after_s=20.0)
        await air.say("棠东小学收到,2人在岗", after_s=6.0)
        await air.say(CLOSE)

        assert air.outcomes() == {"u1": "not_observed", "u2": "answered"}
        assert air.last("u2")["answer_latency_s"] == pytest.approx(6.0)
        assert "call_misheard" in air.last("u2")["review"]["reasons"]
        summary = air.of("rollcall.finished")[0].data
        assert (summary["misheard_calls"], summary["stray_replies"]) == (2, 1)

    on_air(scene)


def test_a_misheard_name_does_not_cost_the_unit_in_turn_its_answer(knowledge: Any) -> None:
    """Real speech: the recogniser heard other units' names in an answer that named nobody."""
    lexicon = knowledge.lexicon
    said = Transcript("收到,2人在岗,情况正常", "", "given", "given", 0.1, 0.9)
    others = (Candidate("u2", "棠东小学", 0.5), Candidate("u9", "别的单元", 0.4))
    unclear = Resolution("ambiguous", candidates=others)
    spoken = understand(said, Parties(unclear, UNKNOWN), Context(), lexicon)
    rules = ListeningRules(new_id=lambda: "r1")
    call = CallMade(began_at=START, ended_at=START + timedelta(seconds=2))
    sheet, _ = Sheet(
        rollcall_id="r1", radio="ch1", kind="rollcall", mode="listened", started_at=START
    ).called("u1", "金穗花园", call)  # fmt: skip
    follower = Follower(radio_id="ch1", sheet=sheet, turn=Turn(unit_id="u1", call=call), opened_at=START)
    at = START + timedelta(seconds=8)
    heard = Overheard(Utterance("t1", at, 2.0, spoken, said.text), at, at + timedelta(seconds=2))

    followed = follower.hear(heard, rules)

    assert followed.takes_answer
    assert [(c.verb, c.item and c.item.unit_id) for c in followed.changes] == [("answered", "u1")]
    assert followed.follower.sheet is not None
    line = followed.follower.sheet.items["u1"]
    assert (line.outcome, line.answer_latency_s) == ("unreadable", 6.0)
    assert line.review_reasons == ("caller_ambiguous",)


def test_what_was_heard_outlives_the_process(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say(TO["金穗花园"])
        await air.say("金穗花园收到,3人在岗")
        await air.say(TO["棠东小学"])
        air.new_process((await air.store.followers())["ch1"])
        await air.say("棠东小学收到,2人在岗", after_s=8.0)
        await air.say(CLOSE)

        assert air.outcomes() == {"u1": "answered", "u2": "answered"}
        assert air.last("u2")["answer_latency_s"] == pytest.approx(8.0)
        assert len(air.of("rollcall.started")) == 1

    on_air(scene)
