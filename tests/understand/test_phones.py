"""Names become the phones people say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.understand.phones import LETTERS, PHONES, phones_of, pronunciations, syllable_phones


@pytest.mark.parametrize(
    ("syllable", "phones"),
    [
        ("zhuang", ("zh", "uang")),
        ("zhi", ("zh", "ir")),
        ("zi", ("z", "iz")),
        ("ji", ("j", "i")),
        ("xue", ("x", "ve")),
        ("yuan", ("y", "van")),
        ("lv", ("l", "v")),
        ("nü", ("n", "v")),
        ("an", ("an",)),
        ("hello", ()),
    ],
)
def test_a_syllable_is_an_initial_and_a_final(syllable: str, phones: tuple[str, ...]) -> None:
    assert syllable_phones(syllable) == phones


def test_letters_tell_areas_apart() -> None:
    readings = {phones_of(f"华夏{letter}区") for letter in LETTERS}
    assert len(readings) == len(LETTERS)
    assert phones_of("A") == ("ei",)


def test_numbers_have_every_reading_people_use() -> None:
    readings = {" ".join(r) for r in pronunciations("12号")}
    assert readings >= {"sh ir er h ao", "y i er h ao", "y ao er h ao", "y ao l iang h ao"}
    assert pronunciations("幺幺勾")[0] == pronunciations("119")[-1]


def test_what_cannot_be_said_has_no_reading() -> None:
    assert pronunciations("…") == ()
    assert phones_of("") == ()


@given(st.text(max_size=12))
def test_readings_are_made_of_the_heads_phones(name: str) -> None:
    for reading in pronunciations(name):
        assert reading
        assert set(reading) <= set(PHONES)
