"""What a dispatcher remembers: every event once, what is missing, and the last state of each thing."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UsageError
from gateway.watch.memory import Memory, MemoryUnavailable
from gateway.watch.numbers import Missing, ranges_in_words
from gateway.watch.scope import root_of, scope_of, source_of

SOURCE = "urn:radio-gateway:gz:tianhe:shipai"


def uuid7(ms: int, more: int = 0) -> str:
    return str(UUID(int=(ms << 80) | (0x7 << 76) | (0b10 << 62) | more))


def event(number: int, *, made: int | None = None, kind: str = "gateway.fault", **data: Any) -> str:
    return json.dumps(
        {
            "id": uuid7(1_000 * number if made is None else made),
            "source": SOURCE,
            "type": f"radiogateway.{kind}",
            "sequence": f"{number:020d}",
            "subject": "x",
            "data": data,
        }
    )


def missing(memory: Memory) -> list[tuple[int, int]]:
    return list(memory.sources[SOURCE].missing)


@given(st.sets(st.integers(1, 60), min_size=1), st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9))))
def test_ranges_are_the_numbers_they_stand_for(numbers: set[int], gone: list[tuple[int, int]]) -> None:
    ranges, left = Missing.of(numbers), set(numbers)
    for first, length in gone:
        taken = left & set(range(first, first + length + 1))
        assert ranges.discard(first, first + length) == len(taken)
        left -= taken
        assert {n for low, high in ranges for n in range(low, high + 1)} == left
        assert all(after[0] > before[1] + 1 for before, after in zip(ranges, list(ranges)[1:], strict=False))
        assert (first in ranges, len(ranges), bool(ranges)) == (False, len(left), bool(left))


@given(st.permutations(range(1, 15)), st.data())
def test_each_event_is_given_once_whatever_the_order_and_the_repeats(order: list[int], data: Any) -> None:
    sent = [number for number in order for _ in range(data.draw(st.integers(1, 3)))]
    with Memory() as memory:
        while sent:
            size = data.draw(st.integers(1, 5))
            memory.take([event(number) for number in sent[:size]])
            sent = sent[size:]
        given_ = [int(document["sequence"]) for _, document in memory.after(0)]
        assert sorted(given_) == list(range(1, 15))
        assert missing(memory) == []


def test_a_gap_is_remembered_across_restarts_and_closed_when_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "watch.db"
    with Memory(path) as memory:
        memory.take([event(3), event(9)])
        memory.move_cursor("desk", 1)
    with Memory(path) as memory:
        assert missing(memory) == [(4, 8)]
        assert memory.cursor("desk") == 1
        taken = memory.take([event(5), event(3), event(9), event(5)])
        assert (taken.new, taken.repeats) == (1, 3)
        assert missing(memory) == [(4, 4), (6, 8)]
        memory.take([event(number) for number in (8, 7, 4, 6)])
        assert missing(memory) == []
        assert [int(e["sequence"]) for _, e in memory.after(1)] == [9, 5, 8, 7, 4, 6]


def test_what_was_made_before_the_first_event_came_is_taken_when_it_comes_and_not_asked_for() -> None:
    with Memory() as memory:
        memory.take([event(5), event(3)])
        assert missing(memory) == []
        assert len(memory.after(0)) == 2


def test_a_repeat_is_known_even_when_its_id_is_long_forgotten() -> None:
    with Memory(keep_events=10) as memory:
        memory.take([event(number) for number in range(1, 51)])
        assert memory.prune() == 40
        assert memory.take([event(7)]).new == 0
        assert len(memory.after(0)) == 10


def test_a_gateway_whose_database_was_replaced_is_followed_from_one() -> None:
    with Memory() as memory:
        memory.take([event(number) for number in range(1, 20)])
        taken = memory.take([event(1, made=99_000), event(2, made=99_500), event(3, made=99_700)])
        assert (taken.new, taken.anew) == (3, (SOURCE,))
        memory.take([event(5, made=99_900)])
        assert missing(memory) == [(4, 4)]


def test_what_the_gateway_gave_up_or_forgot_is_missing_no_more_but_counted() -> None:
    with Memory() as memory:
        memory.take([event(1), event(10)])
        memory.take([event(11, kind="outbox.dropped", first_sequence=f"{4:020d}", last_sequence=f"{6:020d}")])
        assert missing(memory) == [(2, 3), (7, 9)]
        assert memory.note_lost(SOURCE, 1, 3) == 2
        assert memory.note_newest(SOURCE, 12)
        assert not memory.note_newest(SOURCE, 12)
        assert missing(memory) == [(7, 9), (12, 12)]
        assert memory.sources[SOURCE].lost == 5


@pytest.mark.parametrize(
    "document",
    ["", "[]", "{}", "no json", b"\xff", '{"id": {}, "source": [], "type": 1, "sequence": "1", "data": {}}',
     event(1).replace(f"{1:020d}", "9" * 40), event(1).replace(f"{1:020d}", "-1"), "[" * 100_000],
)  # fmt: skip
def test_nonsense_is_counted_and_harms_nothing(document: str | bytes) -> None:
    with Memory() as memory:
        taken = memory.take([event(1), document, event(2)])
        assert (taken.new, taken.unreadable) == (2, 1)


def test_the_last_state_of_everything_is_kept() -> None:
    with Memory() as memory:
        memory.take([
            event(1, kind="incident.opened", incident_id="i", revision=1, phase="open"),
            event(3, kind="incident.closed", incident_id="i", revision=3, phase="resolved"),
            event(2, kind="incident.updated", incident_id="i", revision=2, phase="open"),
            event(4, kind="rollcall.started", rollcall_id="r"),
            event(5, kind="rollcall.answered", rollcall_id="r", unit_id="u", revision=1),
        ])  # fmt: skip
        memory.take_state(SOURCE, "incident", "i", {"incident_id": "i", "revision": 2, "phase": "open"})
        assert memory.snapshots("incident")["i"]["phase"] == "resolved"
        assert memory.snapshots("rollcall")["r"]["verb"] == "started"
        assert list(memory.snapshots("rollcall_line")) == ["r/u"]
        ((source, key, _),) = memory.snapshot("incident", "i")
        assert (source, key) == (SOURCE, "i")


def test_a_batch_that_cannot_be_kept_changes_nothing(tmp_path: Path) -> None:
    with Memory(tmp_path / "watch.db") as memory:
        memory.take([event(1)])
        memory._db.conn.execute("PRAGMA query_only = ON")
        with pytest.raises(MemoryUnavailable, match="cannot be used"):
            memory.take([event(2), event(5)])
        memory._db.conn.execute("PRAGMA query_only = OFF")
        assert missing(memory) == []
        assert memory.take([event(2), event(5)]).new == 2
        assert missing(memory) == [(3, 4)]


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "watch.db"
    path.write_text("these are no tables" * 100)
    with pytest.raises(MemoryUnavailable, match=r"watch\.db"):
        Memory(path)


@pytest.mark.parametrize(
    ("root", "filters", "is_whole"),
    [
        ("rg/v1/#", ("rg/v1/+/+/+/evt/#", "rg/v1/+/+/+/state/#"), True),
        ("rg/v1/gz/#", ("rg/v1/gz/+/+/evt/#", "rg/v1/gz/+/+/state/#"), True),
        ("rg/v1/gz/tianhe/shipai", ("rg/v1/gz/tianhe/shipai/evt/#", "rg/v1/gz/tianhe/shipai/state/#"), True),
        ("rg/v1/+/+/shipai/#", ("rg/v1/+/+/shipai/evt/#", "rg/v1/+/+/shipai/state/#"), True),
        ("#", ("rg/v1/+/+/+/evt/#", "rg/v1/+/+/+/state/#"), True),
        ("rg/v1/gz/tianhe/shipai/evt/#", ("rg/v1/gz/tianhe/shipai/evt/#",), True),
        ("rg/v1/gz/+/+/evt/incident/#", ("rg/v1/gz/+/+/evt/incident/#",), False),
    ],
)
def test_a_root_says_what_is_followed(root: str, filters: tuple[str, ...], *, is_whole: bool) -> None:
    scope = scope_of(root)
    assert (scope.filters, scope.is_whole) == (filters, is_whole)


@pytest.mark.parametrize(
    "root",
    ["rg/v2/#", "radio/#", "rg/v1", "rg/v1/gz", "rg/v1/GZ/#", "rg/v1/gz/#/x", "", "$share/a/rg/v1/#",
     "rg/v1/gz/tianhe/shipai/cmd/#", "rg/v1/天河/#"],
)  # fmt: skip
def test_a_root_on_which_nothing_can_come_is_refused(root: str) -> None:
    with pytest.raises(UsageError, match="--root"):
        scope_of(root)


def test_topics_and_sources_name_the_same_gateway() -> None:
    assert root_of(SOURCE) == "rg/v1/gz/tianhe/shipai"
    assert source_of("rg/v1/gz/tianhe/shipai/evt/incident/opened") == SOURCE
    assert source_of("other/v1/gz/tianhe/shipai/evt") is None
    assert root_of("urn:else") is None


def test_ranges_are_written_shortly() -> None:
    assert ranges_in_words([(3, 5), (9, 9)]) == "3-5, 9"
    assert ranges_in_words([(k, k) for k in range(9)]).endswith("3, 4, …")
