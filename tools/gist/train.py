"""Train the gist of calls (gateway/understand/gist.py). A minute on one core; seeded.

    python -m tools.gist.train [--without SPLIT...] [--out gateway/understand/gist.npz] [--judge SPLIT...]

Learns from the lexicon's phrases, spoken among other words, from the sentences of the corpus' splits and from
the bank (tools/gist/README.md). Syllables are misheard at random, as pinyin.py says they
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

from gateway.knowledge import read_lexicon
from gateway.understand.gist import BREAK, NOTHING, Gist, Sounds, pieces_of, sounds_of
from gateway.understand.match import Kind
from tools.gist.learner import Floats, Learner, Mishearing, packed, write
from tools.gist.taught import carriers, sentences

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "gateway" / "understand" / "gist.npz"


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
    return Gist(packed(kinds, pieces, rarity, learner, plan.kept))


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
    write(gist.weights, arguments.out)
    print(
        f"{arguments.out}: {len(gist.weights.keys)} pieces, {len(gist.kinds)} kinds,"
        f" {arguments.out.stat().st_size} bytes"
    )
    for split in arguments.judge:
        print(judge(gist, split))


if __name__ == "__main__":
    main()
