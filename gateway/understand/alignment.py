"""A registered name laid beside what was written or heard, sound by sound, for people to see. Pure."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.model import PhoneEvidence
from gateway.understand.phones import pronunciations
from gateway.understand.pinyin import SYMBOLS, Syllables, syllables, symbol_costs

_GAP: Final = 0.6
"""What a syllable left out or put in costs; one wholly unlike costs 1, so those stay side by side."""
_AROUND_S: Final = 0.4
_MOST_LOSS: Final = 12.0


@dataclass(frozen=True, slots=True)
class SyllablePair:
    """A syllable of the name beside one of the text; a sound is "" where there is none, `cost` 0 to 1."""

    name: str
    name_sound: str
    heard: str
    heard_sound: str
    cost: float


@dataclass(frozen=True, slots=True)
class PhoneAt:
    """A phone of the name and when it fits best, in seconds from the start of the transmission.

    `loss_nats` is how much less likely it is there than the best guess, `instead` the phone guessed there,
    None when it is this one or none at all.
    """

    phone: str
    start_s: float
    end_s: float
    loss_nats: float
    instead: str | None


def align_text(name: str, heard: str) -> tuple[SyllablePair, ...]:
    """Lay `heard` under `name` at the least cost by the confusion costs of `pinyin`."""
    here, there = syllables(name), syllables(heard)
    costs = symbol_costs()[np.ix_(here.codes, there.codes)].astype(float)
    rows, columns = len(here), len(there)
    best = np.zeros((rows + 1, columns + 1))
    best[:, 0], best[0, :] = _GAP * np.arange(rows + 1), _GAP * np.arange(columns + 1)
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            best[i, j] = min(
                best[i - 1, j - 1] + costs[i - 1, j - 1], best[i - 1, j] + _GAP, best[i, j - 1] + _GAP
            )
    pairs: list[SyllablePair] = []
    i, j = rows, columns
    while i or j:
        both = i > 0 and j > 0 and np.isclose(best[i, j], best[i - 1, j - 1] + costs[i - 1, j - 1])
        takes_name = both or (i > 0 and np.isclose(best[i, j], best[i - 1, j] + _GAP))
        takes_heard = both or not takes_name
        cost = float(costs[i - 1, j - 1]) if both else 1.0
        i, j = i - takes_name, j - takes_heard
        pairs.append(
            SyllablePair(
                _piece(name, here, i) if takes_name else "",
                SYMBOLS[here.codes[i]] if takes_name else "",
                _piece(heard, there, j) if takes_heard else "",
                SYMBOLS[there.codes[j]] if takes_heard else "",
                cost,
            )
        )
    return tuple(reversed(pairs))


def _piece(text: str, said: Syllables, at: int) -> str:
    """The characters of syllable `at`; "" for all but the first syllable of a run of letters."""
    return "" if at and said.spans[at] == said.spans[at - 1] else text[slice(*said.spans[at])]


def align_phones(name: str, evidence: PhoneEvidence, span_s: tuple[float, float]) -> tuple[PhoneAt, ...]:
    """Where in about `span_s` the phones of `name` fit best, in the reading that fits best.

    Empty when the name has no phones or the stretch is shorter than they are.
    """
    first = max(0, int((span_s[0] - _AROUND_S) / evidence.frame_s))
    last = int((span_s[1] + _AROUND_S) / evidence.frame_s) + 1
    log_probs = evidence.log_probs[first:last]
    if not len(log_probs):
        return ()
    losses = np.minimum(log_probs.max(axis=1, keepdims=True) - log_probs, _MOST_LOSS)
    column = {phone: k + 1 for k, phone in enumerate(evidence.phones)}
    fits = [
        (*force(losses, np.array([column[p] for p in phones])), phones)
        for phones in pronunciations(name)
        if len(phones) <= len(losses)
    ]
    if not fits:
        return ()
    _, frames, phones = min(fits, key=lambda fit: fit[0] / len(fit[2]))
    return tuple(
        _phone_at(phone, stretch, column[phone], losses, first, evidence)
        for phone, stretch in zip(phones, frames, strict=True)
    )


def _phone_at(
    phone: str, stretch: list[int], column: int, losses: npt.NDArray[np.float32], first: int, e: PhoneEvidence
) -> PhoneAt:
    own = losses[stretch]
    guessed = own.argmin(axis=1)
    others = [int(g) for g in guessed if g not in {0, column}]
    loss = float(own[:, column].sum())
    start_s, end_s = (first + stretch[0]) * e.frame_s, (first + stretch[-1] + 1) * e.frame_s
    instead = e.phones[others[0] - 1] if others and loss > 0 else None
    return PhoneAt(phone, round(start_s, 2), round(end_s, 2), round(loss, 2), instead)


def force(losses: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> tuple[float, list[list[int]]]:
    """The least loss of a CTC path that spells `labels` anywhere in the frames, and each label's frames."""
    states = np.zeros(2 * len(labels) - 1, np.int64)
    states[0::2] = labels
    hops = np.zeros(len(states), bool)
    hops[2::2] = labels[1:] != labels[:-1]
    cost = np.full(len(states), np.inf)
    back = np.zeros((len(losses), len(states)), np.int64)
    ends = np.full(len(losses), np.inf)
    for frame, loss in enumerate(losses):
        ways = np.stack(
            [
                cost,
                np.concatenate(([0.0], cost[:-1])),
                np.where(hops, np.concatenate(([np.inf, np.inf], cost[:-2]))[: len(states)], np.inf),
            ]
        )
        back[frame] = ways.argmin(axis=0)
        cost = ways.min(axis=0) + loss[states]
        ends[frame] = cost[-1]
    frame, state = int(ends.argmin()), len(states) - 1
    least = float(ends[frame])
    frames: list[list[int]] = [[] for _ in labels]
    while state >= 0 and frame >= 0:
        if state % 2 == 0:
            frames[state // 2].insert(0, frame)
        state -= int(back[frame, state])
        frame -= 1
    return least, frames
