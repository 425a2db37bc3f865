"""An officer holds a drill by voice and the gateway follows it, through the whole main path."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.events import EVENT_DATA
from gateway.model import SoundClass
from gateway.rollcall.drillhearing import names_in_order
from gateway.rollcall.listening import Follower
from gateway.rollcall.record import entries_of, read_records
from gateway.watch.view import describe

OPEN, CLOSE = "各单元注意,现在进行拉动测试", "拉动结束,各单元恢复正常执勤"
ORDER = "模拟商场东门有人持刀,请金穗花园及周边单元立即到场"

Air = Any
OnAir = Any


def last(air: Air, unit_id: str) -> dict[str, Any]:
    return [event.data for event in air.of("drill.arrived") if event.subject == unit_id][-1]


def test_a_whole_drill(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say(ORDER)
        await air.say("金穗花园收到,正在前往", after_s=3.0)
        await air.say("棠东小学收到,马上到", after_s=2.0)
        await air.say("金穗花园2人到达东门,装备齐全,请指示", after_s=30.0)
        await air.say("请五山市场立即到商场东门集结", after_s=5.0)
        await air.say("棠东小学3人已到位", after_s=150.0)
        await air.say("五山市场收到,正在前往", after_s=2.0)
        await air.say(CLOSE, after_s=400.0)

        (started,), (finished,) = air.of("drill.started"), air.of("drill.finished")
        assert started.data["mode"] == "listened"
        point, line, area = last(air, "u1"), last(air, "u2"), last(air, "u3")
        assert (point["role"], point["arrival"], point["headcount"]["present"]) == ("point", "arrived", 2)
        assert point["ack_latency_s"] == pytest.approx(3.0)
        assert point["arrive_latency_s"] == pytest.approx(3 + 2 + 2 + 2 + 30)
        assert (line["role"], line["arrival"], line["in_time"]) == ("line", "arrived_late", False)
        assert (area["role"], area["outcome"], area["arrival"]) == ("area", "answered", "not_reported")
        assert finished.data["grades_135"] == {
            "self_rescue_60s": True, "mutual_aid_180s": False, "reinforcement_300s": False,
        }  # fmt: skip
        assert finished.data["linked_units"] == 2
        assert finished.data["scenario"]["text"] == "商场东门有人持刀"
        heard = air.of("transmission.received")
        assert {event.data["drill_id"] for event in heard} == {finished.data["drill_id"]}
        assert not air.of("checkin.received")
        (opened,) = air.of("rollcall.started")
        assert opened.data["rollcall_id"] == finished.data["drill_id"]
        for event in air.events:
            EVENT_DATA[event.kind].model_validate(event.data)
            assert describe(event.model_dump(mode="json")).plain
        (record,) = read_records(air.events)
        entries = {entry.unit_id: entry for entry in entries_of(record, {})}
        assert (entries["u1"].role, entries["u1"].in_time, entries["u1"].present) == ("point", True, 2)
        assert entries["u1"].linked_units == 2

    on_air(scene)


def test_without_an_order_nobody_is_graded(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say(OPEN)
        await air.say("指挥中心呼叫金穗花园,听到请回答")
        await air.say("金穗花园收到,在岗3人,一切正常")
        await air.say("指挥中心呼叫棠东小学,听到请回答")
        await air.say(CLOSE, after_s=30.0)

        assert air.outcomes() == {"u1": "answered", "u2": "no_answer"}
        assert not air.of("drill.arrived")
        (finished,) = air.of("drill.finished")
        assert set(finished.data["grades_135"].values()) == {None}
        assert finished.data["items"] == []

    on_air(scene)


def test_a_real_emergency_interrupts_and_nobody_is_held_to_it(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say("演练开始")
        await air.say("模拟商场东门有人持刀,请金穗花园立即到场")
        await air.say("金穗花园收到,正在前往")
        events = await air.say("不是演练,指挥中心,我是五山市场,有人持刀抢劫,请求公安支援")
        assert [e.data["drill_id"] for e in events if e.kind == "transmission.received"] == [None]
        assert [e.data["status"] for e in events if e.kind == "incident.opened"] == ["Actual"]
        await air.say(CLOSE, after_s=400.0)

        one = last(air, "u1")
        assert (one["outcome"], one["arrival"], one["in_time"]) == ("answered", "not_observed", None)
        assert one["reasons"] == ["emergency"]
        assert air.of("drill.finished")[0].data["pauses"] == 1
        assert not air.of("rollcall.started")

    on_air(scene)


def test_what_may_have_hidden_a_report_is_held_against_nobody(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say("演练开始")
        await air.say("模拟商场东门有人持刀,请金穗花园、棠东小学立即到场")
        await air.say("金穗花园收到,正在前往")
        await air.say("", after_s=30.0, sound=SoundClass.NOISE)
        await air.say("五山市场收到", after_s=3.0)
        await air.say(CLOSE, after_s=400.0)

        assert last(air, "u1")["arrival"] == "not_observed"
        assert (last(air, "u2")["outcome"], last(air, "u2")["arrival"]) == ("not_observed", "not_observed")
        assert "u3" not in {event.subject for event in air.of("drill.arrived")}

    on_air(scene)


def test_a_new_process_goes_on_with_it(on_air: OnAir) -> None:
    async def scene(air: Air) -> None:
        await air.say("演练开始")
        await air.say("模拟商场东门有人持刀,请金穗花园立即到场")
        stored = (await air.store.followers())["ch1"]
        assert Follower.model_validate_json(stored).model_dump_json() == stored
        air.new_process(stored)
        await air.say("金穗花园2人到达东门,装备齐全", after_s=40.0)
        await air.say(CLOSE, after_s=4.0)

        assert last(air, "u1")["arrival"] == "arrived"
        assert len(air.of("drill.started")) == len(air.of("drill.finished")) == 1

    on_air(scene)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (ORDER, ("金穗花园",)),
        ("请棠东小学、五山市场立即赶到东门增援", ("棠东小学", "五山市场")),
        ("请棠东小学,五山市场立即赶到东门增援", ("棠东小学", "五山市场")),
        ("请和平小区和棠东小学马上到场", ("和平小区", "棠东小学")),
        ("请各单元立即集结", ()),
        ("金穗花园收到,马上到", ()),
    ],
)
def test_the_names_in_an_order(text: str, names: tuple[str, ...]) -> None:
    assert names_in_order(text) == names


WORDS = [
    OPEN, ORDER, CLOSE, "演练开始", "金穗花园收到,正在前往", "棠东小学3人已到位", "收到", "到位",
    "请五山市场立即到东门集结", "不是演练,我是五山市场,有人持刀抢劫,请求支援", "五山市场没收到,请重复",
    "点名结束", "现在开始点名", "指挥中心呼叫金穗花园,听到请回答", "测试",
]  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(st.tuples(st.sampled_from(WORDS), st.floats(0.5, 200)), min_size=3, max_size=14))
def test_whatever_is_said_starts_and_ends_pair_up(on_air: OnAir, said: list[tuple[str, float]]) -> None:
    async def scene(air: Air) -> None:
        for words, after_s in said:
            await air.say(words, after_s=after_s)
        await air.say("拉动结束")
        kinds = [e.kind for e in air.events if e.kind in {"drill.started", "drill.finished"}]
        assert kinds == ["drill.started", "drill.finished"] * (len(kinds) // 2)
        for finished in air.of("drill.finished"):
            for unit in finished.data["items"]:
                assert unit["in_time"] is None or unit["arrival"] != "not_observed"

    on_air(scene)
