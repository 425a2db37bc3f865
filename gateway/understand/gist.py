"""What kind of incident a call is about, by all its words together: a linear model over pieces of sound.

The lexicon knows an incident by its phrases, and no list of phrases holds 孙子一转身就没影了. Here every
piece of what was said, one to four syllables or two with a gap, speaks a little for some kinds and against
others; what they come to is the likelihood of each kind. Pieces are made of folded syllables (zh as z, -ng as
-n), so that the recogniser's text and the phone head's reading are read alike, and each misspelling costs a
few pieces.

`gist.npz` was trained by `python -m tools.gist.train` on the lexicon's phrases and on a bank of sentences
written for it (tools/gist/README.md). It is one voice among several: kindweighed.py says what it counts for.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from gateway.understand.location import MASK
from gateway.understand.pieces import PieceWeights
from gateway.understand.pinyin import folded, syllables

NOTHING: Final = "NONE"
"""The class of calls that report nothing."""
BREAK: Final = "|"
"""Stands between syllables that punctuation or a name keeps apart: no piece runs over it."""
LONGEST: Final = 4
WIDEST: Final = 3
_CALLED: Final = re.compile("指挥中心|指挥室|总台|值班室|我是|这里是")
_BREAKS: Final = frozenset(MASK + ",.?!;，。？！；、")

Sounds = tuple[str, ...]
Span = tuple[int, int]


def sounds_of(text: str) -> Sounds:
    """The folded syllables of `text`, with a BREAK for punctuation, the post's name and what is masked."""
    return _placed_sounds(text)[0]


def pieces_of(sounds: Sounds) -> set[str]:
    """Runs of one to LONGEST syllables, and pairs with up to WIDEST - 1 others between them."""
    return {piece for piece, _ in _placed_pieces(sounds)}


def _placed_sounds(text: str) -> tuple[Sounds, list[Span]]:
    """The sounds, and the stretch of `text` that each comes from."""
    masked = _CALLED.sub(lambda found: MASK * len(found[0]), text)
    said = syllables(masked)
    sounds: list[str] = []
    spans: list[Span] = []
    last = 0
    for (start, end), sound in zip(said.spans, folded(said), strict=True):
        if not _BREAKS.isdisjoint(masked[last:start]):
            sounds.append(BREAK)
            spans.append((last, start))
        sounds.append(sound)
        spans.append((start, end))
        last = end
    return tuple(sounds), spans


def _placed_pieces(sounds: Sounds) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Each piece with the sounds it is made of, by number."""
    first = 0
    for at in range(len(sounds) + 1):
        if at < len(sounds) and sounds[at] != BREAK:
            continue
        for start in range(first, at):
            for end in range(start + 1, min(start + LONGEST, at) + 1):
                yield " ".join(sounds[start:end]), tuple(range(start, end))
            for other in range(start + 2, min(start + WIDEST, at - 1) + 1):
                yield f"{sounds[start]} _ {sounds[other]}", (start, other)
        first = at + 1


@dataclass(frozen=True, slots=True, eq=False)
class Gist:
    """The trained model. Immutable; any thread may ask."""

    weights: PieceWeights

    @property
    def kinds(self) -> tuple[str, ...]:
        """What a call may be about, NOTHING among them."""
        return self.weights.kinds

    def tell(self, text: str) -> Mapping[str, float]:
        """The log-likelihood of each kind for a text whose names are masked."""
        return self.weights.weigh(pieces_of(sounds_of(text)))

    def span(self, text: str, kind: str) -> Span:
        """The stretch of `text`, start and end, whose pieces speak most for `kind`; empty when none does."""
        sounds, spans = _placed_sounds(text)
        placed = dict(_placed_pieces(sounds))
        share = self.weights.shares(list(placed), kind)
        says = np.zeros(len(sounds))
        for said, at in zip(share, placed.values(), strict=True):
            says[list(at)] += said / len(at)
        most, stretch, running, first = 0.0, (0, 0), 0.0, 0
        for place, said in enumerate(says.tolist()):
            if running <= 0:
                running, first = 0.0, place
            running += said
            if running > most:
                most, stretch = running, (spans[first][0], spans[place][1])
        return stretch


@cache
def shipped_gist() -> Gist:
    """The weights that come with the program."""
    return Gist(PieceWeights.read(files("gateway.understand").joinpath("gist.npz").read_bytes()))
