"""Finding registered names in a transcript by sound, wherever they stand.

Theory of operation. Every name, alias, callsign and command post name is one *form*: a row of syllable codes
with a weight per syllable. A syllable pair that many names share (小学, 市场) weighs less than a rare one,
because hearing it says less about which unit was meant. A search has two passes:

1. *Sieve.* For each distinct neighbouring pair of syllables in the registry, the least confusion cost against
   any neighbouring pair of the text; summed over a form's pairs this ranks all forms in a millisecond or two.
2. *Alignment.* The best forms are aligned exactly, all at once: an edit distance with confusion costs in
   which the text may start and end anywhere. Costs are whole thousandths with the start column packed into
   the low bits, so one minimum carries the span along.

What comes out is in *gain*: the sum of the weights of the form's syllables less what the alignment paid,
about one per syllable heard well, below zero for a stranger. Longer names can gain more, so 跑马场 beats 马场
where both fit.
"""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from gateway.model import Unit
from gateway.understand.normalise import normalise
from gateway.understand.pinyin import Syllables, syllables, symbol_costs

FormKind = Literal["name", "alias", "callsign", "command", "suffix"]

UNIT_SUFFIX: Final = "最小应急单元"
_SUFFIXES = re.compile("(?:最小)?应急(?:处置)?单元$|最小(?:作战)?单元$")
_GENERIC_TAIL = re.compile(
    "(?:小学|中学|大学|学院|学校|幼儿园|医院|卫生院|农贸市场|肉菜市场|综合市场|批发市场|市场|超市|商场|商城"
    "|购物中心|购物广场|百货|小区|花园|新村|社区|大厦|广场|公园|酒店|宾馆|银行|支行|公司|村)$"
)
_SUBSTITUTION: Final = 2.4
_NOT_THE_SAME: Final = 0.3
_STRANGER: Final = 2.0
_DELETION: Final = 1.6
_GENERIC_DELETION: Final = 0.15
_INSERTION: Final = 1.0
_SIEVE_FLOOR: Final = -0.6
_SAME_CHARACTER: Final = 0.08
_SCALE: Final = 1000
_START_BITS: Final = 1024
_LONGEST_TEXT: Final = 600
_SHORTEST: Final = 2

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Form:
    """One way to say a unit or the command post. `owner` is a unit id, "" for those that are no unit."""

    owner: str
    text: str
    kind: FormKind


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A form found in a text at syllables `start` to `end` (exclusive), its gain and the most it could be.

    `exact` means that every syllable sounds as registered; the characters may still differ.
    """

    form: Form
    start: int
    end: int
    gain: float
    most: float
    exact: bool


def bare_name(name: str) -> str:
    """`name` normalised, without the 最小应急单元 that all registered units have in common."""
    text = normalise(name)
    return _SUFFIXES.sub("", text) or text


def unit_forms(unit: Unit) -> tuple[Form, ...]:
    """The ways to say `unit`: its name with and without its street, its aliases, its callsign."""
    name = bare_name(unit.name)
    forms = {name: Form(unit.unit_id, name, "name")}
    street = normalise(unit.street)
    if street and name.startswith(street) and len(name) - len(street) > _SHORTEST:
        short = name[len(street) :]
        forms.setdefault(short, Form(unit.unit_id, short, "name"))
    for alias in map(bare_name, unit.aliases):
        forms.setdefault(alias, Form(unit.unit_id, alias, "alias"))
    if unit.callsign:
        callsign = normalise(unit.callsign)
        forms.setdefault(callsign, Form(unit.unit_id, callsign, "callsign"))
    return tuple(forms.values())


class NameIndex:
    """Every form of a registry, ready to be searched. Immutable once built; safe to share between threads."""

    def __init__(self, forms: tuple[Form, ...], always: tuple[Form, ...] = (), keep: int = 64) -> None:
        """Index `forms` (sieved, the best `keep` aligned) and `always` (aligned in every search)."""
        spoken = [(form, syllables(form.text).codes) for form in (*forms, *always)]
        spoken = [(form, codes) for form, codes in spoken if len(codes) >= _SHORTEST]
        self.forms = tuple(form for form, _ in spoken)
        self._keep = keep
        self._lengths = np.array([len(codes) for _, codes in spoken], dtype=np.int64)
        longest = int(self._lengths.max(initial=2))
        self._codes = np.zeros((len(spoken), longest), dtype=np.int64)
        for row, (_, codes) in enumerate(spoken):
            self._codes[row, : len(codes)] = codes
        self._sieved = sum(form.kind not in {"command", "suffix"} for form in self.forms)
        self._weigh(spoken)
        self._most = self._weights.sum(axis=1)

    def _weigh(self, spoken: list[tuple[Form, npt.NDArray[np.int16]]]) -> None:
        shared = Counter(pair for _, codes in spoken for pair in set(pairwise(codes.tolist())))
        self._pairs = {pair: number for number, pair in enumerate(shared)}
        self._left = np.array([pair[0] for pair in self._pairs], dtype=np.int64)
        self._right = np.array([pair[1] for pair in self._pairs], dtype=np.int64)
        rows, longest = self._codes.shape
        self._pair_ids = np.full((rows, longest - 1), len(self._pairs), dtype=np.int64)
        pair_weights = np.zeros((rows, longest - 1), dtype=np.float32)
        self._weights = np.zeros((rows, longest), dtype=np.float32)
        self._deletions = np.full((rows, longest), _DELETION, dtype=np.float32)
        for row, (form, codes) in enumerate(spoken):
            pairs = list(pairwise(codes.tolist()))
            rare = [1.0 if form.kind in {"command", "suffix"} else _rarity(shared[p], rows) for p in pairs]
            self._pair_ids[row, : len(pairs)] = [self._pairs[p] for p in pairs]
            pair_weights[row, : len(pairs)] = rare
            self._weights[row, : len(codes)] = [
                (left + right) / 2 for left, right in zip([rare[0], *rare], [*rare, rare[-1]], strict=True)
            ]
            self._deletions[row, : len(codes)] *= self._weights[row, : len(codes)]
            tail = _generic_tail(form.text)
            if tail:
                unsaid = slice(len(codes) - tail, len(codes))
                self._deletions[row, unsaid] = self._weights[row, unsaid] + _GENERIC_DELETION
        counts = np.maximum(self._lengths - 1, 1).astype(np.float32)
        self._pair_weights = pair_weights * (self._lengths / counts)[:, None].astype(np.float32)

    def search(self, text: str, said: Syllables, least_gain: float) -> list[Occurrence]:
        """Where forms occur in `text` (whose syllables are `said`) with at least `least_gain`, best first.

        A form may occur twice when the two stretches do not overlap.
        """
        columns = min(len(said), _LONGEST_TEXT)
        if columns < _SHORTEST or not self.forms:
            return []
        costs = symbol_costs()[said.codes[:columns]]
        against = np.minimum(costs * _SUBSTITUTION + _NOT_THE_SAME * (costs > 0), _STRANGER)
        rows = self._sieve(against)
        ends = self._align(rows, against)
        found: list[Occurrence] = []
        gains = self._most[rows, None] - (ends // _START_BITS) / _SCALE
        for k in np.flatnonzero(gains.max(axis=1) >= least_gain).tolist():
            found.extend(self._best_ends(int(rows[k]), ends[k], gains[k], text, said, least_gain))
        return sorted(found, key=lambda o: (-o.gain, o.start, o.form.owner))

    def _sieve(self, against: Floats) -> Ints:
        """The rows worth aligning: forms whose syllable pairs are best covered, then those always aligned."""
        rest = np.arange(self._sieved, len(self.forms))
        if self._sieved <= self._keep:
            return np.arange(len(self.forms))
        near: npt.NDArray[np.uint8] = (against * 8).astype(np.uint8)
        best = np.full(len(self._left), 255, dtype=np.uint8)
        for here, there in pairwise(near):
            np.minimum(best, here[self._left] + there[self._right], out=best)
        gains = np.zeros(len(best) + 1, dtype=np.float32)
        gains[:-1] = np.maximum(1 - best.astype(np.float32) / 16, _SIEVE_FLOOR)
        ranks = (gains[self._pair_ids[: self._sieved]] * self._pair_weights[: self._sieved]).sum(axis=1)
        top = np.argpartition(-ranks, self._keep)[: self._keep]
        return np.concatenate([np.sort(top), rest])

    def _align(self, rows: Ints, against: Floats) -> Ints:
        """Packed cost and start for each row's form ending at each text column (0 is before the text)."""
        codes, weights = self._codes[rows], self._weights[rows]
        deletions = (self._deletions[rows] * _SCALE).astype(np.int64) * _START_BITS
        columns = against.shape[0]
        step = int(_INSERTION * _SCALE) * _START_BITS * np.arange(columns + 1)
        packed = np.broadcast_to(_START_BITS - 1 - np.arange(columns + 1), (len(rows), columns + 1)).copy()
        lengths = self._lengths[rows]
        out = packed.copy()
        for i in range(int(lengths.max())):
            heard = against[:, codes[:, i]].T * weights[:, i, None]
            substituted = packed[:, :-1] + (heard * _SCALE).astype(np.int64) * _START_BITS
            packed = packed + deletions[:, i, None]
            np.minimum(packed[:, 1:], substituted, out=packed[:, 1:])
            packed = np.minimum.accumulate(packed - step, axis=1) + step
            done = lengths == i + 1
            out[done] = packed[done]
        return out

    def _best_ends(
        self,
        row: int,
        costs: Ints,
        gains: npt.NDArray[np.float64],
        text: str,
        said: Syllables,
        least_gain: float,
    ) -> list[Occurrence]:
        """Where one form ends best, at most three times; `gains` per end column is used up."""
        form, most = self.forms[row], float(self._most[row])
        found: list[Occurrence] = []
        for _ in range(3):
            end = int(np.argmax(gains))
            if gains[end] < least_gain:
                break
            start = _START_BITS - 1 - int(costs[end] % _START_BITS)
            if start < end:
                same = _same_characters(form.text, text, said, start, end)
                gain = float(gains[end]) + _SAME_CHARACTER * same
                best = most + _SAME_CHARACTER * len(form.text)
                found.append(Occurrence(form, start, end, gain, best, int(costs[end]) < _START_BITS))
            gains[max(0, start + 1) : end + int(self._lengths[row])] = -np.inf
            gains[end] = -np.inf
        return found


def _rarity(sharing: int, forms: int) -> float:
    """The weight of a syllable pair that `sharing` of `forms` forms have: 1 for a rare one, least 0.35."""
    share = (sharing - 1) / (forms + 50)
    return 1.0 if share <= 0 else float(np.clip(0.1 - 0.4 * np.log10(share), 0.35, 1.0))


def _generic_tail(text: str) -> int:
    """How many trailing syllables of a name only say what kind of place it is and are often left out."""
    match = _GENERIC_TAIL.search(text)
    if match is None or match.start() < _SHORTEST:
        return 0
    return len(match[0])


def _same_characters(name: str, text: str, said: Syllables, start: int, end: int) -> int:
    stretch = text[said.spans[start][0] : said.spans[end - 1][1]].upper()
    return sum((Counter(name.upper()) & Counter(stretch)).values())
