"""What is said of what is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.speak.wording import amount, clauses, folded, spoken_form


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("华夏A区，收到请回答", "华夏诶区，收到请回答"),
        ("呼叫01279", "呼叫洞幺两拐勾"),
        ("在岗12人", "在岗十二人"),
        ("应到100人，实到96人", "应到一百人，实到九十六人"),
        ("拨打110", "拨打幺幺洞"),
        ("119人员到场", "幺幺勾人员到场"),
        ("8:05集合", "八点零五分集合"),
        ("20:30到岗", "二十点三十分到岗"),
        ("08:00", "八点整"),
        ("到岗率98.5%", "到岗率百分之九十八点五"),
        ("3.5公里", "三点五公里"),
        ("2026年", "两洞两六年"),
        ("ＡＥＤ（２号）", "诶伊地 二号"),
        ("07", "洞拐"),
        ("10", "十"),
    ],
)
def test_numbers_letters_and_times_are_said_as_on_the_air(written: str, said: str) -> None:
    assert " ".join(spoken_form(written, radio_digits=True).split()) == said


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "零"), (10, "十"), (14, "十四"), (20, "二十"), (100, "一百"), (104, "一百零四"), (110, "一百一十"),
     (1004, "一千零四"), (1040, "一千零四十"), (9999, "九千九百九十九")],
)  # fmt: skip
def test_amounts(value: int, written: str) -> None:
    assert amount(value) == written


@given(st.integers(0, 9999))
def test_no_two_amounts_are_said_alike(value: int) -> None:
    said = amount(value)
    digits = {char: n for n, char in enumerate("零一二三四五六七八九")}
    total, digit = 0, 1 if said.startswith("十") else 0
    for char in said:
        if char in "千百十":
            total += digit * {"千": 1000, "百": 100, "十": 10}[char]
            digit = 0
        else:
            digit = digits[char]
    assert total + digit == value


@given(st.text())
def test_nothing_is_left_that_a_voice_would_stumble_over(text: str) -> None:
    said = spoken_form(text)
    assert not any(char.isascii() and char.isalnum() for char in said)
    assert said == spoken_form(said)


def test_what_makes_no_difference_to_the_ear() -> None:
    assert folded("华夏Ａ区， 收到！") == folded("华夏a区 收到")
    assert clauses("华夏A区，收到请回答。 完毕") == ["华夏A区", "收到请回答", "完毕"]
    assert clauses("，。") == []
