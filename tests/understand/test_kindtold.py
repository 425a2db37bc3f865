"""Kinds of incident measured against each other in the audio, and how much is asked of the likeliest."""

from dataclasses import replace

import numpy as np
import pytest

from gateway.model import PhoneEvidence, Resolution, Transcript, Understanding
from gateway.understand.lexicon import Lexicon
from gateway.understand.normalise import normalise
from gateway.understand.phones import PHONES, phones_of
from gateway.understand.resolve import Parties
from gateway.understand.understand import Context, understand

EVERY = 4
CALLER = Resolution("matched", "u1", "华夏A区", 0.99, 0.9, "华夏A区", ("speech",))
COMMAND = Resolution("matched", None, "指挥中心", 0.99, 0.9, "指挥中心", ("speech",), (), "command")
TO_THE_POST = Parties(CALLER, COMMAND)
NOBODY = Parties(Resolution("unknown"), Resolution("unknown"))


def drowned(text: str, *, under: str = "", by_nats: float = 1.0) -> PhoneEvidence:
    """Evidence for `text` in which each phone of the words `under` is `by_nats` behind a wrong one."""
    frames: list[tuple[int, str, bool]] = []
    at = 2 * EVERY
    for piece in text.split(","):
        left, found, right = piece.partition(under) if under else (piece, "", "")
        for part in (left, found, right):
            for phone in phones_of(part):
                frames.append((at, phone, bool(found) and part is found))
                at += EVERY
        at += 20
    rows = np.full((at + EVERY, len(PHONES) + 1), -6.0)
    rows[:, 0] = 6
    for at, phone, hidden in frames:
        column = 1 + PHONES.index(phone)
        rows[at, column] = 12
        if hidden:
            rows[at, 1 + (column + 16) % len(PHONES)] = 12 + by_nats
    log_probs = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
    return PhoneEvidence(log_probs.astype(np.float32), PHONES)


def told(
    lexicon: Lexicon, text: str, phones: PhoneEvidence | None, parties: Parties = TO_THE_POST
) -> Understanding:
    transcript = Transcript(normalise(text), text, "test", "test", 0.0, 0.9, phones=phones)
    return understand(transcript, parties, Context(), lexicon)


@pytest.mark.parametrize(
    ("said", "word", "code"),
    [
        ("指挥中心我是华夏A区,10号楼有人要跳楼,请消防支援", "要跳楼", "SUICIDE_JUMP"),
        ("指挥中心,华夏A区报告,三楼电梯困人,请通知电梯维保", "电梯困人", "ELEVATOR_TRAP"),
        ("指挥中心我是华夏A区,北门高空抛物,请派民警", "高空抛物", "FALLING_OBJECT"),
    ],
)
def test_a_half_drowned_word_is_told_where_all_else_is_a_report(
    lexicon: Lexicon, said: str, word: str, code: str
) -> None:
    found = told(lexicon, "指挥中心我是华夏A区咕噜咕噜请支援", drowned(said, under=word, by_nats=0.6))
    assert (found.incident.polarity, found.incident.code) == ("report", code)
    assert any(reason.startswith("heard:") for reason in found.review_reasons)


@pytest.mark.parametrize(
    ("said", "word", "code"),
    [
        ("指挥中心我是华夏A区,一个小男孩走丢了,请公安帮忙", "小男孩走丢", "MISSING_CHILD"),
        ("指挥中心我是华夏A区,5号门自来水管爆了,请支援", "自来水管爆", "WATER_FAULT"),
    ],
)
def test_a_word_heard_inside_a_longer_phrase_is_told(
    lexicon: Lexicon, said: str, word: str, code: str
) -> None:
    """The text that the words are written into reads as the longer phrase, which nobody heard as one."""
    found = told(
        lexicon, "指挥中心我是华夏A区咕噜咕噜请支援", drowned(said, under=said[said.index(word) + len(word)])
    )
    assert (found.incident.polarity, found.incident.code) == ("report", code)


def test_the_same_word_is_nothing_where_nobody_reports(lexicon: Lexicon) -> None:
    for said in ("要跳楼", "那边有人要跳楼", "听说北门高空抛物"):
        found = told(lexicon, "咕噜咕噜咕噜", drowned(said, under=said[-3:]), NOBODY)
        assert found.incident.polarity == "none", said


def test_an_answer_to_a_roll_call_holds_no_incident_by_chance(lexicon: Lexicon) -> None:
    said = "收到,华夏A区,5人在岗,一切正常"
    for word in ("在岗", "一切正常", "5人在岗"):
        found = told(lexicon, "收到华夏A区咕噜咕噜", drowned(said, under=word))
        assert found.incident.polarity == "none", word


def test_what_was_read_lies_under_another_word_in_the_audio(lexicon: Lexicon) -> None:
    """上访 is written for 上岗: it opens nothing, and a person sees it."""
    text = "指挥中心华夏A区最小应急单元上访"
    assert told(lexicon, text, None).incident.code == "CROWD_GATHERING"
    found = told(lexicon, text, drowned("指挥中心华夏A区最小应急单元上岗"))
    assert found.incident.polarity == "none"
    assert any("上访" in reason for reason in found.review_reasons)


def test_an_agency_that_nobody_asked_for_opens_nothing(lexicon: Lexicon) -> None:
    text = "华夏A区请学校听闹学学吧"
    spoken = "华夏A区呼叫,听到请回答"
    assert told(lexicon, text, drowned(spoken)).incident.polarity == "none"


def test_of_two_alike_the_graver_is_told_and_reviewed(lexicon: Lexicon) -> None:
    """拾到 and 持刀 differ in half a phone: nobody wants the knife booked as lost property."""
    evidence = drowned("指挥中心我是华夏A区,有人拾到,请公安马上来")
    rows = evidence.log_probs.copy()
    sh, ch = 1 + PHONES.index("sh"), 1 + PHONES.index("ch")
    rows[:, ch] = np.maximum(rows[:, ch], rows[:, sh] - 1.0)
    found = told(lexicon, "指挥中心我是华夏A区有人迟到请公安马上来", replace(evidence, log_probs=rows))
    assert found.incident.code == "KNIFE_ATTACK"
    assert found.review_reasons


def test_a_word_between_a_place_and_a_spot_is_none(lexicon: Lexicon) -> None:
    found = told(
        lexicon, "指挥中心我是华夏A区请急救支援", drowned("指挥中心我是华夏A区,四楼电梯口,请急救支援")
    )
    assert found.incident.code == "UNKNOWN"  # 楼电 is 漏电 to the ear


def test_an_emergency_without_a_kind_is_heard_where_the_post_is_called(lexicon: Lexicon) -> None:
    said = "指挥中心,华夏A区报告,有紧急情况"
    found = told(lexicon, "指挥中心华夏A区报告有请请问", drowned(said, under="紧急情况", by_nats=0.6))
    assert (found.incident.polarity, found.incident.code) == ("report", "UNKNOWN")


@pytest.mark.parametrize(
    ("text", "said", "present"),
    [
        ("指挥中心1855两人在港一切正常", "指挥中心,1855,两人在岗,一切正常", 2),
        ("指挥中心18552人在港一切正常", "指挥中心,1855,两人在岗,一切正常", 2),
        ("华夏A区报备3人一打卡情况正常", "华夏A区报备,3人已打卡,情况正常", 3),
        ("华夏A区咕噜咕噜中北角", "华夏A区,7人已到达东北角", 7),
    ],
)
def test_counts_are_read_by_both_readers(lexicon: Lexicon, text: str, said: str, present: int) -> None:
    assert told(lexicon, text, drowned(said)).headcount.present == present


def test_agencies_are_heard_after_those_who_ask_for_them(lexicon: Lexicon) -> None:
    said = "指挥中心我是华夏A区,三楼抓到小偷,请派民警来"
    found = told(lexicon, "指挥中心我是华夏A区三楼抓到小偷请派您来", drowned(said, under="民警"))
    assert found.incident.agencies == ("POLICE",)
    assert "heard:POLICE" in found.review_reasons


def test_a_spot_behind_a_place_is_believed_sooner_than_alone(lexicon: Lexicon) -> None:
    text, said = "指挥中心我是华夏A区10号楼有人要跳楼", "指挥中心我是华夏A区,10号楼楼顶,有人要跳楼"
    evidence = drowned(said, under="楼顶", by_nats=0.6)
    assert told(lexicon, text, evidence).incident.location_text == "10号楼楼顶"
    alone = drowned("指挥中心我是华夏A区,楼顶,有人要跳楼", under="楼顶", by_nats=0.6)
    assert told(lexicon, "指挥中心我是华夏A区有人要跳楼", alone).incident.location_text is None


def test_traffic_is_heard_where_the_text_lost_it(lexicon: Lexicon) -> None:
    found = told(lexicon, "华夏A区咕噜咕噜咕噜", drowned("华夏A区,信号不好,请重复"))
    assert "say_again" in found.acts
    assert found.incident.polarity == "none"
    report = told(lexicon, "指挥中心我是华夏A区三号楼着火了请支援", drowned("三号楼着火了,试机,收到"))
    assert "test_only" not in report.acts  # a test would make the report one
