"""Whether the one who is named speaks, by all the words around the name: a linear model over pieces of sound.

roles.py knows the call orders of radio procedure by their markers. Guards, teachers and shop assistants keep
to none: the place first, then what happened, and who speaks at the end or in half a sentence. So what stands
around a name is weighed as a whole, beside how it stands in order: the syllables that touch it, all those
before and behind, where it stands, and who else is named. What comes out is a log-likelihood ratio, "this
name's unit speaks" against "it is called, spoken of, or no name at all"; fusion.py says what it counts for.

`whospeaks.npz` was trained by `python -m tools.whospeaks.train` (tools/whospeaks/README.md).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from gateway.understand.pieces import PieceWeights
from gateway.understand.roles import Named

SPEAKS: Final = "SPEAKS"
ELSE: Final = "ELSE"
SAME: Final = "="
"""The unit asked about, named elsewhere in the call."""
POST: Final = "#"
OTHER: Final = "%"
_EDGE: Final = "$"
_NAMES: Final = (SAME, POST, OTHER)
_TOUCHING: Final = (4, 2, 2)
"""How long runs are that begin right at the name, one syllable away, and two."""
_LONGEST: Final = 3
_WITHIN: Final = 14
_ROOM: Final = (0, 2, 6, 12)
_AS_CLEAR_AS: Final = 0.6
"""A name heard worse than this share of the one asked about is read as the words it may well be."""

Sounds = Sequence[str]


def pieces_around(before: Sounds, after: Sounds) -> set[str]:
    """What stands around a name as pieces, from the folded syllables and names before and after it."""
    near = {"<": list(reversed(before)), ">": list(after)}
    pieces = {piece for side, sounds in near.items() for piece in _of_side(side, sounds)}
    left, right = ([*near[side], _EDGE, _EDGE][:2] for side in "<>")
    pieces |= {
        f"| {left[0]} {right[0]}",
        f"| {left[0]} {right[0]} {right[1]}",
        f"| {left[1]} {left[0]} {right[0]}",
        f"n|{_room(before)} {_room(after)}",
    }
    order = (sound for sound in (*before, "@", *after) if sound == "@" or sound in _NAMES)
    return pieces | {"o " + "".join(order)}


def _of_side(side: str, sounds: list[str]) -> Iterator[str]:
    """The pieces on one side of a name, of its sounds from the nearest on."""
    to_edge = [*sounds, _EDGE]
    for away, longest in enumerate(_TOUCHING):
        for end in range(away + 1, min(away + longest, len(to_edge)) + 1):
            yield f"{side}{away} " + " ".join(to_edge[away:end])
    within = sounds[:_WITHIN]
    for start in range(len(within)):
        for end in range(start + 1, min(start + _LONGEST, len(within)) + 1):
            yield f"{side} " + " ".join(within[start:end])
        if start + 2 < len(within):
            yield f"{side} {within[start]} _ {within[start + 2]}"
    yield f"n{side}{_room(sounds)}"
    yield from (f"{name}{side}" for name in _NAMES if name in sounds)


def _room(sounds: Sounds) -> int:
    return sum(len(sounds) > most for most in _ROOM)


def around(sounds: Sounds, named: Sequence[Named], i: int) -> tuple[list[str], list[str]]:
    """The folded syllables before and after mention `i`, other names in them as what they are."""
    mention = named[i]
    marks = {}
    for j, other in enumerate(named):
        apart = other.end <= mention.start or other.start >= mention.end
        if j != i and apart and (mark := _mark(other, mention)):
            marks[other.start] = (other.end, mark)
    return _marked(sounds, 0, mention.start, marks), _marked(sounds, mention.end, len(sounds), marks)


def _mark(other: Named, mention: Named) -> str:
    if other.is_command:
        return POST
    if other.who & mention.who:
        return SAME
    return OTHER if other.strength >= _AS_CLEAR_AS * mention.strength else ""


def _marked(sounds: Sounds, start: int, end: int, marks: dict[int, tuple[int, str]]) -> list[str]:
    found = []
    while start < end:
        past, mark = marks.get(start, (start + 1, sounds[start]))
        found.append(mark)
        start = past
    return found


@dataclass(frozen=True, slots=True, eq=False)
class WhoSpeaks:
    """The trained model. Immutable; any thread may ask."""

    weights: PieceWeights

    def nats(self, sounds: Sounds, named: Sequence[Named]) -> tuple[float, ...]:
        """For each mention, in nats, that its unit speaks; 0 for the command post's."""
        return tuple(
            0.0 if one.is_command else self._nats(*around(sounds, named, i)) for i, one in enumerate(named)
        )

    def _nats(self, before: Sounds, after: Sounds) -> float:
        told = self.weights.weigh(pieces_around(before, after))
        return told[SPEAKS] - told[ELSE]


@cache
def shipped_speakers() -> WhoSpeaks:
    """The weights that come with the program."""
    return WhoSpeaks(PieceWeights.read(files("gateway.understand").joinpath("whospeaks.npz").read_bytes()))
