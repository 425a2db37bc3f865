"""The geometry of a report's charts: what the page draws as inline SVG. Pure.

Lengths are in the chart's own units, which the page scales to its width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.rollcall.grades import ANSWER_BINS_S, BIN_LABELS, bin_of
from gateway.rollcall.record import ANSWERS, Entry, Share

WIDTH: Final = 460.0
PLOT_HEIGHT: Final = 120.0
ROW_HEIGHT: Final = 20.0
LABEL_WIDTH: Final = 120.0
ARRIVAL_BINS_S: Final = (60, 180, 300)
MOST_ROWS: Final = 20
SLOWEST: Final = 10
TREND_POINTS: Final = 12


@dataclass(frozen=True, slots=True)
class Column:
    """One upright bar. `tone` names its colour: good, fair, poor or none."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: int
    tone: str


@dataclass(frozen=True, slots=True)
class Row:
    """One lying bar with its label in front and its value behind."""

    y: float
    length: float
    label: str
    value: str
    tone: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A limit drawn across the rows."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A chart of lying bars. `left_out` counts what there was no room for."""

    rows: tuple[Row, ...]
    marks: tuple[Mark, ...] = ()
    left_out: int = 0

    @property
    def height(self) -> float:
        """The height of the whole chart."""
        return ROW_HEIGHT * len(self.rows) + (26.0 if self.marks else 6.0)


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One roll-call on the trend: the share that answered in percent, the median answer time in seconds."""

    label: str
    answered: float | None
    median_s: float | None
    is_this: bool = False


@dataclass(frozen=True, slots=True)
class Trend:
    """Two lines over the roll-calls, oldest first. Points are (x, y, what it says); None is not drawn."""

    labels: tuple[tuple[float, str, bool], ...]
    answered: tuple[tuple[float, float, str], ...]
    medians: tuple[tuple[float, float, str], ...]
    slowest_s: float

    def label_y(self, is_answered: bool, x: float, y: float) -> float:
        """Where a point's words go: above the upper line, below the lower one."""
        others = self.medians if is_answered else self.answered
        other = next((other_y for other_x, other_y, _ in others if other_x == x), None)
        above = is_answered if other is None or other == y else y < other
        return y - 6.0 if above else y + 14.0

    def line(self, points: Sequence[tuple[float, float, str]]) -> str:
        """The `points` of a polyline."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)


def answer_bins(entries: Sequence[Entry]) -> tuple[Column, ...]:
    """How many answered in each of the bins of 30, 60, 120 and 180 s, and who did not."""
    counts = dict.fromkeys(BIN_LABELS, 0)
    for entry in entries:
        label = bin_of(entry.answer_latency_s)
        if label is not None and entry.outcome in ANSWERS:
            counts[label] += 1
    tones = ["good", "good", "fair", "fair", "poor"]
    bars = [(f"{label} 秒", count, tone) for (label, count), tone in zip(counts.items(), tones, strict=True)]
    silent = sum(1 for entry in entries if entry.outcome == "no_answer")
    review = sum(1 for entry in entries if entry.outcome == "unreadable")
    unseen = sum(1 for entry in entries if entry.outcome in {"not_observed", "cancelled", None})
    bars += [("未应答", silent, "poor"), ("待复核", review, "none"), ("未观测", unseen, "none")]
    return _columns(bars)


def arrival_bins(entries: Sequence[Entry]) -> tuple[Column, ...]:
    """How many of a drill's units were there within 1, 3 and 5 minutes; empty in a roll-call."""
    drilled = [entry for entry in entries if entry.role is not None]
    if not drilled:
        return ()
    low, bars = 0, list[tuple[str, int, str]]()
    times = [entry.arrive_latency_s for entry in drilled if entry.arrive_latency_s is not None]
    for high, tone in zip(ARRIVAL_BINS_S, ("good", "good", "fair"), strict=True):
        inside = sum(1 for time in times if low < time <= high or (low == 0 and time == 0))
        bars.append((f"{low}-{high} 秒", inside, tone))
        low = high
    bars.append((f">{low} 秒", sum(1 for time in times if time > low), "poor"))
    bars.append(("未报到场", sum(1 for entry in drilled if entry.arrival == "not_reported"), "poor"))
    bars.append(
        ("未观测", sum(1 for entry in drilled if entry.arrival in {"not_observed", "unreadable"}), "none")
    )
    return _columns(bars)


def _columns(bars: Sequence[tuple[str, int, str]]) -> tuple[Column, ...]:
    most = max((count for _, count, _ in bars), default=0) or 1
    step = WIDTH / len(bars)
    return tuple(
        Column(
            x=number * step + step * 0.15,
            y=18.0 + PLOT_HEIGHT * (1 - count / most),
            width=step * 0.7,
            height=PLOT_HEIGHT * count / most,
            label=label,
            value=count,
            tone=tone,
        )
        for number, (label, count, tone) in enumerate(bars)
    )


def share_rows(shares: Sequence[Share]) -> Rows:
    """The share of each group that answered, the least first."""
    room = WIDTH - LABEL_WIDTH - 120.0
    rows = []
    for number, share in enumerate(shares[:MOST_ROWS]):
        part = share.answered_share
        value = "不计分" if part is None else f"{part:.0%} ({share.answered}/{share.graded})"
        if share.median_s is not None:
            value += f" 中位 {share.median_s:.1f} 秒"
        rows.append(
            Row(
                y=number * ROW_HEIGHT,
                length=room * (part or 0.0),
                label=share.label or "未登记",
                value=value,
                tone="none" if part is None else tone_of(part),
            )
        )
    return Rows(tuple(rows), left_out=max(0, len(shares) - MOST_ROWS))


def tone_of(share: float) -> str:
    """The colour of a share from 0 to 1."""
    return "good" if share >= 0.9 else "fair" if share >= 0.7 else "poor"  # noqa: PLR2004 - where eyes want a step


def slowest_rows(entries: Sequence[Entry]) -> Rows:
    """Who took longest: to answer a roll-call, to be there in a drill, with the limits drawn."""
    drilled = any(entry.role is not None for entry in entries)
    limits = ARRIVAL_BINS_S if drilled else ANSWER_BINS_S
    timed = [
        (time, entry)
        for entry in entries
        if (time := entry.arrive_latency_s if drilled else entry.answer_latency_s) is not None
    ]
    timed.sort(key=lambda pair: -pair[0])
    shown = timed[:SLOWEST]
    room = WIDTH - LABEL_WIDTH - 60.0
    most = max((time for time, _ in shown), default=0.0) or 1.0
    rows = tuple(
        Row(
            y=number * ROW_HEIGHT,
            length=room * time / most,
            label=entry.name,
            value=f"{time:.1f} 秒",
            tone="good" if time <= limits[1] else "fair" if time <= limits[-1] else "poor",
        )
        for number, (time, entry) in enumerate(shown)
    )
    marks = tuple(Mark(LABEL_WIDTH + room * limit / most, str(limit)) for limit in limits if limit <= most)
    return Rows(rows, marks, left_out=max(0, len(timed) - SLOWEST))


def trend_of(points: Sequence[TrendPoint]) -> Trend | None:
    """This roll-call among those before it; None when there is nothing to compare with."""
    shown = list(points)[-TREND_POINTS:]
    if len(shown) < 2:  # noqa: PLR2004 - one point is no trend
        return None
    step = (WIDTH - 60.0) / (len(shown) - 1)
    slowest = max((one.median_s for one in shown if one.median_s is not None), default=0.0) or 1.0
    places = [30.0 + number * step for number in range(len(shown))]
    return Trend(
        labels=tuple((x, one.label, one.is_this) for x, one in zip(places, shown, strict=True)),
        answered=tuple(
            (x, 18.0 + PLOT_HEIGHT * (1 - one.answered / 100), f"{one.answered:.0f}%")
            for x, one in zip(places, shown, strict=True)
            if one.answered is not None
        ),
        medians=tuple(
            (x, 18.0 + PLOT_HEIGHT * (1 - one.median_s / slowest), f"{one.median_s:.1f} 秒")
            for x, one in zip(places, shown, strict=True)
            if one.median_s is not None
        ),
        slowest_s=slowest,
    )
