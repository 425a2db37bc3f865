"""What a roll-call's figures are worth: bins of answer times and points per unit. Pure.

The result ranks people, so nothing is made up: a time that was not measured has no bin, and a unit that could
not be observed, or whose answer waits for a person's ear, has no points rather than none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.events import RollcallOutcome
from gateway.rollcall.sheet import Item

ANSWER_BINS_S: Final = (30, 60, 120, 180)
"""The steps in which bulletins tabulate how fast a call was signed for."""
SLOWEST_BIN: Final = f">{ANSWER_BINS_S[-1]}"
BIN_LABELS: Final = (
    *(f"{low}-{high}" for low, high in zip((0, *ANSWER_BINS_S), ANSWER_BINS_S, strict=False)),
    SLOWEST_BIN,
)
NOT_GRADED: Final = frozenset({None, "unreadable", "not_observed", "excused", "cancelled"})
"""Outcomes that say nothing about the unit: a person reviews them, or nobody can."""


def bin_of(latency_s: float | None) -> str | None:
    """The bin of an answer time in seconds, such as "30-60", its upper end included; None for no time."""
    if latency_s is None:
        return None
    for label, high in zip(BIN_LABELS, ANSWER_BINS_S, strict=False):
        if latency_s <= high:
            return label
    return SLOWEST_BIN


@dataclass(frozen=True, slots=True)
class Weights:
    """Points for each thing asked of a unit, and the answer times, in seconds, between full and no points.

    `arrived` is only asked for in a scramble (拉动): a plain roll-call is graded out of the other points.
    """

    answered: float = 30.0
    speed: float = 20.0
    headcount: float = 20.0
    report: float = 10.0
    arrived: float = 20.0
    full_speed_s: float = 30.0
    no_speed_s: float = 180.0
    late_share: float = 0.5

    def __post_init__(self) -> None:
        points = (self.answered, self.speed, self.headcount, self.report, self.arrived)
        if min(points) < 0 or self.answered + self.speed + self.headcount + self.report <= 0:
            raise ValueError("weights: no points may be negative, and some must be positive")
        if not 0 <= self.full_speed_s < self.no_speed_s or not 0 <= self.late_share <= 1:
            raise ValueError("weights: full_speed_s must be less than no_speed_s, late_share from 0 to 1")


@dataclass(frozen=True, slots=True)
class Score:
    """Points of one unit, out of `possible`."""

    points: float
    possible: float

    @property
    def percent(self) -> float:
        """The points as a share of what was possible, 0 to 100."""
        return 100.0 * self.points / self.possible


class Gradable(Protocol):
    """A unit's line, whoever holds it."""

    @property
    def outcome(self) -> RollcallOutcome | None:
        """What was found out, None while nothing was."""

    @property
    def answer_latency_s(self) -> float | None:
        """How long it took to answer, None when not measured."""

    @property
    def present(self) -> int | None:
        """How many people it reported, None when not said."""

    @property
    def report_complete(self) -> Mapping[str, bool]:
        """Which elements of a report it gave."""


def score(
    item: Gradable,
    weights: Weights | None = None,
    *,
    required_headcount: int | None = None,
    arrived_in_time: bool | None = None,
) -> Score | None:
    """Grade one unit; None when its outcome says nothing about it.

    Args:
        item: what the roll-call found, settled.
        weights: the station's, the proposal of the domain reference when None.
        required_headcount: how many people the unit must have on duty, None when it is not laid down.
        arrived_in_time: in a scramble, whether it was there within its limit; None in a roll-call.
    """
    if item.outcome in NOT_GRADED:
        return None
    w = weights or Weights()
    timed = item.answer_latency_s is not None or item.outcome == "no_answer"
    possible = w.answered + w.headcount + w.report
    possible += w.speed if timed else 0.0
    possible += w.arrived if arrived_in_time is not None else 0.0
    if item.outcome == "no_answer":
        return Score(0.0, possible)
    own = 1.0 if item.outcome == "answered" else w.late_share
    points = w.answered * own
    if item.answer_latency_s is not None:
        points += w.speed * _speed(item.answer_latency_s, w)
    present = item.present
    if present is not None and present >= (required_headcount or 0):
        points += w.headcount
    told = [item.report_complete.get(element, False) for element in ("position", "equipment")]
    points += w.report * sum(told) / len(told)
    points += w.arrived if arrived_in_time else 0.0
    return Score(round(points, 2), possible)


def _speed(latency_s: float, weights: Weights) -> float:
    """1 up to the full-speed time, falling evenly to 0."""
    span = weights.no_speed_s - weights.full_speed_s
    return min(1.0, max(0.0, (weights.no_speed_s - latency_s) / span))


@dataclass(frozen=True, slots=True)
class Tally:
    """A roll-call in figures. `outcomes` and `bins` count units, `present` is the sum of the head counts."""

    outcomes: dict[str, int]
    bins: dict[str, int]
    present: int


def tally(items: Iterable[Item]) -> Tally:
    """Count outcomes and answer times."""
    outcomes: dict[str, int] = {}
    bins = dict.fromkeys(BIN_LABELS, 0)
    present = 0
    for item in items:
        if item.outcome is not None:
            outcomes[item.outcome] = outcomes.get(item.outcome, 0) + 1
        if (label := bin_of(item.answer_latency_s)) is not None:
            bins[label] += 1
        present += item.present or 0
    return Tally(dict(sorted(outcomes.items())), bins, present)
