"""What all the words of a call come to, in texts that no phrase of the lexicon is in."""

import numpy as np
import pytest

from gateway.understand.gist import BREAK, NOTHING, Gist, pieces_of, shipped_gist, sounds_of
from gateway.understand.pieces import PieceWeights, key_of


def best(told: dict[str, float]) -> str:
    return max(told, key=lambda kind: told[kind])


def test_the_likelihoods_of_all_kinds_add_up_to_one() -> None:
    told = shipped_gist().tell("有个爷爷说一转身孙子就没影了")
    assert sum(np.exp(list(told.values()))) == pytest.approx(1.0, abs=1e-4)
    assert NOTHING in told


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("那家小吃店的窗户往外直冒火苗", "FIRE"),
        ("有个老奶奶走着走着就栽下去了,怎么喊都不应", "UNCONSCIOUS"),
        ("两个男的为了抢车位互相抡拳头", "FIGHT"),
        ("电梯卡在半中间,里面有人按铃", "ELEVATOR_TRAP"),
    ],
)
def test_what_happened_is_told_by_all_words_together(text: str, kind: str) -> None:
    assert best(dict(shipped_gist().tell(text))) == kind


@pytest.mark.parametrize("text", ["收到,马上过去", "应到6人实到5人,装备齐全", "火已经灭了,现场恢复正常"])
def test_who_reports_nothing_is_told_to_report_nothing(text: str) -> None:
    assert best(dict(shipped_gist().tell(text))) == NOTHING


def test_a_text_of_unknown_pieces_says_what_none_says() -> None:
    gist = shipped_gist()
    assert dict(gist.tell("")) == dict(gist.tell("\x00\x00"))


def test_no_piece_runs_over_a_pause_a_name_or_the_post() -> None:
    assert sounds_of("着火,快来") == ("zao", "huo", BREAK, "kuai", "lai")
    assert BREAK in sounds_of("着火\x00\x00快来")
    assert sounds_of("着火指挥中心快来") == ("zao", "huo", BREAK, "kuai", "lai")
    assert "huo kuai" not in pieces_of(sounds_of("着火,快来"))
    assert {"zao", "zao huo", "zao _ kuai"} <= pieces_of(sounds_of("着火快来"))


def test_the_stretch_that_speaks_most_for_a_kind_is_shown() -> None:
    text = "我们这边门口,有人着火了,大家都在看"
    start, end = shipped_gist().span(text, "FIRE")
    assert "着火" in text[start:end]
    assert end - start < len(text)


def test_nothing_speaks_for_a_kind_in_an_empty_text() -> None:
    assert shipped_gist().span("", "FIRE") == (0, 0)


def tiny() -> Gist:
    keys = np.array(sorted([key_of("zao huo"), key_of("da jia")]), dtype=np.uint32)
    fire_first = keys[0] == key_of("zao huo")
    weights = np.array([[127, 0, -127], [-127, 0, 127]][:: 1 if fire_first else -1], dtype=np.int8)
    ones = np.ones(3, dtype=np.float32)
    kinds, rarity = ("FIRE", NOTHING, "FIGHT"), np.ones(2, dtype=np.float32)
    return Gist(PieceWeights(kinds, keys, rarity, weights, ones / 40, ones * 0))


def test_weights_are_read_by_the_sound_of_the_piece() -> None:
    told = tiny().tell("找火")
    assert best(dict(told)) == "FIRE"
    assert told["FIRE"] - told["FIGHT"] == pytest.approx(3 * 254 / 40 / (1 + 2), abs=1e-3)


def test_what_is_no_file_of_weights_is_refused() -> None:
    with pytest.raises((ValueError, KeyError, OSError)):
        PieceWeights.read(b"not weights")
