"""Agencies heard together with the words that ask for them."""

import pytest

from gateway.understand.askedheard import asked_heard
from gateway.understand.phones import phones_of
from gateway.understand.phonesearch import PhoneHit, PhoneIndex
from tests.support.phone_evidence import evidence

SAME = {"消防": "FIRE", "民警": "POLICE", "急救": "EMS"}


def asked(said: str, *words: str) -> list[str]:
    heard = evidence(said)
    hits = PhoneIndex([phones_of(word) for word in words]).search(heard, 1)
    found: list[tuple[str, PhoneHit]] = [(words[hit.entry], hit) for hit in hits]
    return [one.text for one in asked_heard(heard, found, lambda a, b: SAME[a] == SAME[b])]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("烟越来越大，快派消防", "快派消防"),
        ("有人受伤，请叫急救", "请叫急救"),
        ("门口打架民警快来", "民警快来"),
    ],
)
def test_who_is_asked_to_come_is_told_with_the_words_that_ask(said: str, text: str) -> None:
    assert asked(said, *SAME) == [text]


@pytest.mark.parametrize("said", ["这里有消防检查", "请重复一遍", "那是民警的车"])
def test_who_is_only_spoken_of_is_not_asked_for(said: str) -> None:
    assert asked(said, *SAME) == []
