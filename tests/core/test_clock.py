from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import IdSource, ManualClock

START = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.lists(st.floats(min_value=-5, max_value=5), min_size=1, max_size=200))
def test_ids_grow_even_when_the_wall_clock_steps_back(steps: list[float]) -> None:
    clock = ManualClock(START)
    source = IdSource(clock)
    made = []
    for step in steps:
        clock.advance(step)
        made.append(source.new())

    assert made == sorted(set(made))


def test_an_id_is_a_uuid7_of_its_millisecond() -> None:
    made = UUID(IdSource(ManualClock(START)).new())

    assert made.version == 7
    assert made.int >> 80 == int(START.timestamp() * 1000)
