import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.understand.alignment import align_phones, align_text
from tests.support.phone_evidence import evidence


def test_like_syllables_stand_side_by_side() -> None:
    pairs = align_text("华夏B区", "华厦避区")
    assert [(p.name, p.heard) for p in pairs] == [("华", "华"), ("夏", "厦"), ("B", "避"), ("区", "区")]
    assert pairs[0].cost == 0.0
    assert pairs[2].name_sound == "B"
    assert pairs[2].heard_sound == "bi"
    assert pairs[2].cost == 0.0


def test_what_was_left_out_and_put_in_has_nothing_beside_it() -> None:
    assert [(p.name, p.heard) for p in align_text("跑马场", "马场")] == [
        ("跑", ""),
        ("马", "马"),
        ("场", "场"),
    ]
    assert [(p.name, p.heard) for p in align_text("马场", "马嗯场")] == [
        ("马", "马"),
        ("", "嗯"),
        ("场", "场"),
    ]


@given(st.text("华夏区学校0A,", max_size=8), st.text("花下去雪小3B,", max_size=8))
def test_nothing_is_lost_in_between(name: str, heard: str) -> None:
    pairs = align_text(name, heard)
    assert "".join(p.name for p in pairs if p.name) == "".join(c for c in name if c != ",")
    assert "".join(p.heard for p in pairs if p.heard) == "".join(c for c in heard if c != ",")


def test_phones_are_found_when_they_were_said() -> None:
    heard = evidence("指挥中心，我是枫林书店，听到请回答")
    aligned = align_phones("枫林书店", heard, (1.0, 3.0))

    assert [one.phone for one in aligned] == ["f", "eng", "l", "in", "sh", "u", "d", "ian"]
    assert all(one.loss_nats < 0.1 and one.instead is None for one in aligned)
    starts = [one.start_s for one in aligned]
    assert starts == sorted(starts)
    assert 1.0 < starts[0] < starts[-1] < 3.0


def test_another_phone_is_told_as_what_was_heard_instead() -> None:
    heard = evidence("我是枫林书店，听到", confused={"l": "n"}, doubt=3.0)
    (lateral,) = (one for one in align_phones("枫林书店", heard, (0.3, 1.8)) if one.phone == "l")
    assert lateral.instead == "n"
    assert lateral.loss_nats == pytest.approx(3.0, abs=0.8)


def test_a_stretch_too_short_for_the_name_gives_nothing() -> None:
    heard = evidence("我")
    assert (
        align_phones("枫林书店最小应急单元枫林书店最小应急单元枫林书店最小应急单元", heard, (0.0, 0.1)) == ()
    )
    assert align_phones("枫林书店", heard, (99.0, 99.5)) == ()
