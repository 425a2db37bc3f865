"""One rule for every cell that a spreadsheet may open: it begins no formula, and the words come back."""

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Unit
from gateway.spreadsheet import as_meant, harmless
from gateway.understand.registry import parse_units_csv, units_to_csv
from gateway.watch.lines import COLUMNS, csv_line

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
CELLS = st.one_of(st.text(), st.builds("".join, st.lists(st.sampled_from(["'", " ", "　", *DANGEROUS, "a"]))))


@given(CELLS)
def test_no_cell_begins_a_formula_and_the_words_come_back(words: str) -> None:
    cell = harmless(words)
    assert not cell.lstrip(" \u00a0\u3000").startswith(DANGEROUS)
    assert as_meant(cell) == words


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_registry_goes_out_harmless_and_comes_back_as_it_was(start: str) -> None:
    evil = f'{start}HYPERLINK("http://x";"收到")'
    unit = replace(
        Unit("u1", "金穗花园", unit_class="C", lat=23.1, lon=-13.5), name=evil, aliases=("+1",),
        street=evil, phone="+8613800000000", leader=evil, callsign="-7",
    )  # fmt: skip
    text = units_to_csv((unit,))
    cells = list(csv.reader(io.StringIO(text)))[1]
    numbers = {"-13.5"}
    assert [cell for cell in cells if cell.startswith(DANGEROUS) and cell not in numbers] == []
    assert parse_units_csv(text.encode(), "units.csv") == (unit,)


def test_a_watched_event_goes_out_harmless() -> None:
    line = csv_line({"type": "=1", "subject": "@x", "data": {"text": "=cmd|' /C calc'!A0", "radio": "\t-1"}})
    cells = next(csv.reader([line]))
    assert len(cells) == len(COLUMNS)
    assert [cell for cell in cells if cell.startswith(DANGEROUS)] == []
