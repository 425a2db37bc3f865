"""Finding names and phrases in what the phone head heard, without any text.

Theory of operation. A phrase is a row of phones. Its *cost* on a stretch of audio is the log-probability of
the phone head's best free path there less that of the best CTC path that spells the phrase, in nats: 0 when
nobody would have written anything else, about 0.3 a phone when heard well, 3 and more for a stranger. A
search has two passes:

1. *Sieve.* Every phrase is laid over the audio at once, frame by frame but for certain silence: one array
   [phones, phrases], two table look-ups and a minimum a frame. A phone may pause at any time, which forgives
   no more than a phone said twice in a row.
2. *Alignment.* The `keep` best are aligned exactly, frame by frame, blanks and repeated phones by CTC's
   rules. Costs are whole hundredths with the start frame packed into the low bits, so that one minimum
   carries the span along.

Longer phrases can say more: `PhoneHit.gain` credits each phone, so that 跑马场 beats the 马场 inside it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.model import PhoneEvidence
from gateway.understand.phones import PHONES

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

CREDIT_NATS: Final = 2.0
"""What hearing one phone of a phrase is worth against not hearing the phrase; see `PhoneHit.gain`."""
_SILENCE_NATS: Final = 5.0
_MOST_LOSS: Final = 12.0
_SCALE: Final = 100
_START_BITS: Final = 1 << 16
_FAR: Final = 1 << 52
_SIEVE_FAR: Final = np.float32(1e6)
_BLOCK: Final = 2048


@dataclass(frozen=True, slots=True)
class PhoneHit:
    """Phrase number `entry` heard from `start_s` to `end_s`; `cost_nats`, for all `phones`, is 0 at best."""

    entry: int
    cost_nats: float
    phones: int
    start_s: float
    end_s: float

    @property
    def per_phone(self) -> float:
        """Cost per phone in nats."""
        return self.cost_nats / self.phones

    def shared_s(self, start_s: float, end_s: float) -> float:
        """How long it and another stretch lie over each other; below 0 is the gap between them."""
        return min(self.end_s, end_s) - max(self.start_s, start_s)

    @property
    def gain(self) -> float:
        """What was heard less what it cost, in nats; the more the better, below 0 for a stranger."""
        return CREDIT_NATS * self.phones - self.cost_nats


class PhoneIndex:
    """Phrases ready to be searched. Immutable once built; safe to share between threads."""

    def __init__(
        self,
        phrases: Sequence[tuple[str, ...]],
        phones: tuple[str, ...] = PHONES,
        keep: int = 64,
        always: int = 0,
    ) -> None:
        """Index `phrases`, each at least one phone. `phones` is the head's order of columns.

        The first `always` phrases are aligned in every search, however little the sieve thinks of them.

        Raises:
            ValueError: a phrase is empty or holds a phone the head does not know.
        """
        column = {phone: k + 1 for k, phone in enumerate(phones)}
        unknown = {phone for phrase in phrases for phone in phrase if phone not in column}
        if unknown or not all(phrases):
            raise ValueError(f"phrases must be made of the head's phones; unknown: {sorted(unknown)}")
        self.phones = phones
        self._keep = keep + always
        self._lengths = np.array([len(phrase) for phrase in phrases], np.int64)
        self._order = np.argsort(-self._lengths, kind="stable")
        longest = int(self._lengths.max(initial=0))
        self._ordered = self._lengths[self._order]
        # narrow because fifteen thousand phrases stay in memory; widened block by block
        spelt = (column[phone] for entry in self._order.tolist() for phone in phrases[entry])
        labels = np.zeros((len(phrases), longest), np.uint8)
        labels[np.arange(longest) < self._ordered[:, None]] = np.fromiter(spelt, np.uint8)
        self._labels = np.ascontiguousarray(labels.T)
        self._always = np.flatnonzero(self._order < always)
        # phrases of like length together: little is reckoned in vain, and a block stays in the cache
        self._blocks = tuple(range(0, len(phrases), _BLOCK))

    def __len__(self) -> int:
        return len(self._lengths)

    def search(
        self, evidence: PhoneEvidence, occurrences: int = 1, most_per_phone: float = math.inf
    ) -> tuple[PhoneHit, ...]:
        """The best phrases in `evidence`, best gain first, each at most `occurrences` times.

        What costs more than `most_per_phone` nats a phone is left out.

        Raises:
            ValueError: the evidence comes from a head with other phones.
        """
        if evidence.phones != self.phones:
            raise ValueError("the evidence comes from a phone head with other phones than this index")
        log_probs = evidence.log_probs
        if not len(self) or not len(log_probs):
            return ()
        losses = np.minimum(log_probs.max(axis=1, keepdims=True) - log_probs, _MOST_LOSS)
        rows = self._sieve(losses)
        hits: list[PhoneHit] = self._align(rows, losses, evidence.frame_s, (occurrences, most_per_phone))
        return tuple(sorted(hits, key=lambda hit: (-hit.gain, hit.start_s, hit.entry)))

    def _sieve(self, losses: Floats) -> Ints:
        if len(self) <= self._keep:
            return np.arange(len(self))
        heard = losses[_may_hold_a_phone(losses)]
        pausing = np.minimum(heard, heard[:, :1])
        best = np.concatenate([self._sieve_block(first, heard, pausing) for first in self._blocks])
        gains = CREDIT_NATS * self._ordered - best
        gains[self._always] = np.inf
        return np.sort(np.argpartition(-gains, self._keep)[: self._keep])

    def _sieve_block(self, first: int, heard: Floats, pausing: Floats) -> Floats:
        """The least cost of each phrase in one block, as if every phone could pause."""
        counts = self._ordered[first : first + _BLOCK]
        labels = self._labels[: int(counts[0]), first : first + _BLOCK].astype(np.intp)
        cost = np.full((len(labels) + 1, len(counts)), _SIEVE_FAR, np.float32)
        cost[0] = 0
        held, came = cost[1:], np.empty(labels.shape, np.float32)
        last = (counts - 1) * len(counts) + np.arange(len(counts))
        best = np.full(len(counts), _SIEVE_FAR, np.float32)
        for frame, pause in zip(heard, pausing, strict=True):
            np.add(cost[:-1], frame[labels], out=came)
            held += pause[labels]
            np.minimum(held, came, out=held)
            np.minimum(best, held.ravel()[last], out=best)
        return best

    def _align(self, rows: Ints, losses: Floats, frame_s: float, wanted: tuple[int, float]) -> list[PhoneHit]:
        counts = self._ordered[rows]
        phones = self._labels[: int(counts.max()), rows]
        states = np.zeros((2 * len(phones) - 1, len(rows)), np.int64)
        states[0::2] = phones
        hop = np.zeros((len(states), len(rows)), np.int64)
        hop[2::2] = np.where(states[2::2] == states[:-2:2], _FAR, 0)
        hop[3::2] = _FAR
        loud = _may_hold_a_phone(losses)
        # of each silence one frame is enough: a pause between two equal phones, or between words
        kept = np.flatnonzero(loud | np.concatenate(([True], loud[:-1])))
        whole = (losses[kept] * _SCALE).astype(np.int64) * _START_BITS
        cost = np.full((len(states) + 2, len(rows)), _FAR, np.int64)
        ends = np.empty((len(whole), len(rows)), np.int64)
        last = (2 * (counts - 1)) * len(rows) + np.arange(len(rows))
        for row, (at, frame) in enumerate(zip(kept.tolist(), whole, strict=True)):
            cost[1] = _START_BITS - 1 - at
            step = np.minimum(cost[2:], cost[1:-1])
            np.minimum(step[2:], cost[2:-2] + hop[2:], out=step[2:])
            step += frame[states]
            np.minimum(step, _FAR, out=cost[2:])
            ends[row] = cost[2:].ravel()[last]
        limits = (counts * min(wanted[1], _MOST_LOSS) * _SCALE).astype(np.int64) * _START_BITS
        hits: list[PhoneHit] = []
        for k in np.flatnonzero(ends.min(axis=0) < limits + _START_BITS).tolist():
            entry = int(self._order[rows[k]])
            hits += self._occurrences(entry, (kept, ends[:, k]), frame_s, wanted[0], int(limits[k]))
        return hits

    def _occurrences(
        self, entry: int, heard: tuple[Ints, Ints], frame_s: float, most: int, limit: int
    ) -> list[PhoneHit]:
        frames, left = heard[0], heard[1].copy()
        found: list[PhoneHit] = []
        for _ in range(most):
            best = int(np.argmin(left))
            packed = int(left[best])
            if packed >= min(_FAR, limit + _START_BITS):
                break
            start, end = _START_BITS - 1 - packed % _START_BITS, int(frames[best])
            cost = packed // _START_BITS / _SCALE
            found.append(
                PhoneHit(entry, cost, int(self._lengths[entry]), start * frame_s, (end + 1) * frame_s)
            )
            starts = _START_BITS - 1 - left % _START_BITS
            left[(starts <= end) & (frames >= start)] = _FAR
        return found


def _may_hold_a_phone(losses: Floats) -> npt.NDArray[np.bool_]:
    """Frames in which some phone comes within reach of the best guess; the others are certain silence."""
    near: npt.NDArray[np.bool_] = losses[:, 1:].min(axis=1) < _SILENCE_NATS
    return near
