"""The live board: what it shows of a roll-call's events, and nothing of anybody else's."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from gateway.watch.board import Board

BEGAN = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)


def picture(board: Board, after_s: float = 0.0) -> str:
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(board.picture(BEGAN + timedelta(seconds=after_s)))
    console.file.close()
    return console.export_text()


def item(verb: str, unit_id: str, outcome: str | None, **data: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "rollcall_id": "r1", "unit_id": unit_id, "unit_name": f"单元{unit_id}", "outcome": outcome,
        "call_count": 1, "answer_latency_s": None, "headcount": {"present": None}, "radio": "ch1",
    }  # fmt: skip
    return {"type": f"radiogateway.rollcall.{verb}", "data": {**known, **data}}


def test_it_counts_names_and_colours() -> None:
    board = Board("r1", "ch1", 3, BEGAN)
    assert board.take("t", item("called", "u1", None))
    assert "▶ 单元u1" in picture(board, 65.0)
    assert "0:01:05" in picture(board, 65.0)

    board.take("t", item("answered", "u1", "answered", answer_latency_s=2.34, headcount={"present": 3}))
    board.take("t", item("missed", "u2", "no_answer"))
    shown = picture(board)

    assert "2/3" in shown
    assert "answered 1" in shown
    assert "no answer 1" in shown
    assert "单元u1 2.3 s 3人" in shown
    assert "▶" not in shown


def test_many_units_are_squares() -> None:
    board = Board("r1", "ch1", 1000, BEGAN)
    for number in range(100):
        board.take("t", item("answered", f"u{number}", "answered"))
    shown = picture(board)

    assert "100/1000" in shown
    assert shown.count("■") == 101
    assert shown.count("·") == 900


def test_a_pause_says_why_and_what_to_do() -> None:
    board = Board("r1", "ch1", 3, BEGAN)
    board.take("rg/state/rollcall/r1", {"paused": "emergency"})
    board.take("t", {"type": "radiogateway.incident.opened", "data": {
        "radio": "ch1", "type": {"label": "火灾"}, "unit": {"name": "金穗花园"}}})  # fmt: skip

    assert "PAUSED: emergency" in picture(board)
    assert "火灾 by 金穗花园" in picture(board)
    assert "rollcall resume" in picture(board)
    board.take("rg/state/rollcall/r1", {"paused": None})
    assert "PAUSED" not in picture(board)


def test_what_is_not_its_own_changes_nothing_and_drives_no_terminal() -> None:
    board = Board("r1", "ch1", 3, BEGAN)
    before = picture(board)
    assert not board.take("t", item("answered", "u1", "answered", rollcall_id="r2"))
    assert not board.take("rg/state/rollcall/r2", {"paused": "emergency"})
    assert picture(board) == before

    received = {"radio": "ch1", "caller": {"name": None}, "transcript": {"text": "\x1b[2J收到"}}
    board.take("t", {"type": "radiogateway.transmission.received", "data": received})

    assert "收到" in picture(board)
    assert "\x1b" not in picture(board)


def test_it_is_over_when_it_is_finished() -> None:
    board = Board("r1", "ch1", 1, BEGAN)
    over = {"rollcall_id": "r1", "finished_at": (BEGAN + timedelta(seconds=30)).isoformat()}
    board.take("t", {"type": "radiogateway.rollcall.finished", "data": over})

    assert board.is_over
    assert "0:00:30" in picture(board, 500.0)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("units", [3, 60, 269, 2702])
def test_it_fits_into_the_terminal(units: int, size: tuple[int, int]) -> None:
    width, height = size
    board = Board("r1", "ch1", units, BEGAN)
    board.take("rg/state/rollcall/r1", {"paused": "emergency"})
    received = {"radio": "ch1", "caller": {"name": "金穗花园"}, "transcript": {"text": "收到,在岗三人" * 20}}
    for number in range(units * 2 // 3):
        outcome = "no_answer" if number % 9 == 0 else "answered"
        board.take("t", item("answered", f"u{number}", outcome, answer_latency_s=12.3))
    board.take("t", {"type": "radiogateway.transmission.received", "data": received})
    board.take("t", item("called", "last", None))
    console = Console(width=width, height=height, record=True, file=io.StringIO())
    console.print(board.picture(BEGAN, width, height - 1))
    lines = console.export_text().splitlines()

    assert len(lines) < height
    assert max(cell_len(line) for line in lines) <= width
    assert f"/{units}" in "\n".join(lines)
    assert "▶ 单元last" in lines[0]
    if units == 2702:
        assert "·" in "\n".join(lines)
