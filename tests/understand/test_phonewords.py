"""The lexicon's phrases heard in phone evidence, and what they add to a text that lost them."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model import PhoneEvidence, Resolution, Transcript, Understanding
from gateway.understand.lexicon import Lexicon
from gateway.understand.normalise import normalise
from gateway.understand.phones import PHONES, phones_of
from gateway.understand.resolve import Parties
from gateway.understand.understand import Context, understand

EVERY = 4
PEAK = 12.0
CALLER = Resolution("matched", "u1", "华夏A区", 0.99, 0.9, "华夏A区", ("speech",))
COMMAND = Resolution("matched", None, "指挥中心", 0.99, 0.9, "指挥中心", ("speech",), (), "command")
TO_THE_POST = Parties(CALLER, COMMAND)

Told = Callable[..., Understanding]


def said(text: str, other: dict[str, tuple[str, float]] | None = None) -> PhoneEvidence:
    """Evidence for `text`, a comma being a pause of 0.4 s.

    `other` gives a phone's rival in the same frame and by how many nats the rival is better.
    """
    frames: list[tuple[int, str]] = []
    at = 2 * EVERY
    for piece in text.split(","):
        for phone in phones_of(piece):
            frames.append((at, phone))
            at += EVERY
        at += 20
    rows = np.full((at + EVERY, len(PHONES) + 1), -6.0)
    rows[:, 0] = 6
    for at, phone in frames:
        rows[at, 1 + PHONES.index(phone)] = PEAK
        if other and phone in other:
            rival, better = other[phone]
            rows[at, 1 + PHONES.index(rival)] = PEAK + better
    log_probs = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
    return PhoneEvidence(log_probs.astype(np.float32), PHONES)


@pytest.fixture(scope="module")
def told(lexicon: Lexicon) -> Told:
    def understood(
        text: str,
        phones: PhoneEvidence | None,
        parties: Parties = TO_THE_POST,
        context: Context | None = None,
    ) -> Understanding:
        transcript = Transcript(normalise(text), text, "test", "test", 0.0, 0.9, phones=phones)
        return understand(transcript, parties, context or Context(), lexicon)

    return understood


def test_a_phrase_the_text_lost_is_written(lexicon: Lexicon) -> None:
    heard = lexicon.spoken.hear(said("三号楼电梯困人,请通知电梯维保"))
    assert "电梯困人" in heard.text
    assert "请通知电梯维保" in heard.text
    assert heard.clear["电梯困人"] <= 0.1
    assert not heard.doubts


def test_silence_says_nothing(lexicon: Lexicon) -> None:
    nothing = PhoneEvidence(np.zeros((0, len(PHONES) + 1), np.float32), PHONES)
    assert lexicon.spoken.hear(nothing).text == ""
    assert lexicon.spoken.hear(said("")).clear == {}


def test_another_head_is_refused(lexicon: Lexicon) -> None:
    with pytest.raises(ValueError, match="other phones"):
        lexicon.spoken.hear(PhoneEvidence(np.zeros((9, 4), np.float32), PHONES[:3]))


@pytest.mark.parametrize(("word", "phone", "rival"), [("着火了", "h", "d"), ("没有意识", "sh", "ch")])
def test_a_phrase_within_reach_of_no_other_group_is_taken(
    lexicon: Lexicon, word: str, phone: str, rival: str
) -> None:
    assert word in lexicon.spoken.hear(said(word, {phone: (rival, 0.5)})).text


def test_an_alarm_and_an_all_clear_are_never_crossed(lexicon: Lexicon) -> None:
    # 着火了 and 找到了: zhao huo le, zhao dao le
    torn = said("着火了", {"h": ("d", 0.4), "uo": ("ao", 0.4)})
    heard = lexicon.spoken.hear(torn)
    assert heard.doubts == ("sounds_like:找到了|着火了",)
    assert not {"着火了", "找到了"} & heard.clear.keys()
    assert "着火了" not in heard.text
    assert "找到了" not in heard.text


def test_an_alarm_within_reach_of_an_all_clear_opens_nothing(told: Told) -> None:
    torn = said("指挥中心我是华夏A区,着火了", {"uo": ("ao", 0.4), "h": ("d", 0.4)})
    assert told("指挥中心我是华夏A区有人来", torn).incident.polarity == "none"


def test_the_kind_is_filled_in_where_the_text_has_none(told: Told) -> None:
    phones = said("指挥中心我是华夏A区,三号楼电梯困人,请通知电梯维保")
    text = "指挥中心我是华夏A区3号楼你就回任请通知电体微包"
    assert told(text, None).review_reasons
    filled = told(text, phones)
    assert (filled.incident.polarity, filled.incident.code) == ("report", "ELEVATOR_TRAP")
    assert filled.incident.agencies == ("ELEVATOR",)


def test_a_phrase_heard_by_phones_alone_is_always_to_be_reviewed(told: Told) -> None:
    text, call = "指挥中心我是华夏A区三号楼印机魁人", "指挥中心我是华夏A区,三号楼电梯困人"
    alone = told(text, said(call))
    assert alone.incident.code == "ELEVATOR_TRAP"
    assert "heard:电梯困人" in alone.review_reasons
    both = told("指挥中心我是华夏A区三号楼电提困人", said(call))
    assert both.incident.code == "ELEVATOR_TRAP"
    assert not any(r.startswith("heard:") for r in both.review_reasons)
    # every k heard as a g: 电梯滚人 by two nats
    doubtful = told(text, said(call, {"k": ("g", 2.0)}))
    assert doubtful.incident.code == "ELEVATOR_TRAP"
    assert "heard:电梯困人" in doubtful.review_reasons


def test_a_vaguer_kind_gives_way_to_what_was_heard(told: Told) -> None:
    text = "指挥中心我是华夏A区有3人被困,请支援"
    assert told(text, None).incident.code == "TRAPPED"
    phones = said("指挥中心我是华夏A区,电梯困人,有三人被困,请支援")
    assert told(text, phones).incident.code == "ELEVATOR_TRAP"


def test_where_text_and_audio_each_tell_a_kind_a_person_decides(told: Told) -> None:
    read = told("指挥中心我是华夏A区发生火灾请消防支援", said("指挥中心我是华夏A区,燃气泄漏,请消防支援"))
    assert read.incident.code in {"FIRE", "GAS_LEAK"}
    assert read.review_reasons


def test_agencies_are_heard_only_after_a_request(told: Told) -> None:
    text = "指挥中心我是华夏A区发生火灾"
    asked = told(text, said("指挥中心我是华夏A区,发生火灾,需要消防支援"))
    assert asked.incident.agencies == ("FIRE",)
    assert "heard:FIRE" in asked.review_reasons
    named = told(text, said("指挥中心我是华夏A区,发生火灾,消防"))
    assert named.incident.agencies == ()


def test_a_phrase_without_the_build_of_a_report_opens_nothing(told: Told) -> None:
    phones = said("那里电梯困人那一段")
    assert told("那里印机魁人那一段", phones, parties=Parties()).incident.polarity == "none"
    assert told("那里印机魁人那一段", phones).incident.polarity == "report"  # a unit calls the post by name


@pytest.mark.parametrize("call", ["没有燃气泄漏", "预防燃气泄漏", "昨天燃气泄漏"])
def test_what_is_denied_feared_or_past_is_no_report(told: Told, call: str) -> None:
    assert told("西七娄", said(call)).incident.polarity == "none"


def test_two_syllables_name_a_kind_only_where_one_is_announced(told: Told) -> None:
    text = "指挥中心我是华夏A区西门请急救支援"
    inside = told(text, said("指挥中心我是华夏A区,四楼电梯口,请急救支援"))
    assert inside.incident.code == "UNKNOWN"  # 楼电 is 漏电 to the ear
    announced = told(text, said("指挥中心我是华夏A区,西门有人触电,请急救支援"))
    assert announced.incident.code == "ELECTRIC_SHOCK"


def test_an_exercise_heard_by_phones_alone_opens_nothing_real(told: Told) -> None:
    phones = said("指挥中心我是华夏A区,现在进行应急演练,模拟电梯困人")
    heard = told("指挥中心我是华夏A区印机魁人", phones)
    assert heard.exercise
    assert "exercise_heard" in heard.review_reasons
    once = told("指挥中心我是华夏A区印机魁人", said("指挥中心我是华夏A区,模拟电梯困人"))
    assert not once.exercise
    assert once.incident.polarity == "none"


def test_cancelling_words_in_the_text_win(told: Told) -> None:
    heard = told("指挥中心我是华夏A区,刚才是误报", said("指挥中心我是华夏A区,电梯困人"))
    assert heard.incident.polarity == "cancel"


def test_an_end_half_swallowed_keeps_a_report_from_being_opened(told: Told) -> None:
    # 误报 heard as 误邦, 烟感报警 as 烟感邦警
    phones = said("指挥中心我是华夏A区,烟感报警是误报", {"ao": ("ang", 2.0)})
    assert told("指挥中心我是华夏A区西七娄", phones).incident.polarity != "report"


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("指挥中心我是华夏A区刚才是误报", "指挥中心我是华夏A区,电梯困人"),
        ("指挥中心我是华夏A区西七娄", "指挥中心我是华夏A区,电梯困人是误报"),
        ("指挥中心我是华夏A区西七娄", "指挥中心我是华夏A区,刚才的烟感报警是五包"),
    ],
)
def test_nothing_is_opened_where_an_end_may_have_been_told(told: Told, text: str, call: str) -> None:
    heard = told(text, said(call))
    assert heard.incident.polarity != "report"
    assert any(reason.startswith("heard:") for reason in heard.review_reasons)


def test_an_end_that_was_heard_speaks_against_the_kind_that_was_read(told: Told) -> None:
    text = "指挥中心我是华夏A区一场连人打架"
    call = "指挥中心我是华夏A区,虚惊一场,没人打架"
    assert told(text, None).incident.polarity == "report"
    heard = told(text, said(call, {"x": ("sh", 1.5), "j": ("zh", 1.5)}))
    assert heard.incident.polarity == "none"
    assert "ends:虚惊一场" in heard.review_reasons
    asked = told(text + "请派警察", said(call + ",请派警察", {"x": ("sh", 1.5), "j": ("zh", 1.5)}))
    assert asked.incident.polarity == "report"


def test_what_the_text_denies_is_not_told_by_the_audio(told: Told) -> None:
    """A stray 没 counts for nothing in the audio, but this one the text has, too."""
    heard = told("指挥中心我是华夏A区楼道里都没受伤", said("指挥中心我是华夏A区,楼道里都没受伤"))
    assert heard.incident.polarity == "none"
    assert (
        told("指挥中心我是华夏A区楼道里都被人受伤", said("指挥中心我是华夏A区,楼道里有人受伤")).incident.code
        == "MEDICAL"
    )


def test_police_who_are_asked_for_are_no_end(told: Told) -> None:
    """叫派出所的人来 is heard as 移交派出所: a real report must not be lost to it."""
    heard = told(
        "指挥中心我是华夏A区有个男的拿着菜刀赶紧", said("指挥中心我是华夏A区,有个男的拿着菜刀,移交派出所")
    )
    assert (heard.incident.polarity, heard.incident.code) == ("report", "KNIFE_ATTACK")


def test_the_hail_of_a_call_asks_for_nobody(told: Told) -> None:
    assert told("华夏A区呼叫指挥室收到警察", None).incident.polarity == "none"
    assert told("华夏A区呼叫指挥室请派警察", None).incident.code == "UNKNOWN"


@pytest.mark.parametrize(
    ("report", "end"),
    [
        ("车被撞了", "撤销了"),
        ("没电了", "来电"),
        ("堵死了", "没事了"),
        ("被人劫持了", "警报解除"),
        ("人都散了", "人都伤了"),
    ],
)
def test_no_end_is_written_for_a_report_that_was_heard(lexicon: Lexicon, report: str, end: str) -> None:
    assert end not in lexicon.spoken.hear(said(report)).text


def test_an_end_heard_by_phones_alone_goes_to_a_person(told: Told) -> None:
    call = said("指挥中心我是华夏A区,电梯困人已解决")
    idle = told("指挥中心我是华夏A区西七娄", call)
    assert (idle.incident.polarity, idle.review_reasons) == ("none", ())
    talking = told("指挥中心我是华夏A区西七娄", call, context=Context(open_incident=True))
    assert talking.incident.polarity == "none"
    assert "heard:已解决" in talking.review_reasons


@given(number=st.integers(1, 10), form=st.sampled_from(["{}人在岗", "在岗{}人", "{}名队员在岗", "实到{}人"]))
@settings(max_examples=20, deadline=None)
def test_a_head_count_is_heard(lexicon: Lexicon, number: int, form: str) -> None:
    heard = lexicon.spoken.hear(said(form.format("一二三四五六七八九十"[number - 1])))
    assert heard.counts == {number}


def test_a_head_count_fills_in_and_is_marked(told: Told) -> None:
    answer = told("华夏A区收到古人在港", said("华夏A区收到,五人在岗,一切正常"))
    assert answer.headcount.present == 5
    assert "headcount_heard" in answer.review_reasons


def test_numbers_that_sound_alike_are_not_guessed(told: Told, lexicon: Lexicon) -> None:
    torn = said("六人在岗", {"l": ("j", 0.3)})
    assert lexicon.spoken.hear(torn).counts == frozenset()
    answer = told("华夏A区收到又人在港", torn)
    assert answer.headcount.present is None
    assert "headcount_unclear:6人|9人" in answer.review_reasons
