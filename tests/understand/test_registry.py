import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BadInput
from gateway.model import Unit
from gateway.understand.registry import Registry, distance_m, parse_units_csv, units_to_csv

HEADER = "unit_id,name,aliases,unit_class,street,lat,lon,duty_headcount,state"
GOOD = "k1,枫林书店,书店|枫林,B,北坡街,23.1,113.2,4,active"


def csv_of(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join((header, *rows, "")).encode()


def faults_of(data: bytes) -> list[str]:
    with pytest.raises(BadInput) as caught:
        parse_units_csv(data, "u.csv")
    return str(caught.value).split("\n")


def test_reads_every_required_column() -> None:
    (unit,) = parse_units_csv(csv_of(GOOD), "u.csv")
    assert unit == Unit("k1", "枫林书店", ("书店", "枫林"), "B", "北坡街", 23.1, 113.2, 4, "active")


def test_reads_optional_columns_in_any_order() -> None:
    header = f"callsign,radio_id,{HEADER},neighbours,phone,leader"
    rows = [
        "洞五,dmr:77|mdc1200:12AB,k1,枫林书店,,B,,,,,holiday,k2,020-1,陈工",
        ",,k2,枫林小学,,A,,,,,disabled,,,",
    ]
    first, second = parse_units_csv(csv_of(*rows, header=header), "u.csv")
    assert (first.callsign, first.radio_ids, first.neighbours) == (
        "洞五",
        ("dmr:77", "mdc1200:12AB"),
        ("k2",),
    )
    assert (first.phone, first.leader, first.lat, first.duty_headcount) == ("020-1", "陈工", None, None)
    assert second.state == "disabled"


def test_byte_order_mark_crlf_and_blank_lines_are_accepted() -> None:
    data = b"\xef\xbb\xbf" + csv_of(GOOD, "").replace(b"\n", b"\r\n")
    assert len(parse_units_csv(data, "u.csv")) == 1


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        (",枫林,,B,,,,,active", "unit_id", "is empty"),
        ("a b,枫林,,B,,,,,active", "unit_id", "no space"),
        ("k2,,,B,,,,,active", "name", "is empty"),
        ("k2,枫林,,E,,,,,active", "unit_class", "A, B, C, D"),
        ("k2,枫林,,,,,,,active", "unit_class", "A, B, C, D"),
        ("k2,枫林,,B,,,,,放假", "state", "active, holiday, disabled"),
        ("k2,枫林,,B,,90.5,113,,active", "lat", "between -90 and 90"),
        ("k2,枫林,,B,,nan,113,,active", "lat", "between -90 and 90"),
        ("k2,枫林,,B,,23,-181,,active", "lon", "between -180 and 180"),
        ("k2,枫林,,B,,north,113,,active", "lat", "not a number"),
        ("k2,枫林,,B,,23,,,active", "lon", "neither"),
        ("k2,枫林,,B,,,,two,active", "duty_headcount", "whole number"),
        ("k2,枫林,,B,,,,-1,active", "duty_headcount", "whole number"),
        ("k2,枫林,,B", "street", "4 fields"),
        ("k2,枫林,,B,,,,,active,more", "state", "10 fields"),
        ("k1,枫林,,B,,,,,active", "unit_id", "already on line 2"),
    ],
)
def test_a_bad_row_is_named_by_line_and_column(row: str, column: str, says: str) -> None:
    (fault,) = faults_of(csv_of(GOOD, row))
    assert fault.startswith(f"u.csv:3:{column}: ")
    assert says in fault


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("radio_id", "cb:12", "must be dmr:ID"),
        ("radio_id", "dmr:1", "already on line 2"),
        ("neighbours", "k9", "no unit 'k9'"),
        ("neighbours", "k2", "its own neighbour"),
    ],
)
def test_faults_in_optional_columns(column: str, value: str, says: str) -> None:
    first = "dmr:1" if column == "radio_id" else ""
    data = csv_of(f"{GOOD},{first}", f"k2,枫林,,B,,,,,active,{value}", header=f"{HEADER},{column}")
    (fault,) = faults_of(data)
    assert fault.startswith(f"u.csv:3:{column}: ")
    assert says in fault


def test_every_fault_is_told_at_once_and_in_order_of_lines() -> None:
    faults = faults_of(csv_of("k1,,,B,,,,,active", "k2,松,,Z,,,,,active", "k1,松,,B,,,,,gone"))
    assert [fault.split(":")[1:3] for fault in faults] == [
        ["2", "name"],
        ["3", "unit_class"],
        ["4", "state"],
        ["4", "unit_id"],
    ]


def test_faults_beyond_twenty_are_counted() -> None:
    faults = faults_of(csv_of(*(f"k{n},,,B,,,,,active" for n in range(25))))
    assert len(faults) == 21
    assert faults[-1] == "and 5 more"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b"\xff\xfeu\x00", "UTF-16"),
        (csv_of(GOOD, header=HEADER.replace("state", "status")), "unknown column"),
        (csv_of(GOOD, header=HEADER.replace(",state", "")), "missing from the header"),
        (csv_of(GOOD, header=f"{HEADER},state"), "there twice"),
        (csv_of(GOOD, header=HEADER.replace(",", ";")), "not separated by commas"),
        (csv_of('k1,"枫"林,,B,,,,,active'), "not readable as CSV"),
        (csv_of('k1,"枫\n林",,B,,,,,active'), "control character"),
    ],
)
def test_a_file_of_the_wrong_kind_says_so(data: bytes, says: str) -> None:
    faults = faults_of(data)
    assert any(says in fault for fault in faults), faults
    assert all(fault.startswith("u.csv:") for fault in faults)


def test_text_that_is_not_utf8_is_named_by_line_and_column() -> None:
    data = csv_of() + "k1,枫林书店,,B,,,,,active\n".encode("gbk")
    (fault,) = faults_of(data)
    assert fault == "u.csv:2:name: is not UTF-8; save the file as CSV UTF-8"


WORD = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), blacklist_characters="|"), max_size=8
).map(str.strip)
ID = st.text("abcXYZ019-_", min_size=1, max_size=6)
DEGREES = st.floats(-89.9, 89.9)


@st.composite
def registries(draw: st.DrawFn) -> tuple[Unit, ...]:
    ids = draw(st.lists(ID, unique=True, max_size=5))
    units = []
    for number, unit_id in enumerate(ids):
        lat, lon = draw(st.one_of(st.just((None, None)), st.tuples(DEGREES, DEGREES)))
        units.append(
            Unit(
                unit_id=unit_id,
                name=draw(WORD.filter(bool)),
                aliases=tuple(draw(st.lists(WORD.filter(bool), unique=True, max_size=3))),
                unit_class=draw(st.sampled_from("ABCD")),
                street=draw(WORD),
                lat=lat,
                lon=lon,
                duty_headcount=draw(st.none() | st.integers(0, 9999)),
                state=draw(st.sampled_from(("active", "holiday", "disabled"))),
                callsign=draw(WORD),
                radio_ids=tuple(
                    draw(st.sampled_from(((), (f"dmr:{number}",), (f"dtmf:{number}*", f"dmr:{number}"))))
                ),
                neighbours=tuple(draw(st.lists(st.sampled_from(ids), unique=True, max_size=3))),
                phone=draw(WORD),
                leader=draw(WORD),
            )
        )
    return tuple(replace(u, neighbours=tuple(n for n in u.neighbours if n != u.unit_id)) for u in units)


@given(registries())
def test_what_is_written_is_read_back_equal(units: tuple[Unit, ...]) -> None:
    assert parse_units_csv(units_to_csv(units).encode(), "u.csv") == units


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_words(data: bytes) -> None:
    said = ""
    try:
        parse_units_csv(csv_of() + data, "u.csv")
    except BadInput as refused:
        said = str(refused)
    assert all(line.startswith(("u.csv:", "and ")) for line in said.split("\n") if line)


def place(unit_id: str, lat: float, **more: object) -> Unit:
    return Unit(unit_id, f"站点{unit_id}", unit_class="A", lat=lat, lon=113.0, **more)  # type: ignore[arg-type]


def test_look_ups() -> None:
    shop = Unit("k1", "枫林书店最小应急单元", ("枫林",), callsign="洞五", radio_ids=("dmr:7",))
    registry = Registry((shop, Unit("k2", "枫林小学", state="holiday")))
    assert registry.get("k1") is shop
    assert registry.get("zz") is None
    assert [registry.named(n) for n in ("枫林书店", "枫林", "洞五", "05")] == [(shop,)] * 4
    assert registry.named("不在册") == ()
    assert registry.with_radio_id("dmr:7") is shop
    assert registry.active() == (shop,)
    assert (len(registry), "k2" in registry, next(iter(registry))) == (2, True, shop)


def test_two_units_with_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="unit_id"):
        Registry((Unit("k1", "甲"), Unit("k1", "乙")))


def test_neighbours_are_the_nearest_active_ones() -> None:
    units = (place("a", 23.0), place("far", 23.9), place("near", 23.1), place("off", 23.05, state="holiday"))
    registry = Registry((*units, Unit("lost", "无坐标")))
    assert [u.unit_id for u in registry.neighbours("a")] == ["near", "far"]
    assert [u.unit_id for u in registry.neighbours("a", n=1)] == ["near"]
    assert registry.neighbours("lost") == ()
    with pytest.raises(KeyError):
        registry.neighbours("zz")


def test_listed_neighbours_win_over_distance() -> None:
    registry = Registry(
        (
            place("a", 23.0, neighbours=("far", "off")),
            place("far", 23.9),
            place("near", 23.1),
            place("off", 23.2, state="disabled"),
        )
    )
    assert [u.unit_id for u in registry.neighbours("a")] == ["far"]


def test_a_degree_of_latitude_is_111_km() -> None:
    assert math.isclose(distance_m(23, 113, 24, 113), 111_195, rel_tol=1e-3)
    assert distance_m(0, 179.9, 0, -179.9) < 23_000
