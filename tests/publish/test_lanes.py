"""Live events first, the backlog at its pace, and no incident out of its order."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gateway.publish.lanes import Lanes, Rate

NOW = datetime(2025, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    position: int
    order_key: str | None = None
    kind: str = "incident.updated"
    document: str = "{}"
    enqueued_at: datetime = NOW
    lane: str = "live"


@dataclass
class Rows:
    """An outbox from which nothing is ever taken."""

    rows: list[Row] = field(default_factory=list)

    def put(self, *keys: str | None) -> None:
        for key in keys:
            self.rows.append(Row(len(self.rows) + 1, key))

    async def next_batch(self, limit: int, after: int = 0, up_to: int | None = None) -> Sequence[Row]:
        return [row for row in self.rows if after < row.position <= (up_to or 10**9)][:limit]

    async def of_key(self, order_key: str, after: int, up_to: int, limit: int) -> Sequence[Row]:
        return [r for r in await self.next_batch(10**9, after, up_to) if r.order_key == order_key][:limit]

    async def waiting(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows)

    async def delivered(self, positions: Sequence[int]) -> None:
        raise NotImplementedError

    async def retry_later(self, position: int, error: str) -> None:
        raise NotImplementedError

    async def set_aside(self, position: int, reason: str) -> None:
        raise NotImplementedError


def given_out(
    rows: Rows, boundary: int, *, in_order: bool = False, after_each: Callable[[], None] = lambda: None
) -> list[int]:
    async def scenario() -> list[int]:
        lanes = Lanes(rows, boundary, in_order=in_order)
        order = []
        while (turn := await lanes.next()) is not None:
            order.append(turn.row.position)
            after_each()
            lanes.look_for_live()
        return order

    return asyncio.run(scenario())


def test_what_happens_now_goes_before_what_has_waited() -> None:
    rows = Rows()
    rows.put(*[None] * 5)
    rows.put(None, None)
    assert given_out(rows, boundary=5) == [6, 7, 1, 2, 3, 4, 5]


def test_where_everything_is_to_be_in_order_it_is() -> None:
    rows = Rows()
    rows.put(None, "a", "b")

    def more() -> None:
        if len(rows.rows) < 9:
            rows.put("a")

    assert given_out(rows, boundary=3, in_order=True, after_each=more) == list(range(1, 10))


def test_a_live_event_takes_its_incidents_backlog_along() -> None:
    rows = Rows()
    rows.put("a", None, "b", "a", None)
    rows.put("a", "b")
    assert given_out(rows, boundary=5) == [1, 4, 6, 3, 7, 2, 5]


def test_an_incident_with_more_backlog_than_one_look_gives_is_still_in_order() -> None:
    rows = Rows()
    rows.put(*["a", None] * 700)
    rows.put("a", None, "a")
    order = given_out(rows, boundary=1400)
    assert order[:703] == [*range(1, 1400, 2), 1401, 1402, 1403]
    assert order[703:] == list(range(2, 1401, 2))


def test_what_is_put_back_comes_again_in_its_place() -> None:
    async def scenario() -> list[int]:
        rows = Rows()
        rows.put("a", None, "a")
        lanes = Lanes(rows, 3)
        order = []
        for number in range(8):
            turn = await lanes.next()
            assert turn is not None
            if number % 2:
                order.append(turn.row.position)
                if number == 1:
                    rows.put("a")
                    lanes.look_for_live()
            else:
                lanes.put_back(turn)
        assert await lanes.next() is None
        return order

    assert asyncio.run(scenario()) == [1, 3, 4, 2]


@given(
    backlog=st.lists(st.sampled_from([None, "a", "b", "c"]), max_size=30),
    live=st.lists(st.sampled_from([None, "a", "b", "c"]), max_size=30),
    together=st.integers(1, 5),
)
def test_whatever_comes_each_goes_out_once_and_no_key_out_of_order(
    backlog: list[str | None], live: list[str | None], together: int
) -> None:
    rows, left, seen = Rows(), list(live), [0]
    rows.put(*backlog)

    def more() -> None:
        seen[0] += 1
        if seen[0] % together == 0 and left:
            rows.put(left.pop(0))

    order = given_out(rows, len(backlog), after_each=more)
    assert sorted(order) == list(range(1, len(rows.rows) + 1))
    for key in "abc":
        of_key = [position for position in order if rows.rows[position - 1].order_key == key]
        assert of_key == sorted(of_key)


def test_a_rate_holds_over_any_stretch_and_allows_a_small_burst() -> None:
    now = [0.0]
    rate = Rate(100.0, lambda: now[0])
    sent: list[float] = []
    while now[0] < 3.0:
        if rate.wait_s <= 0.0:
            rate.take()
            sent.append(now[0])
        else:
            now[0] += rate.wait_s + 1e-6
    assert 300 <= len(sent) <= 311
    assert all(later - first >= 0.9 for first, later in zip(sent, sent[101:], strict=False))


def test_without_a_rate_nothing_waits() -> None:
    rate = Rate(None, lambda: 0.0)
    for _ in range(1000):
        assert rate.wait_s == 0.0
        rate.take()
