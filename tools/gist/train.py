"""Train the gist of calls (gateway/understand/gist.py). A minute on one core; seeded.

    python -m tools.gist.train [--without SPLIT...] [--out gateway/understand/gist.npz] [--judge SPLIT...]

Learns from the lexicon's phrases, spoken among other words, from the sentences of the corpus' splits and from
the bank (tools/gist/bank, see PIECES.md there). Syllables are misheard at random, as pinyin.py says they
sound alike. `--without` leaves out a split's sentences, so that its calls can judge or fit what is made of
the gist.
"""

import argparse
import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gateway.knowledge import read_lexicon
from gateway.understand.gist import BREAK, NOTHING, Gist, Sounds, key_of, pieces_of, sounds_of
from gateway.understand.match import Kind
from gateway.understand.pinyin import SYMBOLS, symbol_costs
from tools.gist.taught import carriers, sentences

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "gateway" / "understand" / "gist.npz"
STEADY, STEEPNESS = 2.0, 3.0
"""As in gist.py."""
SLOW_AT_FIRST = 1e-2
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One text and its kind. `carried`: a bare phrase, to be spoken among other words."""

    sounds: Sounds
    kind: str
    carried: bool
    weight: float


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train."""

    rounds: int = 10
    batch: int = 256
    rate: float = 0.2
    carried: float = 0.8
    misheard: float = 0.5
    left_out: float = 0.3
    smoothing: float = 0.03
    kept: int = 60_000
    seed: int = 0


class Mishearing:
    """Hears syllables for one another: the likelier the nearer they sound, at a rate drawn for each text."""

    RATES = (0.05, 0.35)
    SHARPNESS = 0.12

    def __init__(self) -> None:
        folded = [sounds_of(symbol) for symbol in SYMBOLS]
        self._names = [
            sounds[0] if len(sounds) == 1 else symbol for symbol, sounds in zip(SYMBOLS, folded, strict=True)
        ]
        chances = np.exp(-symbol_costs() / self.SHARPNESS)
        np.fill_diagonal(chances, 0.0)
        self._first = {name: i for i, name in reversed(list(enumerate(self._names)))}
        self._cumulated = np.cumsum(chances / chances.sum(axis=1, keepdims=True), axis=1)

    def hear(self, sounds: Sounds, rng: random.Random) -> Sounds:
        """`sounds` with some of them misheard."""
        rate = rng.uniform(*self.RATES)
        return tuple(self._other(s, rng) if s in self._first and rng.random() < rate else s for s in sounds)

    def _other(self, sound: str, rng: random.Random) -> str:
        row = self._cumulated[self._first[sound]]
        return self._names[min(int(np.searchsorted(row, rng.random())), len(self._names) - 1)]


def lessons(without: Sequence[str]) -> list[Lesson]:
    """Everything there is to learn from, but for the splits `without`."""
    phrases = [
        Lesson(sounds_of(phrase.text), label.code, carried=True, weight=1.0)
        for phrase in read_lexicon().book.phrases()
        for label in phrase.labels
        if label.kind is Kind.INCIDENT
    ]
    whole = [Lesson(sounds_of(text), kind, carried=False, weight=2.0) for kind, text in sentences(without)]
    return phrases + whole


def carried(sounds: Sounds, others: Sequence[Sounds], rng: random.Random) -> Sounds:
    """A phrase with up to two others on either side, with or without a break."""
    said: Sounds = ()
    before, after = rng.randrange(3), rng.randrange(3)
    for other in rng.choices(others, k=before):
        said += (*other, *([BREAK] if rng.random() < 0.5 else []))
    said += sounds
    for other in rng.choices(others, k=after):
        said += (*([BREAK] if rng.random() < 0.5 else []), *other)
    return said


class Learner:
    """The weights while they are learnt, by AdaGrad on the rows that a batch has said something about."""

    def __init__(self, rarity: Floats, kinds: int, rate: float) -> None:
        self.rarity = rarity
        self.weights = np.zeros((len(rarity), kinds), dtype=np.float32)
        self.bias = np.zeros(kinds, dtype=np.float32)
        self._rate = rate
        self._seen = np.full((len(rarity), kinds), SLOW_AT_FIRST, dtype=np.float32)
        self._seen_bias = np.full(kinds, SLOW_AT_FIRST, dtype=np.float32)

    def learn(self, said: Sequence[Sequence[int]], right: Floats, worth: Floats) -> None:
        """One batch: the pieces of each text, the share of each kind in what it is, and what it is worth."""
        flat = np.concatenate([np.array(one, dtype=np.int64) for one in said])
        text = np.repeat(np.arange(len(said)), [len(one) for one in said])
        share = self.rarity[flat]
        lengths = np.sqrt(np.bincount(text, share**2, len(said))) + STEADY
        share = (STEEPNESS * share / lengths[text]).astype(np.float32)
        nats = self.bias + _summed(text, share[:, None] * self.weights[flat], len(said))
        nats -= nats.max(axis=1, keepdims=True)
        likely = np.exp(nats)
        off = (
            (likely / likely.sum(axis=1, keepdims=True) - right) * (worth / worth.sum())[:, None] * len(said)
        )
        order = np.argsort(flat, kind="stable")
        rows, first = np.unique(flat[order], return_index=True)
        slope = np.add.reduceat((share[:, None] * off[text])[order], first)
        self._seen[rows] += slope**2
        self.weights[rows] -= self._rate * slope / np.sqrt(self._seen[rows])
        slope = off.sum(axis=0)
        self._seen_bias += slope**2
        self.bias -= self._rate * slope / np.sqrt(self._seen_bias)


def _summed(text: npt.NDArray[np.int64], rows: Floats, texts: int) -> Floats:
    """The sum of the rows of each text; nought for a text without any."""
    total = np.zeros((texts, rows.shape[1]), dtype=np.float32)
    present, first = np.unique(text, return_index=True)
    if len(present):
        total[present] = np.add.reduceat(rows, first)
    return total


def train(taught: Sequence[Lesson], plan: Plan) -> Gist:
    """Fit on cross-entropy, pieces left out at random; then keep the pieces that say most."""
    rng = random.Random(plan.seed)
    others, mishearing = [sounds_of(text) for text in carriers()], Mishearing()
    pieces, rarity = _rarity(taught, others, rng)
    number = {piece: i for i, piece in enumerate(pieces)}
    kinds = sorted({lesson.kind for lesson in taught} | {NOTHING})
    learner = Learner(rarity, len(kinds), plan.rate)
    order = list(range(len(taught)))
    even = plan.smoothing / len(kinds)
    for _ in range(plan.rounds):
        rng.shuffle(order)
        for first in range(0, len(order), plan.batch):
            chosen = [taught[i] for i in order[first : first + plan.batch]]
            said = [
                [number[p] for p in sorted(pieces_of(s)) if p in number and rng.random() > plan.left_out]
                for s in (_spoken(lesson, others, mishearing, plan, rng) for lesson in chosen)
            ]
            right = np.full((len(chosen), len(kinds)), even, dtype=np.float32)
            for row, lesson in enumerate(chosen):
                right[row, kinds.index(lesson.kind)] += 1 - plan.smoothing
            learner.learn(said, right, np.array([lesson.weight for lesson in chosen], dtype=np.float32))
    return packed(kinds, pieces, rarity, learner.weights, learner.bias, plan.kept)


def _spoken(
    lesson: Lesson, others: Sequence[Sounds], mishearing: Mishearing, plan: Plan, rng: random.Random
) -> Sounds:
    sounds = lesson.sounds
    if lesson.carried and rng.random() < plan.carried:
        sounds = carried(sounds, others, rng)
    return mishearing.hear(sounds, rng) if rng.random() < plan.misheard else sounds


def _rarity(
    taught: Sequence[Lesson], others: Sequence[Sounds], rng: random.Random
) -> tuple[list[str], Floats]:
    """Every piece, and from 0 to 1 how seldom it is said."""
    common: Counter[str] = Counter()
    seen = {piece: None for sounds in others for piece in sorted(pieces_of(sounds))}
    for lesson in taught:
        seen |= dict.fromkeys(sorted(pieces_of(lesson.sounds)))
        common.update(pieces_of(carried(lesson.sounds, others, rng) if lesson.carried else lesson.sounds))
    most = math.log(len(taught) + 1)
    return list(seen), np.array([1 - math.log(common[p] + 1) / most for p in seen], dtype=np.float32)


def packed(
    kinds: Sequence[str],
    pieces: Sequence[str],
    rarity: Floats,
    weights: Floats,
    bias: Floats,
    kept: int,
) -> Gist:
    """The `kept` pieces that say most, in whole numbers from -127 to 127."""
    weights = weights - weights.mean(axis=1, keepdims=True)
    says = rarity * np.abs(weights).max(axis=1)
    best = np.argsort(-says)[:kept]
    keys = np.array([key_of(pieces[i]) for i in best], dtype=np.uint32)
    keys, first = np.unique(keys, return_index=True)
    best = best[first]
    scale = np.abs(weights[best]).max(axis=0) / 127 + 1e-9
    rounded = np.round(weights[best] / scale).astype(np.int8)
    return Gist(tuple(kinds), keys, rarity[best], rounded, scale.astype(np.float32), bias)


def write(gist: Gist, out: Path) -> None:
    """Keep the weights at `out`."""
    np.savez_compressed(
        out, kinds=np.array(gist.kinds), keys=gist.keys, rarity=gist.rarity.astype(np.float16),
        weights=gist.weights, scale=gist.scale, bias=gist.bias,
    )  # fmt: skip


def judge(gist: Gist, split: str) -> str:
    """How many of a split's sentences, as written, the gist knows the kind of."""
    right = of = silent = nothing = 0
    for kind, text in sentences((), only=split):
        told = gist.tell(text)
        if kind == NOTHING:
            nothing += 1
            silent += max(told, key=lambda one: told[one]) == NOTHING
        else:
            of += 1
            right += max((one for one in told if one != NOTHING), key=lambda one: told[one]) == kind
    return f"{split}: kind right {right} of {of}, nothing told {silent} of {nothing}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", nargs="*", default=[])
    parser.add_argument("--judge", nargs="*", default=[])
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    gist = train(lessons((*arguments.without, *arguments.judge)), Plan())
    write(gist, arguments.out)
    print(
        f"{arguments.out}: {len(gist.keys)} pieces, {len(gist.kinds)} kinds,"
        f" {arguments.out.stat().st_size} bytes"
    )
    for split in arguments.judge:
        print(judge(gist, split))


if __name__ == "__main__":
    main()
