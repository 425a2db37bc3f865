"""Which number was said in words that count: all numbers to 99 measured against each other at once. Pure.

Theory of operation. A *frame* is what stands around a number: words before it (在岗, 今天), words after it
(人在岗, 名队员), or both. Spelt out, some hundred of either and 99 numbers would be a million phrases; here
three small sets are laid over the audio in turn. The words before are searched forwards, the words after
backwards, and the numbers enter wherever words before have ended and leave wherever words after begin. What a
phrase costs is as in phonesearch.py: its log-probability against the head's best free path, each phone may
pause, and a credit for each phone (so that 11 is not taken for the 1 in it). Of each number the best path in
any frame is told: all are measured on the same audio, so their gains may be compared.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gateway.model import PhoneEvidence
from gateway.understand.phones import PHONES, phones_of
from gateway.understand.phonesearch import CREDIT_NATS

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

MOST_COUNTED: Final = 99
_SILENCE_NATS: Final = 5.0
_MOST_LOSS: Final = 12.0
_FAR: Final = 1e6
_SCALE: Final = 100
_START_SHIFT: Final = 16
_EDGE_S: Final = 0.06
"""A name's stretch is not measured finer than this: what is said right beside it is not in it."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Words around a number; "" allows nothing there. What is found in it is told with its `meaning`.

    `whole_words` when it holds words for a number with its measure (俩), and never a numeral.
    """

    meaning: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    whole_words: bool = False


@dataclass(frozen=True, slots=True)
class NumberHeard:
    """A number and the words around it; `gain` as `PhoneHit.gain`, of all their `phones`.

    `start_s` and `end_s` are of the number alone.
    """

    meaning: str
    number: int
    before: str
    after: str
    gain: float
    phones: int
    start_s: float
    end_s: float

    @property
    def per_phone(self) -> float:
        """Cost per phone in nats."""
        return CREDIT_NATS - self.gain / self.phones


class NumberSearch:
    """Frames ready to be searched for the numbers in them. Immutable once built; any thread may search."""

    def __init__(self, frames: Iterable[Frame], words: Mapping[str, int], whole: Mapping[str, int]) -> None:
        """Spell the `frames`; `words` stand for a number besides its numeral, `whole` with its measure."""
        self._frames = tuple(frames)
        self._before = _Words(dict.fromkeys(word for frame in self._frames for word in frame.before))
        self._after = _Words(dict.fromkeys(word for frame in self._frames for word in frame.after), -1)
        numerals = {str(n): n for n in range(1, MOST_COUNTED + 1)} | dict(words)
        columns = [
            (at, word, number)
            for at, frame in enumerate(self._frames)
            for word, number in (whole if frame.whole_words else numerals | dict(whole)).items()
        ]
        self._said = _Words(word for _, word, _ in columns)
        self._frame_of = np.array([at for at, _, _ in columns], np.intp)
        self._numbers = tuple(number for _, _, number in columns)

    def search(
        self, evidence: PhoneEvidence, closed_s: Iterable[tuple[float, float]] = ()
    ) -> tuple[NumberHeard, ...]:
        """The best of each meaning and number, best gain first; nothing is found in the stretches `closed_s`.

        Raises:
            ValueError: the evidence comes from a head with other phones.
        """
        if evidence.phones != PHONES:
            raise ValueError(
                "the evidence comes from a phone head with other phones than numbers are made of"
            )
        losses, times_s = _losses(evidence, closed_s)
        if not len(losses):
            return ()
        entering, words_before = self._gains_around(self._before, losses, [f.before for f in self._frames])
        leaving, words_after = self._gains_around(self._after, losses[::-1], [f.after for f in self._frames])
        leaving, words_after = leaving[::-1], words_after[::-1]
        gains, starts = self._said.entered(losses, entering[:, self._frame_of])
        gains += leaving[:, self._frame_of]
        ends = gains.argmax(axis=0)
        best: dict[tuple[str, int], int] = {}
        most = gains[ends, np.arange(len(ends))]
        for column in np.argsort(most, kind="stable").tolist():
            best[self._frames[self._frame_of[column]].meaning, self._numbers[column]] = column
        heard = []
        for (meaning, number), column in best.items():
            frame, end = self._frame_of[column], int(ends[column])
            start = int(starts[end, column])
            before = self._before.texts[words_before[start, frame]]
            after = self._after.texts[words_after[end, frame]]
            phones = sum(len(phones_of(word)) for word in (before, self._said.texts[column], after))
            heard.append(
                NumberHeard(
                    meaning, number, before, after, float(most[column]), phones,
                    float(times_s[start]), float(times_s[end]) + evidence.frame_s,
                )
            )  # fmt: skip
        return tuple(sorted(heard, key=lambda one: (-one.gain, one.number)))

    def _gains_around(
        self, words: "_Words", losses: Floats, wanted: Sequence[tuple[str, ...]]
    ) -> tuple[Floats, Ints]:
        """What is gained by the best of `wanted` words ended before each frame, for each frame, and which."""
        gains = words.gains(losses)
        most = np.full((len(losses), len(wanted)), -_FAR, np.float32)
        which = np.zeros(most.shape, np.int64)
        for at, allowed in enumerate(wanted):
            columns = words.columns(allowed)
            if len(columns):
                best = columns[gains[:, columns].argmax(axis=1)]
                most[1:, at] = gains[np.arange(len(losses)), best][:-1]
                which[1:, at] = best[:-1]
            if "" in allowed:
                nothing = most[:, at] < 0
                most[nothing, at], which[nothing, at] = 0.0, words.texts.index("")
        return most, which


class _Words:
    """Rows of phones laid over the audio together; `step` -1 spells them backwards."""

    def __init__(self, texts: Iterable[str], step: int = 1) -> None:
        self.texts = tuple(texts)
        spoken = [phones_of(text)[::step] for text in self.texts]
        column = {phone: k + 1 for k, phone in enumerate(PHONES)}
        self._lengths = np.array([len(phones) for phones in spoken], np.int64)
        self._labels = np.zeros((int(self._lengths.max(initial=1)), len(spoken)), np.intp)
        for at, phones in enumerate(spoken):
            self._labels[: len(phones), at] = [column[phone] for phone in phones]
        self._last = (np.maximum(self._lengths - 1, 0), np.arange(len(spoken)))
        self._credit = (CREDIT_NATS * self._lengths).astype(np.float32)

    def columns(self, texts: Iterable[str]) -> Ints:
        return np.array([self.texts.index(text) for text in texts if text], np.int64)

    def gains(self, losses: Floats) -> Floats:
        """What each row is worth when it ends at each frame, wherever it began."""
        free = np.zeros((len(losses), 1), np.float32)
        ends: Floats = self._ends(losses, free, _FAR)
        return self._credit - ends

    def entered(self, losses: Floats, gained: Floats) -> tuple[Floats, Ints]:
        """What each row is worth with what is `gained` before it at each frame, and the frame it began at."""
        starts = np.arange(len(losses))[:, None]
        spent = (-gained * _SCALE).astype(np.int64)
        packed: Ints = self._ends(
            _packed((losses * _SCALE).astype(np.int64)), _packed(spent) + starts, _packed(int(_FAR) * _SCALE)
        )
        cost = (packed >> _START_SHIFT).astype(np.float32) / np.float32(_SCALE)
        return self._credit - cost, packed & ((1 << _START_SHIFT) - 1)

    def _ends(self, losses: Any, enter: Any, far: float) -> Any:
        cost = np.full((len(self._labels) + 1, len(self.texts)), far, losses.dtype)
        ends = np.empty((len(losses), len(self.texts)), losses.dtype)
        held = cost[1:]
        for at, frame in enumerate(losses):
            cost[0] = enter[at]
            said = frame[self._labels]
            came = cost[:-1] + said
            held += np.minimum(said, frame[0])
            np.minimum(held, came, out=held)
            ends[at] = held[self._last]
        return ends


def _packed(cost: Any) -> Any:
    return cost << _START_SHIFT


def _losses(evidence: PhoneEvidence, closed_s: Iterable[tuple[float, float]]) -> tuple[Floats, Floats]:
    """What each phone costs in each frame that is not certain silence, and when these frames are."""
    log_probs = evidence.log_probs
    losses = np.minimum(log_probs.max(axis=1, keepdims=True) - log_probs, _MOST_LOSS).astype(np.float32)
    loud = losses[:, 1:].min(axis=1, initial=_MOST_LOSS) < _SILENCE_NATS
    for start_s, end_s in closed_s:
        first, last = (int(at_s / evidence.frame_s) for at_s in (start_s + _EDGE_S, end_s - _EDGE_S))
        losses[max(first, 0) : max(last, 0)] = _MOST_LOSS
    # of each silence one frame is enough: a pause between two words
    kept = np.flatnonzero(loud | np.concatenate(([True], loud[:-1]))) if len(loud) else np.zeros(0, np.int64)
    return losses[kept], (kept * evidence.frame_s).astype(np.float32)
