"""Transmissions on one radio become incidents: who joins, who opens, what ends them."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.events import MAX_EVENT_BYTES, AudioRef, ClockReading, IncidentSnapshot
from gateway.model import UNKNOWN, Headcount, IncidentHint, Resolution, Understanding
from gateway.understand.conversation import (
    Checkin,
    Conversation,
    IncidentChange,
    Rules,
    Utterance,
    to_snapshot,
)
from gateway.understand.lexicon import Lexicon

CLOCK = ClockReading(synced=True, source="ntp", est_error_ms=5.0, boot_id="boot", mono_ms=1000)
Units = dict[str, Resolution]


def needs(talk: Any, number: int = 1) -> dict[str, str]:
    return {need.agency: need.state for need in talk.incident(number).needs}


def jump(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区最小应急单元,有紧急情况汇报", units["A"], units["post"])
    talk.say("收到,请汇报现场情况,并提出支援单位")
    talk.say("我小区发生一起轻生欲跳楼事件,当事人在6号楼楼顶情绪激动,需要消防、公安、120急救紧急支援")
    talk.say("收到,马上安排,请随时注意现场情况")


def test_four_lines_are_one_incident(talk: Any, units: Units) -> None:
    jump(talk, units)
    assert talk.verbs == ["opened", "updated", "updated", "updated"]
    assert [c.incident.code for c in talk.changes] == ["UNKNOWN", "UNKNOWN", "SUICIDE_JUMP", "SUICIDE_JUMP"]
    incident = talk.incident()
    assert incident.location.text == "6号楼楼顶"
    assert incident.location.parts == {"building": "6号楼", "spot": "楼顶"}
    assert needs(talk) == {"FIRE": "promised", "POLICE": "promised", "EMS": "promised"}
    assert incident.unit.unit_id == "u1"
    assert incident.stages.acknowledged_at == incident.stages.reported_at + timedelta(seconds=15)
    assert (incident.severity, incident.status, incident.phase) == ("Extreme", "Actual", "open")
    assert [c.incident.msg_type for c in talk.changes] == ["Alert", "Update", "Update", "Update"]
    assert len(incident.evidence) == 4


def test_four_lines_with_a_named_command_post(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区最小应急单元,有紧急情况汇报", units["A"], units["post"])
    talk.say("华夏A区,我是指挥中心,收到,请汇报现场情况", units["post"], units["A"])
    talk.say("我小区3号楼着火,需要消防支援", units["A"])
    talk.say("指挥中心收到,消防马上到", units["post"])
    assert talk.verbs == ["opened", "updated", "updated", "updated"]
    assert (talk.incident().code, needs(talk)) == ("FIRE", {"FIRE": "promised"})


def test_help_arrives_and_it_ends(talk: Any, units: Units) -> None:
    jump(talk, units)
    talk.say("千耀酒店收到,正在前往", units["B"])
    talk.say("千耀酒店2人到达现场,请指示", units["B"])
    talk.say("消防已到达现场")
    talk.say("公安和120也已经到了")
    incident = talk.incident()
    assert needs(talk) == {"FIRE": "arrived", "POLICE": "arrived", "EMS": "arrived"}
    assert incident.participants == ("u2",)
    assert incident.location.text == "6号楼楼顶"
    assert incident.grades_135() == {
        "self_rescue_60s": None,
        "mutual_aid_180s": True,
        "reinforcement_300s": True,
    }
    talk.say("人已救下,情绪稳定", units["A"])
    assert (talk.incident().phase, talk.verbs[-1]) == ("resolved", "closed")
    assert talk.incident().stages.closed_at == talk.now


def test_grades_fail_when_late(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区,3号楼着火,需要消防支援", units["A"], units["post"])
    talk.wait(70)
    talk.say("我单元正在灭火", units["A"])
    talk.wait(200)
    talk.say("千耀酒店已到达现场", units["B"])
    assert talk.incident().grades_135() == {
        "self_rescue_60s": False,
        "mutual_aid_180s": False,
        "reinforcement_300s": None,
    }


def test_a_false_report_is_cancelled(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是云山小学,发生烟感报警,请求支援", units["C"], units["post"])
    talk.say("收到,马上安排")
    talk.say("指挥中心,云山小学报告,刚才的烟感报警是误报,现场没有着火", units["C"], units["post"])
    incident = talk.incident()
    assert talk.verbs == ["opened", "updated", "cancelled"]
    assert (incident.phase, incident.msg_type, incident.revision) == ("cancelled", "Cancel", 3)


@pytest.mark.parametrize("text", ["误报", "收到,刚才是误报,解除警报", "没事了,不用来了"])
def test_nobody_named_may_cancel_the_open_incident(text: str, talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区,3号楼冒烟", units["A"], units["post"])
    talk.say(text)
    assert talk.incident().phase == "cancelled"


def test_a_cancelled_smoke_alarm_leaves_the_fight_alone(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区,东门有人打架", units["A"], units["post"])
    talk.say("刚才的无人机黑飞是误报")
    assert talk.incident().phase == "open"


def test_cancelling_nothing_changes_nothing(talk: Any) -> None:
    assert talk.say("刚才的烟感报警是误报") == ()
    assert talk.say("火已扑灭") == ()


@pytest.mark.parametrize("text", ["好的,收到", "请讲", "各单元注意安全"])
def test_talk_without_an_incident_changes_nothing(text: str, talk: Any) -> None:
    assert talk.say(text) == ()
    assert talk.last_incident_id is None


def test_same_unit_same_type_is_the_same_incident(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区,3号楼着火,请求支援", units["A"], units["post"])
    talk.wait(300)
    talk.say("指挥中心,我是华夏A区,3号楼着火,火势很大", units["A"], units["post"])
    assert talk.verbs == ["opened", "updated"]
    assert talk.incident().severity == "Extreme"


def test_another_unit_with_another_type_is_another_incident(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区,3号楼着火,请求消防支援", units["A"], units["post"])
    talk.say("指挥中心,我是千耀酒店,大堂有人打架,请求公安支援", units["B"], units["post"])
    talk.say("华夏A区,火势已经得到控制,有1人受伤,需要120", units["A"])
    talk.say("千耀酒店,打架的人已经散去", units["B"])
    assert talk.verbs == ["opened", "opened", "updated", "closed"]
    assert (talk.incident(1).code, talk.incident(1).phase) == ("FIRE", "open")
    assert (talk.incident(2).code, talk.incident(2).phase) == ("FIGHT", "resolved")
    assert needs(talk, 1) == {"FIRE": "requested", "EMS": "requested"}


def test_two_units_tell_of_one_fire(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区,3号楼着火,请求消防支援", units["A"], units["post"])
    talk.say("我是千耀酒店,看到3号楼着火,火势很大", units["B"])
    assert talk.verbs == ["opened", "updated"]
    assert "same_type_by_another_unit" in talk.incident().review_reasons


def test_two_fires_in_two_buildings_are_two(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区,3号楼着火,请求消防支援", units["A"], units["post"])
    talk.say("指挥中心,我是千耀酒店,8号楼着火,请求消防支援", units["B"], units["post"])
    assert talk.verbs == ["opened", "opened"]


def test_what_it_led_to_joins(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区,中山路口发生车祸,请派交警", units["A"], units["post"])
    talk.say("现场有2人受伤,请派120")
    incident = talk.incident()
    assert (incident.code, incident.casualties, needs(talk)) == (
        "TRAFFIC_ACCIDENT",
        2,
        {"TRAFFIC_POLICE": "requested", "EMS": "requested"},
    )


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ("3号楼冒烟", "现在是电动车着火了,火势很大", "EBIKE_FIRE"),
        ("东门有人吵架", "打起来了,现场需要公安", "FIGHT"),
        ("东门有人打架", "其中一人拿着刀,现场需要特警", "KNIFE_ATTACK"),
        ("大堂有人受伤", "现场有人打架,需要公安", "FIGHT"),
    ],
)
def test_a_more_exact_word_refines_the_type(
    first: str, second: str, code: str, talk: Any, units: Units
) -> None:
    talk.say(f"指挥中心,我是华夏A区,{first},请求支援", units["A"], units["post"])
    talk.say(second)
    assert talk.verbs == ["opened", "updated"]
    assert talk.incident().code == code


def test_a_correction_replaces(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区,3号楼有人打架,请求支援", units["A"], units["post"])
    talk.say("我是华夏A区,更正,是5号楼高空抛物", units["A"])
    assert (talk.incident().code, talk.incident().location.text) == ("FALLING_OBJECT", "5号楼")
    assert talk.verbs == ["opened", "updated"]


def test_a_contradicting_place_is_kept_and_doubted(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区,3号楼着火,请求支援", units["A"], units["post"])
    talk.say("我是华夏A区,5号楼着火,火势很大", units["A"])
    assert talk.incident().location.text == "3号楼"
    assert "location_conflict" in talk.incident().review_reasons


def test_the_command_posts_words_add_neither_type_nor_need(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区,有紧急情况汇报", units["A"], units["post"])
    talk.say("收到,请汇报现场情况,是着火还是打架,并提出支援单位", units["post"])
    talk.say("各单元注意,华夏A区发生火灾,请附近单元立即前往支援,需要消防", units["post"])
    assert (talk.incident().code, needs(talk)) == ("UNKNOWN", {})


def test_cold_conversations_open_anew(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区,3号楼着火,请求支援", units["A"], units["post"])
    talk.wait(900)
    assert talk.conversation.tick(talk.now, talk.rules).incidents == talk.conversation.incidents
    assert not talk.conversation.context(talk.now, talk.rules).open_incident
    talk.say("指挥中心,东门着火了,请求消防支援")
    assert talk.verbs == ["opened", "opened"]
    talk.say("我是华夏A区,火已扑灭", units["A"])
    assert (talk.incident(1).phase, talk.incident(2).phase) == ("resolved", "open")


def test_drills_stick_until_they_are_closed(talk: Any, units: Units) -> None:
    talk.say("各单元注意,现在进行拉动测试", units["post"])
    talk.say("指挥中心,我是华夏A区,东门有人持刀,请求支援", units["A"], units["post"])
    assert talk.incident(1).status == "Exercise"
    talk.say("拉动结束,各单元恢复正常执勤", units["post"])
    assert talk.incident(1).phase == "resolved"
    talk.say("指挥中心,我是华夏A区,东门有人持刀,请求支援", units["A"], units["post"])
    assert talk.incident(2).status == "Actual"


def test_what_is_reported_during_a_rollcall_is_actual(talk: Any, units: Units) -> None:
    talk.say("各单元注意,现在开始点名", units["post"])
    talk.say("指挥中心,我是华夏A区,东门有人持刀,请求支援", units["A"], units["post"])
    talk.say("点名结束", units["post"])
    assert (talk.incident().status, talk.incident().phase) == ("Actual", "open")


def test_a_forgotten_drill_does_not_hide_tomorrows_fire(talk: Any, units: Units) -> None:
    talk.say("现在开始拉动演练", units["post"])
    talk.wait(8 * 3600)
    talk.say("指挥中心,我是华夏A区,3号楼着火,请求支援", units["A"], units["post"])
    assert talk.incident().status == "Actual"


def test_not_a_drill_overrides(talk: Any, units: Units) -> None:
    talk.say("现在开始拉动演练", units["post"])
    talk.say("指挥中心,我是华夏A区,不是演练,3号楼着火,请求支援", units["A"], units["post"])
    assert talk.incident().status == "Actual"


def test_a_real_report_during_a_played_one_is_its_own(talk: Any, units: Units) -> None:
    talk.say("现在开始拉动演练", units["post"])
    talk.say("模拟东门有人持刀伤人,我单元2人到达现场", units["A"])
    talk.say("不是演练,8号楼有人溺水,需要120")
    assert (talk.incident(1).status, talk.incident(2).status) == ("Exercise", "Actual")


def test_check_ins_are_no_incidents(talk: Any, units: Units) -> None:
    changes = talk.say("千耀酒店3人上岗,一切正常", units["B"])
    assert [type(c) for c in changes] == [Checkin]
    checkin = changes[0]
    assert (checkin.unit.unit_id, checkin.headcount.present, checkin.normal) == ("u2", 3, True)
    (unclear,) = talk.say("3人在岗")
    assert (unclear.normal, unclear.review_reasons) == (None, ("caller_unknown",))
    assert talk.say("情况正常吗") == ()
    assert talk.say("一切正常") == ()


def test_a_roll_call_answer_leaves_a_neighbours_incident_alone(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区,3号楼着火,请求支援", units["A"], units["post"])
    (change,) = talk.say("千耀酒店收到,在岗3人,一切正常", units["B"])
    assert isinstance(change, Checkin)
    assert talk.incident().revision == 1


def test_unknown_callers_are_for_review_until_they_are_known(talk: Any, units: Units) -> None:
    talk.say("指挥中心,3号楼着火了,请求消防支援", None, units["post"])
    assert talk.incident().review_reasons == ("caller_unknown",)
    talk.say("我是华夏A区,3号楼着火,火势很大", units["A"])
    assert (talk.incident().unit.unit_id, talk.incident().review_reasons) == ("u1", ())


def test_people_at_the_station_acknowledge_and_close(talk: Any, units: Units) -> None:
    talk.say("指挥中心,我是华夏A区,3号楼着火,请求支援", units["A"], units["post"])
    heard = talk.conversation.acknowledge("incident-1", talk.now, "desk 1")
    assert heard.changes[0].incident.stages.acknowledged_at == talk.now
    assert heard.conversation.acknowledge("incident-1", talk.now, "desk 1").changes == ()
    closed = heard.conversation.close("incident-1", talk.now, "desk 1")
    assert (closed.changes[0].verb, closed.changes[0].incident.revision) == ("closed", 3)
    assert closed.conversation.close("incident-1", talk.now, "desk 1").changes == ()
    assert closed.conversation.close("nobody", talk.now, "desk 1").changes == ()


def test_the_state_survives_a_restart(talk: Any, units: Units) -> None:
    jump(talk, units)
    again = Conversation.model_validate_json(talk.conversation.model_dump_json())
    assert again == talk.conversation


def test_snapshots_follow_the_contract_and_fit_an_event(talk: Any, units: Units) -> None:
    jump(talk, units)
    snapshot = to_snapshot(talk.incident(), CLOCK)
    assert isinstance(snapshot, IncidentSnapshot)
    data = snapshot.model_dump(mode="json")
    assert (data["type"]["code"], data["type"]["class"], data["revision"]) == ("SUICIDE_JUMP", "rescue", 4)
    assert data["review"] == {"required": False, "reasons": []}
    incident = talk.incident()
    audio = AudioRef(ref="spool/x.flac", sha256="0" * 64, size_bytes=10)
    evidence = incident.evidence[0].model_copy(update={"text": "着" * 600, "raw": "火" * 600, "audio": audio})
    grown = incident.with_(evidence=(incident.evidence[0], *[evidence] * 250))
    long = to_snapshot(grown, CLOCK, replayed=True)
    assert len(long.model_dump_json().encode()) < MAX_EVENT_BYTES
    assert long.replayed
    assert long.evidence[0] == incident.evidence[0]
    assert len(long.evidence) > 2


RESOLUTIONS = st.sampled_from(
    [
        UNKNOWN,
        Resolution("matched", "u1", "华夏A区", 0.9, 0.8),
        Resolution("matched", "u2", "千耀酒店", 0.9, 0.8),
        Resolution("ambiguous", heard="华夏"),
        Resolution("matched", None, "指挥中心", kind="command"),
    ]
)
ACTS = [
    "ack_received", "ack_wilco", "promise", "arrived", "handling", "present", "all_normal", "correction",
    "ask_situation", "ask_headcount", "instruct", "test_only",
]  # fmt: skip
AGENCIES = st.lists(st.sampled_from(["FIRE", "POLICE", "EMS"]), unique=True).map(tuple)
HINTS = st.builds(
    IncidentHint,
    code=st.sampled_from([None, "UNKNOWN", "FIRE", "FIGHT", "MEDICAL", "GONE_FROM_LEXICON"]),
    agencies=AGENCIES,
    promised=AGENCIES,
    arrived=AGENCIES,
    location_text=st.sampled_from([None, "3号楼"]),
    location_parts=st.sampled_from([(), (("building", "3号楼"),), (("gate", "东门"),)]),
    polarity=st.sampled_from(["report", "cancel", "resolve", "none"]),
    severity=st.sampled_from(["Unknown", "Minor", "Extreme"]),
    urgency=st.sampled_from(["Unknown", "Past", "Immediate"]),
    casualties=st.sampled_from([None, 0, 2]),
)
UNDERSTANDINGS = st.builds(
    Understanding,
    caller=RESOLUTIONS,
    callee=RESOLUTIONS,
    acts=st.lists(st.sampled_from(ACTS), max_size=4, unique=True).map(tuple),
    headcount=st.sampled_from([Headcount(), Headcount(3)]),
    exercise=st.booleans(),
    exercise_mark=st.sampled_from([None, "open", "close", "marker", "live"]),
    incident=HINTS,
    review_reasons=st.sampled_from([(), ("low_confidence",)]),
)


@settings(max_examples=150, deadline=None)
@given(turns=st.lists(st.tuples(st.integers(-60, 2000), UNDERSTANDINGS), max_size=25))
def test_any_talk_keeps_revisions_contiguous(
    turns: list[tuple[int, Understanding]], lexicon: Lexicon
) -> None:
    ids = (f"i{n}" for n in itertools.count())
    rules = Rules(lexicon=lexicon, new_id=lambda: next(ids))
    conversation = Conversation(radio_id="ch1")
    at = datetime(2025, 1, 1, tzinfo=UTC)
    revisions: dict[str, int] = {}
    ended: set[str] = set()
    for number, (gap_s, understanding) in enumerate(turns):
        at += timedelta(seconds=gap_s)
        utterance = Utterance(f"t{number}", at, 2.0, understanding, "话", "话")
        heard = conversation.hear(utterance, rules)
        for change in heard.changes:
            if not isinstance(change, IncidentChange):
                continue
            incident = change.incident
            first = incident.incident_id not in revisions
            assert (change.verb == "opened") == first == (incident.msg_type == "Alert")
            assert incident.revision == revisions.get(incident.incident_id, 0) + 1
            revisions[incident.incident_id] = incident.revision
            if change.verb in {"closed", "cancelled"}:
                assert incident.incident_id not in ended
                ended.add(incident.incident_id)
            assert (incident.phase == "open") == (incident.incident_id not in ended)
            to_snapshot(incident, CLOCK)
        assert heard.incident_id is None or heard.incident_id in revisions
        conversation = Conversation.model_validate_json(heard.conversation.model_dump_json())
        assert conversation == heard.conversation
        assert conversation.tick(at, rules).tick(at, rules) == conversation.tick(at, rules)
