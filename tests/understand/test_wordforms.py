"""Small patterns of the lexicon, spelt out."""

import pytest

from gateway.understand.lexicon import Lexicon
from gateway.understand.match import Kind
from gateway.understand.reading import read
from gateway.understand.wordforms import not_holding, spelt_out, with_lists

LISTS = {"who": ["老人", "小孩"]}


def test_a_form_is_spelt_out_with_its_lists() -> None:
    assert spelt_out("<who>(晕倒|昏迷)了?", LISTS) == (
        "老人晕倒了", "老人晕倒", "老人昏迷了", "老人昏迷",
        "小孩晕倒了", "小孩晕倒", "小孩昏迷了", "小孩昏迷",
    )  # fmt: skip


@pytest.mark.parametrize("form", ["(着火", "着火)", "?了", "(着火)?", "<nobody>晕倒", "(a|b)" * 14])
def test_a_form_that_cannot_be_spelt_out_is_refused(form: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        spelt_out(form, LISTS)


def test_named_groups_of_regular_expressions_are_no_lists() -> None:
    assert with_lists("(?P<who>x)<who>", LISTS) == "(?P<who>x)(老人|小孩)"


def test_what_holds_a_shorter_phrase_is_left_out_of_the_audio() -> None:
    assert not_holding(["老人晕倒了", "老人晕倒", "昏倒"], ["着火"]) == ["老人晕倒", "昏倒"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("垃圾桶被烟头引燃了", "FIRE"),
        ("电瓶车充着电突然烧了", "EBIKE_FIRE"),
        ("小轿车发动机盖下面着火了", "VEHICLE_FIRE"),
        ("有人把女孩子的包扯走了", "SNATCHING"),
        ("电动车被人偷走了", "THEFT"),
        ("有个师傅被电打了", "ELECTRIC_SHOCK"),
        ("大爷早上出门到现在没回来", "MISSING_PERSON"),
        ("三四十号人拉横幅讨工资", "CROWD_GATHERING"),
    ],
)
def test_words_that_nobody_listed_are_understood(lexicon: Lexicon, said: str, code: str) -> None:
    hits = read(lexicon.fold(said), lexicon).stated(Kind.INCIDENT)
    assert code in {c for hit in hits for c in hit.codes(Kind.INCIDENT)}


def test_no_phrase_is_read_by_sound_with_one_wholly_different_syllable(lexicon: Lexicon) -> None:
    hits = read("我们篮球场烧起来了", lexicon).stated(Kind.INCIDENT)
    assert {c for hit in hits for c in hit.codes(Kind.INCIDENT)} == {"FIRE"}
