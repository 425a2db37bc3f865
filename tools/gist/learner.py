"""How weights of pieces (gateway/understand/pieces.py) are learnt, and heard as a recogniser hears."""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gateway.understand.gist import Sounds, sounds_of
from gateway.understand.pieces import STEADY, STEEPNESS, PieceWeights, key_of
from gateway.understand.pinyin import SYMBOLS, symbol_costs

SLOW_AT_FIRST = 1e-2
Floats = npt.NDArray[np.float32]


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


def packed(
    kinds: Sequence[str],
    pieces: Sequence[str],
    rarity: Floats,
    learner: "Learner",
    kept: int,
) -> PieceWeights:
    """The `kept` pieces that say most, in whole numbers from -127 to 127."""
    weights = learner.weights - learner.weights.mean(axis=1, keepdims=True)
    says = rarity * np.abs(weights).max(axis=1)
    best = np.argsort(-says)[:kept]
    keys = np.array([key_of(pieces[i]) for i in best], dtype=np.uint32)
    keys, first = np.unique(keys, return_index=True)
    best = best[first]
    scale = np.abs(weights[best]).max(axis=0) / 127 + 1e-9
    rounded = np.round(weights[best] / scale).astype(np.int8)
    return PieceWeights(tuple(kinds), keys, rarity[best], rounded, scale.astype(np.float32), learner.bias)


def write(weights: PieceWeights, out: Path) -> None:
    """Keep the weights at `out`."""
    np.savez_compressed(
        out, kinds=np.array(weights.kinds), keys=weights.keys, rarity=weights.rarity.astype(np.float16),
        weights=weights.weights, scale=weights.scale, bias=weights.bias,
    )  # fmt: skip
