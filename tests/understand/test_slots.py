"""Each slot read from sentences as units say them, clean and as a recogniser misspells them."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.model import Resolution, Understanding
from gateway.understand.lexicon import Lexicon
from gateway.understand.reading import read
from gateway.understand.understand import Context

Say = Callable[..., Understanding]

REPORTS = [
    ("指挥中心,我是阳光花园,2栋3单元楼道浓烟很大,请派消防", "SMOKE"),
    ("指挥中心,我校门口有人持刀伤人,请求特警支援", "KNIFE_ATTACK"),
    ("报告指挥中心,食堂有6名学生上吐下泻,疑似食物中毒,需要120", "FOOD_POISONING"),
    ("我小区有个小孩走丢了,穿红色外套,请求协助寻找", "MISSING_CHILD"),
    ("中山路口发生两车相撞,有人受伤,需要交警和120", "TRAFFIC_ACCIDENT"),
    ("我酒店大堂有人醉酒闹事,请派民警", "DRUNK"),
    ("现场有老人突然晕倒在地,没有意识,快派120", "UNCONSCIOUS"),
    ("我单元发现煤气味很重,管道漏气,请联系燃气公司", "GAS_LEAK"),
    ("河边有人落水,请求支援", "DROWNING"),
    ("工地围墙倒塌,压到2个工人,需要消防救援", "COLLAPSE"),
    ("地下车库电动车起火,火势很大,请求消防支援", "EBIKE_FIRE"),
    ("市场里面两伙人打架斗殴,请公安到场处置", "FIGHT"),
    ("银行门口发现一个可疑包裹,请求处置", "SUSPICIOUS_ITEM"),
    ("报告,5号楼高空抛物砸到人了,需要120", "FALLING_OBJECT"),
    ("我园区配电房有人触电,需要急救", "ELECTRIC_SHOCK"),
    ("指挥中心,有紧急情况汇报", "UNKNOWN"),
]
MISSPELT = [
    ("指挥中心,我小区发生一起轻声欲跳楼事件,请求消防公安支援", "SUICIDE_JUMP"),
    ("指挥中心,我是阳光花园,3栋染气泄漏,请派人", "GAS_LEAK"),
    ("指挥中心,楼下电平车着火了,请求支援", "EBIKE_FIRE"),
    ("报告,我店门口发生大家,需要公安", "FIGHT"),
    ("指挥中心,有井急情况汇报", "UNKNOWN"),
    ("指挥中心,2栋1单元电梯坤人,请派人", "ELEVATOR_TRAP"),
    ("我校门口有可以包裹,请求特警支援", "SUSPICIOUS_ITEM"),
    ("指挥中心,我是阳光花园,车库找火了,需要消防支援", "FIRE"),
]


@pytest.mark.parametrize(("text", "code"), REPORTS)
def test_the_incident_is_read(text: str, code: str, say: Say) -> None:
    hint = say(text).incident
    assert (hint.polarity, hint.code) == ("report", code)


@pytest.mark.parametrize(("text", "code"), MISSPELT)
def test_the_incident_survives_the_recogniser(text: str, code: str, say: Say) -> None:
    hint = say(text).incident
    assert (hint.polarity, hint.code) == ("report", code)


def test_every_type_is_found_by_every_synonym(lexicon: Lexicon) -> None:
    for hit_text, phrase in ((p, p) for p in ("持刀抢劫", "电动车着火", "没有呼吸", "无主包裹")):
        codes = [h.phrase for h, standing in read(hit_text, lexicon).hits if standing == "stated"]
        assert codes == [phrase]


@pytest.mark.parametrize(
    ("text", "agencies"),
    [
        ("需要消防、公安、120急救紧急支援,有人跳楼", {"FIRE", "POLICE", "EMS"}),
        ("指挥中心,东门燃气泄漏,请求支援", set()),
        ("指挥中心,大堂有人晕倒,请派救护车", {"EMS"}),
        ("指挥中心,车辆占用消防通道,请派交警", {"TRAFFIC_POLICE"}),
        ("指挥中心,医院门口有人打架,请公安到场", {"POLICE"}),
        ("指挥中心,有人摔伤,需要送医院", {"EMS"}),
        ("指挥中心,6号楼着火,请拨打119", {"FIRE"}),
        ("指挥中心,3栋着火,请求幺幺九支援", {"FIRE"}),
        ("报告指挥中心,有人打架,不需要120,需要公安", {"POLICE"}),
        ("指挥中心,有人持刀,需要公鞍、特警支援", {"POLICE", "SWAT"}),
        ("指挥中心,3栋2单元电梯困人,请通知电梯维保到场处置", {"ELEVATOR"}),
    ],
)
def test_agencies_are_those_asked_for(text: str, agencies: set[str], say: Say) -> None:
    assert set(say(text).incident.agencies) == agencies


def test_arrived_and_promised_agencies_are_no_new_requests(say: Say) -> None:
    during = Context(open_incident=True, open_code="FIRE")
    assert say("消防车已经到了", during).incident.arrived == ("FIRE",)
    assert say("已通知消防和120", during).incident.promised == ("FIRE", "EMS")
    assert say("民警正在劝说", during).incident.agencies == ()


@pytest.mark.parametrize(
    ("text", "expected", "parts"),
    [
        ("当事人在6号楼楼顶,有人要跳楼", "6号楼楼顶", {"building": "6号楼", "spot": "楼顶"}),
        ("指挥中心,东门有人打架", "东门", {"gate": "东门"}),
        ("指挥中心,地下车库B2层冒烟", "地下车库B2层", {"spot": "地下车库", "floor": "B2层"}),
        ("指挥中心,3单元502室煤气泄漏", "3单元502室", {"unit": "3单元", "room": "502室"}),
        (
            "天河路与体育东路交叉口发生车祸,需要交警",
            "天河路与体育东路交叉口",
            {"junction": "天河路与体育东路交叉口"},
        ),
        (
            "报告,解放路17号门口有人晕倒",
            "解放路17号门口",
            {"road": "解放路", "house_no": "17号", "relation": "门口"},
        ),
        (
            "指挥中心,2号门北侧50米有可疑包裹",
            "2号门北侧50米",
            {"gate": "2号门", "relation": "北侧", "distance": "50米"},
        ),
        (
            "指挥中心,3栋负1层充电棚着火",
            "3栋负1层充电棚",
            {"building": "3栋", "floor": "负1层", "spot": "充电棚"},
        ),
        ("我是阳光花园,12栋1801室着火了", "12栋1801室", {"building": "12栋", "room": "1801室"}),
        ("楼顶有人要跳楼,在8号楼", "8号楼楼顶", {"building": "8号楼", "spot": "楼顶"}),
    ],
)
def test_places_from_general_to_specific(text: str, expected: str, parts: dict[str, str], say: Say) -> None:
    hint = say(text).incident
    assert (hint.location_text, dict(hint.location_parts)) == (expected, parts)


def test_the_callers_own_name_is_not_the_place(say: Say, units: dict[str, Resolution]) -> None:
    gate = Resolution("matched", "u9", "南门广场", 0.9, 0.9, "南门广场", ("speech",))
    hint = say("我是南门广场,3号楼有人打架,请求公安支援", caller=gate).incident
    assert hint.location_text == "3号楼"
    hint = say("我是南门广场,有人打架,请求公安支援").incident
    assert hint.location_text is None


@pytest.mark.parametrize(
    ("text", "present", "expected"),
    [
        ("千耀酒店3人上岗,一切正常", 3, None),
        ("黄石中学最小应急单元2人已打卡上岗,情况正常", 2, None),
        ("收到,在岗3人,一切正常", 3, None),
        ("应到5人,实到4人", 4, 5),
        ("应到五人实到三人", 3, 5),
        ("两人在岗", 2, None),
        ("我们俩人在岗,情况正常", 2, None),
        ("我岗四名保安在岗在位", 4, None),
        ("在岗人数6人,装备齐全", 6, None),
        ("收到,3人再岗", 3, None),
        ("山人在岗,一切正常", 3, None),
        ("2人到达东门,装备齐全", 2, None),
        ("本单元5人,一切正常", 5, None),
        ("十二人全部到岗", 12, None),
    ],
)
def test_headcounts(text: str, present: int, expected: int | None, say: Say) -> None:
    headcount = say(text).headcount
    assert (headcount.present, headcount.expected) == (present, expected)


@pytest.mark.parametrize("text", ["2人受伤", "有3个人打架", "里面有5个人被困", "120在岗楼", "三名男子持刀"])
def test_no_headcount(text: str, say: Say) -> None:
    assert say(text).headcount.present is None


def test_a_bare_count_answers_the_question(say: Say) -> None:
    assert say("3个人").headcount.present is None
    assert say("3个人", Context(asked="headcount")).headcount.present == 3
    assert "headcount_above_expected" in say("应到3人,实到5人").review_reasons


@pytest.mark.parametrize(
    ("text", "acts"),
    [
        ("收到", {"ack_received"}),
        ("收道,马上到", {"ack_received", "ack_wilco"}),
        ("千耀酒店听到请回答", {"hail"}),
        ("没听清,请重复", {"say_again"}),
        ("没有收到,请再说一遍", {"say_again"}),
        ("已到达现场,请指示", {"arrived", "await_orders"}),
        ("一切正常,完毕", {"all_normal", "over"}),
        ("试机试机", {"test_only"}),
        ("请报告在岗人数", {"ask_headcount"}),
        ("误报,虚惊一场", {"cancel"}),
        ("明火已扑灭", {"resolve"}),
        ("意切正常", {"all_normal"}),
        ("为了解决这个问题", set()),
        ("情况正常吗", set()),
    ],
)
def test_acts(text: str, acts: set[str], say: Say) -> None:
    heard = set(say(text).acts)
    assert acts <= heard
    assert acts or not heard


@pytest.mark.parametrize(
    ("text", "polarity"),
    [
        ("刚才是误报", "cancel"),
        ("不是误报,确实着火了,3号楼需要消防", "report"),
        ("是不是误报", "none"),
        ("火已扑灭,无人受伤", "resolve"),
        ("火还没有得到控制", "none"),
        ("人员已送医", "resolve"),
        ("订单取消了", "none"),
        ("支援可以取消了", "cancel"),
        ("没事了,不用来了", "cancel"),
        ("歹徒已被制服,但现场有2人受伤,需要120", "report"),
        ("警报解除", "cancel"),
    ],
)
def test_polarity(text: str, polarity: str, say: Say) -> None:
    during = Context(open_incident=True, open_code="KNIFE_ATTACK")
    assert say(text, during).incident.polarity == polarity


@pytest.mark.parametrize(
    ("text", "incident", "other"),
    [
        ("解持人质", "HOSTAGE", "cancel"),
        ("着火了", "FIRE", "resolve"),
        ("没有意识", "UNCONSCIOUS", "all_normal"),
    ],
)
def test_confusables_keep_their_side(text: str, incident: str, other: str, lexicon: Lexicon) -> None:
    codes = {label.code for h, _ in read(lexicon.fold(text), lexicon).hits for label in h.labels}
    assert other not in codes
    assert codes <= {incident}


def test_the_calm_side_of_confusables_is_no_incident(lexicon: Lexicon) -> None:
    for text, code in (("解除警报", "cancel"), ("找到了", "resolve"), ("没有异常", "all_normal")):
        codes = {label.code for h, _ in read(text, lexicon).hits for label in h.labels}
        assert codes == {code}, text


@pytest.mark.parametrize(
    ("text", "mark", "exercise"),
    [
        ("现在开始拉动测试", "open", True),
        ("模拟东门有人持刀", "marker", True),
        ("不是演练,东门有人持刀", "live", False),
        ("拉动结束,各单元恢复正常执勤", "close", True),
        ("东门有人持刀", None, False),
    ],
)
def test_exercise_marks(text: str, mark: str | None, exercise: bool, say: Say) -> None:
    heard = say(text)
    assert (heard.exercise_mark, heard.exercise) == (mark, exercise)
    if mark != "live":
        assert say(text, Context(exercise_open=True)).exercise


def test_severity_urgency_certainty_are_caps_words(say: Say) -> None:
    fire = say("指挥中心,3号楼着火,火势很大,有3人被困,马上派消防").incident
    assert (fire.severity, fire.urgency, fire.casualties) == ("Extreme", "Immediate", 3)
    maybe = say("指挥中心,好像有人在东门打架,请求公安支援").incident
    assert maybe.certainty == "Possible"
    hurt = say("指挥中心,中山路发生车祸,3人受伤1人昏迷,需要120").incident
    assert (hurt.casualties, hurt.certainty, hurt.severity) == (4, "Observed", "Severe")
    none = say("指挥中心,3号楼着火,无人员伤亡,请求消防支援").incident
    assert (none.casualties, none.severity) == (0, "Severe")


def test_persons_are_described(say: Say) -> None:
    persons = say("指挥中心,1名男子穿黑色上衣持刀往北门方向逃跑,车牌粤A12345,请求公安支援").incident.persons
    assert persons is not None
    for part in ("1名男子", "穿黑色上衣", "往北门方向逃跑", "粤a12345"):
        assert part in persons


def test_the_command_post_reports_nothing(say: Say, units: dict[str, Resolution]) -> None:
    text = "各单元注意,天河商场发生火灾,请附近单元立即前往支援"
    assert say(text, caller=units["post"]).incident.polarity == "none"
    assert say("收到,请汇报现场情况,并提出支援单位").incident.polarity == "none"


def test_reading_is_total_over_any_text(say: Say) -> None:
    for text in ("", ",", "İ着火了", "、、、", "🔥" * 50, "着火" * 400, "1" * 300):
        assert say(text).incident.polarity in {"none", "report"}


def test_lookup_of_wrong_talk_asks_for_review(say: Say, talk: Any) -> None:
    heard = say("指挥中心,我是阳光花园,燃起泄楼,请派人")
    assert "by_sound:燃气泄漏" in heard.review_reasons


def test_what_whisper_made_of_recorded_calls(say: Say) -> None:
    """Written down from the base model on the project's own recordings."""
    jump = say("我小区发生一起轻生预跳路事件当时人在6号楼楼顶情绪机动需要消防公安120级就紧急支援").incident
    assert (jump.code, jump.agencies, jump.location_text) == (
        "SUICIDE_JUMP",
        ("FIRE", "POLICE", "EMS"),
        "6号楼楼顶",
    )
    duty = say("签要酒店收到再赶3人一起正常")
    assert duty.headcount.present == 3
    assert {"ack_received", "all_normal"} <= set(duty.acts)
    assert "ask_situation" in say("收到请会报现场情况并提出支援单位.").acts
    assert say("黄石中学最小应极单元2人以打卡上档情况正常").headcount.present == 2
    assert say("指挥中心云山小学报告刚才的婴感报警事务报现场没有著火").incident.polarity == "cancel"


@pytest.mark.parametrize(
    ("text", "mark", "exercise"),
    [
        ("各单元注意,现在开始点名", "open", False),
        ("现在进行拉动测试", "open", True),
        ("点名结束", "close", False),
        ("拉动结束,各单元恢复正常执勤", "close", True),
        ("早点名结束", "close", False),
        ("还没有开始点名", None, False),
        ("指挥中心点名,龙源宾馆,听到请回话", None, False),
    ],
)
def test_a_rollcall_alone_is_no_exercise(text: str, mark: str | None, exercise: bool, say: Say) -> None:
    heard = say(text)
    assert (heard.rollcall_mark, heard.exercise) == (mark, exercise)
