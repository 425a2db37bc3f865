"""Who speaks, by the words around a name."""

from dataclasses import replace

import pytest

from gateway.understand.fitted import FITTED
from gateway.understand.fusion import Hearing, claims
from gateway.understand.mentions import Mention
from gateway.understand.names import Form, Occurrence
from gateway.understand.pieces import PieceWeights
from gateway.understand.pinyin import folded, syllables
from gateway.understand.roles import Named
from gateway.understand.whospeaks import OTHER, POST, SAME, around, pieces_around, shipped_speakers

ME = frozenset({"u1"})
YOU = frozenset({"u2"})
NOBODY = frozenset({""})


def nats(text: str) -> float:
    """What the shipped words say for the X of `text`; C is the post, Y another unit."""
    sounds: list[str] = []
    named: list[Named] = []
    for part in text:
        who = {"X": ME, "Y": YOU, "C": NOBODY}.get(part)
        if who is not None:
            named.append(Named(len(sounds), len(sounds) + 1, part == "C", who, 5.0))
            sounds.append("name")
        else:
            sounds += folded(syllables(part))
    told = shipped_speakers().nats(sounds, named)
    return next(one for one, mention in zip(told, named, strict=True) if mention.who == ME)


@pytest.mark.parametrize(
    ("speaks", "does_not"),
    [
        ("C我是X有人打架", "CX那边听说有人打架"),
        ("X收到马上过去", "去X支援马上过去"),
        ("C有人落水了X快叫救护车", "有人说X附近有人落水了"),
        ("X报告5人在岗", "XX听到请回答"),
        ("Y我是X收到请回答", "X你们现在几个人"),
    ],
)
def test_who_speaks_is_told_by_what_stands_around_the_name(speaks: str, does_not: str) -> None:
    assert nats(speaks) > nats(does_not) + 1.0


def test_other_names_are_read_as_names_and_weak_ones_as_words() -> None:
    named = (
        Named(0, 2, is_command=True, who=NOBODY, strength=5.0),
        Named(2, 4, is_command=False, who=ME, strength=5.0),
        Named(5, 7, is_command=False, who=YOU, strength=4.0),
        Named(7, 8, is_command=False, who=YOU, strength=1.0),
        Named(8, 9, is_command=False, who=ME, strength=3.0),
    )
    before, after = around(tuple("abcdefghij"), named, 1)
    assert (before, after) == ([POST], ["e", OTHER, "h", SAME, "j"])


def test_the_command_post_is_not_asked_about() -> None:
    assert shipped_speakers().nats(("a", "b"), (Named(0, 1, True, NOBODY, 5.0),)) == (0.0,)


def test_pieces_say_on_which_side_and_how_far() -> None:
    pieces = pieces_around(["wo", "si"], ["bao", "gao"])
    assert {"<0 si", "<0 si wo", "<1 wo", ">0 bao gao", "> bao gao", "| si bao", "o @"} <= pieces
    assert "<0 wo" not in pieces
    assert {"<0 $", ">0 $"} <= pieces_around([], [])


def test_words_count_by_their_share_and_to_a_limit() -> None:
    weights = replace(FITTED.phones, words_share=0.5)
    name = Occurrence(Form("u1", "金穗花园", "name"), 0, 4, 3.6, 4.0, exact=True)
    said = syllables("金穗花园有人打架")

    def role(words: float) -> float:
        mention = Mention(name, 4, {"u1": 5.0}, {"u1": name})
        hearing = Hearing("phones", "金穗花园有人打架", said, (mention,), ("opening",), (words,))
        return claims(hearing, weights, 10).role("u1")

    assert role(2.0) - role(-1.0) == pytest.approx(1.5)
    assert role(100.0) == role(50.0)


def test_what_is_no_file_of_weights_is_refused() -> None:
    with pytest.raises((ValueError, KeyError, OSError)):
        PieceWeights.read(b"not weights")
