"""A county's day in simulated time; a district of 2,702 units is a benchmark, `rollcall-days`."""

import asyncio
from pathlib import Path

from tools.rollcallday import Day

XIAJIN = 269


def test_a_day_with_269_units(tmp_path: Path) -> None:
    """Who answers, late, twice, for another or not at all is drawn; the record must say the same."""
    day = Day(XIAJIN)

    play = asyncio.run(day.hold(tmp_path))

    assert day.wrong(play) == []
