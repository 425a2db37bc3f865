"""A roll-call as it goes on, on one screen of a terminal. Pure: events' JSON in, a picture out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gateway.watch.screen import printable

STYLES: Final = {
    "answered": "green",
    "answered_late": "yellow",
    "answered_by_other": "yellow",
    "unreadable": "yellow",
    "no_answer": "red",
    "not_observed": "magenta",
    "excused": "dim",
    "cancelled": "dim",
    None: "bold cyan",
}
"""Green: it answered. Amber: a person should look. Red: silence. Magenta: nobody could have heard it."""
_WORDS: Final = {
    "answered": "answered",
    "answered_late": "late",
    "answered_by_other": "by another",
    "unreadable": "unreadable",
    "no_answer": "no answer",
    "not_observed": "not observed",
    "excused": "excused",
    "cancelled": "cancelled",
}
_LAST_ROWS: Final = 3
_BETWEEN: Final = 2
"""Columns between two cells."""


class Board:
    """The state of one roll-call, as its events tell it."""

    def __init__(self, rollcall_id: str, radio: str, units: int, began: datetime) -> None:
        self.rollcall_id = rollcall_id
        self.is_over = False
        self._radio = radio
        self._units = units
        self._began = began
        self._ended: datetime | None = None
        self._lines: dict[str, Mapping[str, Any]] = {}
        self._in_turn: Mapping[str, Any] | None = None
        self._words = ""
        self._paused: str | None = None
        self._incident: str | None = None
        self._summary: Mapping[str, Any] | None = None

    def take(self, topic: str, document: Mapping[str, Any]) -> bool:
        """Take an event or a state document; return whether it belongs to this roll-call."""
        document = printable(document)
        if topic.endswith(f"/state/rollcall/{self.rollcall_id}"):
            self._paused = document.get("paused")
            return True
        kind, data = str(document.get("type", "")).removeprefix("radiogateway."), document.get("data", {})
        if kind == "transmission.received" and data.get("radio") == self._radio:
            text, caller = data["transcript"]["text"], data["caller"]["name"]
            self._words = f"{caller or '?'}: {text}" if text else self._words
            return False
        if kind == "incident.opened" and data.get("radio") == self._radio:
            self._incident = f"{data['type']['label']} by {data['unit']['name'] or 'unknown unit'}"
            return False
        if not kind.startswith("rollcall.") or data.get("rollcall_id") != self.rollcall_id:
            return False
        if kind == "rollcall.finished":
            self._summary, self.is_over = data, True
            self._ended = datetime.fromisoformat(data["finished_at"])
            self._in_turn = None
        elif kind != "rollcall.started":
            self._lines[data["unit_id"]] = data
            self._in_turn = data if kind == "rollcall.called" else None
        return True

    @property
    def decided(self) -> int:
        """How many units have an outcome."""
        return sum(line["outcome"] is not None for line in self._lines.values())

    def outcomes(self) -> dict[str, int]:
        """How many units have which outcome."""
        counts: dict[str, int] = {}
        for line in self._lines.values():
            if line["outcome"] is not None:
                counts[line["outcome"]] = counts.get(line["outcome"], 0) + 1
        return counts

    def picture(self, now: datetime, width: int = 100, height: int = 40) -> RenderableType:
        """Draw it into at most so many columns and rows of a terminal."""
        parts: list[RenderableType] = [self._head(now), self._bar(width), self._counts()]
        if self._paused is not None and not self.is_over:
            why = f" PAUSED: {self._paused} " + (f"· {self._incident} " if self._incident else "")
            parts.append(_one_line(Text(why, style="bold white on red")))
            parts.append(Text("go on with: radio-gateway rollcall resume -c FILE", style="dim"))
        missed = self._missed()
        parts += [missed] if missed is not None else []
        parts += [self._grid(width, max(1, height - len(parts) - _LAST_ROWS)), self._last()]
        return Group(*parts)

    def _head(self, now: datetime) -> Text:
        seconds = int(((self._ended or now) - self._began).total_seconds())
        clock = f"{seconds // 3600:d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        text = Text("点名 ", style="bold").append(f"{self._radio}  ", style="blue")
        text.append(clock, style="bold")
        if self._in_turn is not None:
            text.append("  ▶ ", style="cyan").append(self._in_turn["unit_name"], style="bold cyan")
            text.append(f" call {self._in_turn['call_count']}", style="dim")
        elif self.is_over:
            ended = (self._summary or {}).get("ended", "closed")
            text.append(f"  {'over' if ended == 'closed' else ended}", style="bold")
        return _one_line(text)

    def _bar(self, width: int) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        bar = ProgressBar(
            total=max(1, self._units), completed=self.decided, width=max(10, min(60, width - 14))
        )
        table.add_row(bar, Text(f"{self.decided}/{self._units}", style="bold"))
        return table

    def _counts(self) -> Text:
        text = Text()
        for outcome, count in self.outcomes().items():
            text.append(f"■ {_WORDS.get(outcome, outcome)} {count}   ", style=STYLES.get(outcome, ""))
        return _one_line(text)

    def _missed(self) -> Text | None:
        """Who did not answer, the last first; None where everybody did."""
        names = [line["unit_name"] for line in self._lines.values() if line["outcome"] == "no_answer"]
        return _one_line(Text("no answer: " + "、".join(reversed(names)), style="red")) if names else None

    def _grid(self, width: int, rows: int) -> RenderableType:
        """A cell for each unit that was called; where these do not fit, a square for each unit."""
        cells = [self._cell(line) for line in self._lines.values()]
        widest = max((cell.cell_len for cell in cells), default=1) + _BETWEEN
        columns = max(1, width // widest)
        if self._units <= columns * rows:
            table = Table.grid(padding=(0, _BETWEEN, 0, 0))
            for start in range(0, len(cells), columns):
                table.add_row(*cells[start : start + columns])
            return table
        squares = [("■", STYLES.get(line["outcome"], "")) for line in self._lines.values()]
        squares += [("·", "dim")] * max(0, self._units - len(self._lines))
        room = width * rows
        # In a district that does not fit, who was called lately is seen, and what is left of the room ahead.
        first = max(0, min(len(self._lines) - room * 2 // 3, len(squares) - room))
        return Text.assemble(*squares[first : first + room], no_wrap=False, overflow="fold")

    @staticmethod
    def _cell(line: Mapping[str, Any]) -> Text:
        text = Text("■ ", style=STYLES.get(line["outcome"], "")).append(line["unit_name"] or line["unit_id"])
        if line["answer_latency_s"] is not None:
            text.append(f" {line['answer_latency_s']:.1f} s", style="dim")
        if line["headcount"]["present"] is not None:
            text.append(f" {line['headcount']['present']}人", style="dim")
        return text

    def _last(self) -> RenderableType:
        words = _one_line(Text(self._words or "…"))
        return Panel(words, title="last heard", title_align="left", height=_LAST_ROWS)


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
