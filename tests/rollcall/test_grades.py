from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rollcall.grades import BIN_LABELS, Weights, bin_of, score, tally
from gateway.rollcall.sheet import Item

FULL_REPORT = {"position": True, "equipment": True}


def item(**given_: Any) -> Item:
    return Item(unit_id="u1", name="金穗花园", **given_)


@pytest.mark.parametrize(
    ("latency_s", "label"),
    [
        (None, None), (0.0, "0-30"), (30.0, "0-30"), (30.001, "30-60"), (60.0, "30-60"), (120.0, "60-120"),
        (180.0, "120-180"), (180.1, ">180"),
    ],
)  # fmt: skip
def test_bins(latency_s: float | None, label: str | None) -> None:
    assert bin_of(latency_s) == label


@pytest.mark.parametrize("outcome", [None, "unreadable", "not_observed", "excused", "cancelled"])
def test_what_says_nothing_about_a_unit_has_no_points(outcome: Any) -> None:
    assert score(item(outcome=outcome)) is None


def test_points() -> None:
    best = item(outcome="answered", answer_latency_s=12.0, present=3, report_complete=FULL_REPORT)
    assert score(best, required_headcount=3, arrived_in_time=True) == score(best, arrived_in_time=True)
    full = score(best)
    assert full is not None
    assert (full.points, full.possible, full.percent) == (80.0, 80.0, 100.0)
    few = score(best, required_headcount=4)
    assert few is not None
    assert few.points == 60.0
    silent = score(item(outcome="no_answer"))
    assert silent is not None
    assert (silent.points, silent.possible) == (0.0, 80.0)


def test_half_way_between_the_times_is_half_the_points() -> None:
    slow = score(item(outcome="answered", answer_latency_s=105.0))
    assert slow is not None
    assert slow.points == 30.0 + 10.0


def test_a_time_nobody_measured_is_left_out_of_both() -> None:
    unasked = score(item(outcome="answered", present=2, report_complete=FULL_REPORT))
    assert unasked is not None
    assert (unasked.points, unasked.possible) == (60.0, 60.0)


@given(st.floats(0, 400), st.floats(0, 400), st.none() | st.integers(0, 9), st.booleans())
def test_who_answers_sooner_never_has_less(a_s: float, b_s: float, present: int | None, late: bool) -> None:
    outcome = "answered_late" if late else "answered"
    fast, slow = (
        score(item(outcome=outcome, answer_latency_s=s, present=present)) for s in sorted((a_s, b_s))
    )
    assert fast is not None
    assert slow is not None
    assert 0 <= slow.points <= fast.points <= fast.possible


@pytest.mark.parametrize("wrong", [{"speed": -1.0}, {"no_speed_s": 10.0}, {"late_share": 2.0}])
def test_weights_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Weights(**wrong)


def test_a_tally_counts_every_bin() -> None:
    told = tally(
        [item(outcome="answered", answer_latency_s=40.0, present=3), item(outcome="no_answer"), item()]
    )
    assert told.outcomes == {"answered": 1, "no_answer": 1}
    assert told.bins == {**dict.fromkeys(BIN_LABELS, 0), "30-60": 1}
    assert told.present == 3
