"""Train who speaks (gateway/understand/whospeaks.py). Half a minute on one core; seeded.

    python -m tools.whospeaks.train [--out gateway/understand/whospeaks.npz] [--judge SPLIT...]

Learns from the bank beside this file, from the reports of the gist's bank and from the sentences of the
corpus' splits; syllables are misheard at random, a stray one stands beside a name or the post is not heard.
`--judge` leaves out a split's sentences and counts how many of their names, as written, are told.
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

from gateway.understand.pieces import PieceWeights
from gateway.understand.whospeaks import ELSE, OTHER, POST, SAME, SPEAKS, pieces_around
from tools.gist.learner import Floats, Learner, Mishearing, packed, write
from tools.whospeaks.taught import Sentence, Stand, chance, sentences, stands

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "gateway" / "understand" / "whospeaks.npz"
KINDS = (ELSE, SPEAKS)
NAMES = frozenset({SAME, POST, OTHER})


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train.

    `chance` is how often a stretch that is no name is learnt from, `stray` how often a sound at a name's edge
    goes with it, `post_lost` how often the command post is not heard; each round takes a sentence of the bank
    `turns` times.
    """

    rounds: int = 14
    turns: int = 4
    batch: int = 256
    rate: float = 0.2
    misheard: float = 0.6
    left_out: float = 0.3
    smoothing: float = 0.02
    chance: float = 0.1
    stray: float = 0.1
    post_lost: float = 0.06
    common: float = 0.8
    kept: int = 40_000
    seed: int = 0


def train(taught: Sequence[Sentence], plan: Plan) -> PieceWeights:
    """Fit on cross-entropy, who speaks and who does not alike; then keep the pieces that say most."""
    rng = random.Random(plan.seed)
    mishearing = Mishearing()
    number, rarity = _rarity(taught, plan, rng)
    learner = Learner(rarity, len(KINDS), plan.rate)
    order = [
        i for i, sentence in enumerate(taught) for _ in range(plan.turns if sentence.source == "bank" else 1)
    ]
    for _ in range(plan.rounds):
        rng.shuffle(order)
        heard = [(stand, taught[i]) for i in order if (stand := _stand(taught[i], plan, rng)) is not None]
        for first in range(0, len(heard), plan.batch):
            batch = [
                _misheard(stand, mishearing, plan, rng) for stand, _ in heard[first : first + plan.batch]
            ]
            said = [
                [number[p] for p in sorted(_pieces(stand)) if p in number and rng.random() > plan.left_out]
                for stand in batch
            ]
            speaks = np.array([stand.speaks for stand in batch])
            right = np.where(speaks[:, None] == np.array([False, True]), 1 - plan.smoothing, plan.smoothing)
            learner.learn(said, right.astype(np.float32), _worth(speaks))
    return packed(KINDS, list(number), rarity, learner, plan.kept)


def _worth(speaks: npt.NDArray[np.bool_]) -> Floats:
    """Those who speak count together as much as those who do not."""
    of_each = np.where(speaks, max(1, speaks.sum()), max(1, (~speaks).sum()))
    shares: Floats = (1 / of_each).astype(np.float32)
    return shares


def _stand(sentence: Sentence, plan: Plan, rng: random.Random) -> Stand | None:
    if rng.random() < plan.chance:
        return chance(sentence, rng)
    return rng.choice(list(stands(sentence, rng)))


def _misheard(stand: Stand, mishearing: Mishearing, plan: Plan, rng: random.Random) -> Stand:
    before, after = stand.before, stand.after
    if rng.random() < plan.misheard:
        before, after = mishearing.hear(before, rng), mishearing.hear(after, rng)
    if rng.random() < plan.post_lost:
        before = tuple(sound for sound in before if sound != POST)
    if before and before[-1] not in NAMES and rng.random() < plan.stray:
        before = before[:-1]
    if after and after[0] not in NAMES and rng.random() < plan.stray:
        after = after[1:]
    return Stand(before, after, stand.speaks)


def _pieces(stand: Stand) -> set[str]:
    return pieces_around(stand.before, stand.after)


def _rarity(taught: Sequence[Sentence], plan: Plan, rng: random.Random) -> tuple[dict[str, int], Floats]:
    """The pieces said more than once, numbered, and how seldom each is said."""
    common: Counter[str] = Counter()
    names = 0
    for sentence in taught:
        for stand in stands(sentence, rng):
            common.update(_pieces(stand))
            names += 1
    pieces = sorted(piece for piece, times in common.items() if times > 1)
    most = math.log(names + 1) / plan.common
    rarity = np.array([1 - math.log(common[piece] + 1) / most for piece in pieces], dtype=np.float32)
    return {piece: i for i, piece in enumerate(pieces)}, rarity


def judge(weights: PieceWeights, split: str) -> str:
    """How many names of a split's sentences, as written, are told apart by who speaks."""
    rng = random.Random(split)
    of, right = Counter[bool](), Counter[bool]()
    for sentence in sentences(()):
        for stand in stands(sentence, rng) if sentence.source == split else ():
            told = weights.weigh(_pieces(stand))
            of[stand.speaks] += 1
            right[stand.speaks] += (told[SPEAKS] > told[ELSE]) == stand.speaks
    return f"{split}: {right[True]} of {of[True]} who speak, {right[False]} of {of[False]} who do not"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--judge", nargs="*", default=[])
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    weights = train(sentences(arguments.judge), Plan())
    write(weights, arguments.out)
    print(f"{arguments.out}: {len(weights.keys)} pieces, {arguments.out.stat().st_size} bytes")
    for split in arguments.judge:
        print(judge(weights, split))


if __name__ == "__main__":
    main()
