import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.understand.pinyin import (
    SYLLABLES,
    SYMBOLS,
    WRITTEN_APART,
    final_costs,
    initial_costs,
    split_syllable,
    syllables,
    symbol_costs,
)


def cost(left: str, right: str) -> float:
    return float(symbol_costs()[SYMBOLS.index(left), SYMBOLS.index(right)])


def said(text: str) -> list[str]:
    return [SYMBOLS[code] for code in syllables(text).codes]


@pytest.mark.parametrize(
    ("syllable", "parts"),
    [
        ("zhi", ("zh", "ih")),
        ("si", ("s", "ih")),
        ("ji", ("j", "i")),
        ("ju", ("j", "v")),
        ("lv", ("l", "v")),
        ("yan", ("", "ian")),
        ("wu", ("", "u")),
        ("yuan", ("", "van")),
        ("er", ("", "er")),
        ("xyz", None),
    ],
)
def test_syllables_split_into_initial_and_final(syllable: str, parts: tuple[str, str] | None) -> None:
    assert split_syllable(syllable) == parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("绿坪A区", ["lv", "ping", "A", "qu"]),
        ("绿坪ei区", ["lv", "ping", "ei", "qu"]),
        ("101室", ["1", "0", "1", "shi"]),
        ("洞三", ["0", "3"]),
        ("第四小学", ["di", "4", "xiao", "xue"]),
        ("F座", ["ai", "fu", "zuo"]),
        ("收到,完毕!", ["shou", "dao", "wan", "bi"]),
        ("", []),
    ],
)
def test_text_is_spelt_as_it_is_said(text: str, expected: list[str]) -> None:
    assert said(text) == expected


@given(st.text(max_size=30))
def test_spans_lie_in_the_text_and_in_order(text: str) -> None:
    spelt = syllables(text)
    assert len(spelt.codes) == len(spelt.spans) == len(spelt)
    assert all(0 <= start < end <= len(text) for start, end in spelt.spans)
    assert list(spelt.spans) == sorted(spelt.spans)


@pytest.mark.parametrize("costs", [initial_costs(), final_costs(), symbol_costs()])
def test_costs_are_a_symmetric_zero_to_one_table(costs: np.ndarray) -> None:
    assert (costs == costs.T).all()
    assert (costs.diagonal() == 0).all()
    assert costs.min() >= 0
    assert costs.max() <= 1


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (("zhong", "zong"), ("zhong", "da")),
        (("nan", "lan"), ("nan", "shan")),
        (("fu", "hu"), ("fu", "ku")),
        (("jin", "jing"), ("jin", "jun")),
        (("ban", "pan"), ("ban", "shan")),
        (("lu", "lv"), ("lu", "la")),
        (("A", "ei"), ("A", "bi")),
        (("7", "guai"), ("7", "jiu")),
        (("1", "yao"), ("1", "san")),
    ],
)
def test_typical_confusions_cost_less(near: tuple[str, str], far: tuple[str, str]) -> None:
    assert cost(*near) < cost(*far)


@pytest.mark.parametrize(
    ("letter", "sound"), [("A", "ei"), ("B", "bi"), ("C", "xi"), ("D", "di"), ("0", "dong")]
)
def test_letters_and_digits_cost_nothing_as_they_are_said(letter: str, sound: str) -> None:
    assert cost(letter, sound) == 0


def test_written_letters_and_digits_stay_apart() -> None:
    assert cost("A", "B") >= WRITTEN_APART
    assert cost("1", "7") >= WRITTEN_APART
    assert cost("3", "4") >= WRITTEN_APART


def test_the_cost_table_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        symbol_costs()[0, 0] = 1


def test_every_syllable_has_a_symbol_of_its_own() -> None:
    assert len(set(SYMBOLS)) == len(SYMBOLS)
    assert set(SYLLABLES) <= set(SYMBOLS)
