"""Words that nobody said have next to nothing in common with what the phone head heard."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import PhoneEvidence
from gateway.recognise.cross import cross_doubts
from gateway.recognise.guard import disagreement
from gateway.understand.phones import PHONES, phones_of

SAID = "指挥中心我是华夏小区三号楼着火请求消防支援"


def heard(text: str) -> PhoneEvidence:
    phones = phones_of(text)
    rows = np.full((2 * len(phones) + 1, len(PHONES) + 1), -9.0, np.float32)
    rows[:, 0] = -0.1
    for at, phone in enumerate(phones):
        rows[2 * at + 1, 1 + PHONES.index(phone)] = 0.0
    return PhoneEvidence(rows, PHONES)


def test_the_same_words_agree() -> None:
    assert cross_doubts(SAID, heard(SAID)) == ()


def test_misspelt_words_agree() -> None:
    assert cross_doubts("指挥中心我是发夏小区三号喽找火请求消房支援", heard(SAID)) == ()


@pytest.mark.parametrize("invented", ["请不吝点赞订阅转发打赏支持明镜", "字幕志愿者杨茜茜李宗盛"])
def test_invented_words_are_doubted(invented: str) -> None:
    assert cross_doubts(invented, heard(SAID)) == ("phones_disagree",)
    assert cross_doubts(invented, heard("")) == ("phones_disagree",)


def test_nothing_is_said_without_a_phone_head_or_of_a_short_word() -> None:
    assert cross_doubts(SAID, None) == ()
    assert cross_doubts("收到", heard(SAID)) == ()


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_disagreement_is_a_share(written: list[str], said: list[str]) -> None:
    assert 0.0 <= disagreement(written, said) <= 1.0
    assert disagreement(written, written) == 0.0
