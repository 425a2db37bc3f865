"""The register as an Excel workbook: the form, the scores, and what people reviewed. Pure.

Text is written as text: what was said on the air never becomes a formula.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Final

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from gateway.rollcall.record import Entry
from gateway.rollcall.report import (
    ARRIVALS,
    COLUMNS,
    OUTCOMES,
    WIDTHS,
    Form,
    rows_of,
    time_of,
    trace_of,
)
from gateway.spreadsheet import harmless

_NUMBERS: Final = frozenset(
    {"序号", "呼叫次数", "应答用时(秒)", "到场用时(秒)", "联动应答单元数", "识别置信度"}
)
_SCORES: Final = (
    "演练编号", "单元编号", "单元名称", "街道", "单元类别", "结果", "到场", "应答用时(秒)", "得分", "满分",
    "百分制", "录音文件",
)  # fmt: skip
_REVIEWS: Final = ("演练编号", "单元名称", "复核时间", "复核人", "修改内容", "备注")
_HEAD: Final = PatternFill("solid", fgColor="1F4E79")
_TINTS: Final = {
    "no_answer": PatternFill("solid", fgColor="F8D7DA"),
    "unreadable": PatternFill("solid", fgColor="FFF3CD"),
    "answered_late": PatternFill("solid", fgColor="FFF3CD"),
    "not_observed": PatternFill("solid", fgColor="E2E3E5"),
}
_SIDE: Final = Side(style="thin", color="BFBFBF")
_THIN: Final = Border(left=_SIDE, right=_SIDE, top=_SIDE, bottom=_SIDE)
_WRAPPED: Final = frozenset({"应答原话", "存在问题", "报告要素完整性", "人工复核人"})
_WRAP: Final = Alignment(vertical="top", wrap_text=True)
_LINK: Final = Font(color="0563C1", underline="single")
_MOST_CHARS: Final = 32_000
"""A little below what a cell may hold."""


def workbook(forms: Sequence[Form], links: Mapping[str, str]) -> bytes:
    """Write the workbook.

    Args:
        forms: roll-calls and drills.
        links: where each transmission's recording is, seen from where the workbook will lie.
    """
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    _register(sheet, forms, links)
    _scores(book.create_sheet("评分"), forms, links)
    _reviews(book.create_sheet("复核记录"), forms)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _register(sheet: Worksheet, forms: Sequence[Form], links: Mapping[str, str]) -> None:
    sheet.title = "拉动登记表"
    _heading(sheet, COLUMNS, [WIDTHS[name] for name in COLUMNS])
    entries = [entry for form in forms for entry in form.entries]
    for number, (row, entry) in enumerate(zip(rows_of(forms), entries, strict=True), start=2):
        for column, (name, text) in enumerate(zip(COLUMNS, row, strict=True), start=1):
            cell = _cell(sheet, number, column)
            if name in _NUMBERS and text:
                cell.value = float(text) if "." in text else int(text)
            else:
                _write(cell, text)
            if name in _WRAPPED and text:
                cell.alignment = _WRAP
            if name == "录音编号":
                _link(cell, links.get(entry.transmission_id or ""))
            if name == "结果" and entry.outcome in _TINTS:
                cell.fill = _TINTS[entry.outcome]
    sheet.freeze_panes = "G2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(COLUMNS))}{len(entries) + 1}"
    _print_setup(sheet)


def _scores(sheet: Worksheet, forms: Sequence[Form], links: Mapping[str, str]) -> None:
    _heading(sheet, _SCORES, [15, 12, 20, 14, 8, 13, 12, 10, 8, 8, 8, 40])
    number = 1
    for form in forms:
        for entry in form.entries:
            number += 1
            _score_row(sheet, number, form, entry, links.get(entry.transmission_id or ""))
    sheet.freeze_panes = "A2"
    _print_setup(sheet)


def _score_row(sheet: Worksheet, number: int, form: Form, entry: Entry, link: str | None) -> None:
    score = entry.score
    values: Sequence[str | float | None] = (
        form.record.record_id, entry.unit_id, entry.name, entry.street, entry.unit_class,
        OUTCOMES[entry.outcome], ARRIVALS[entry.arrival], entry.answer_latency_s,
        score.points if score else None, score.possible if score else None,
        round(score.percent, 1) if score else None, link or entry.audio or "",
    )  # fmt: skip
    for column, value in enumerate(values, start=1):
        cell = _cell(sheet, number, column)
        if isinstance(value, str):
            _write(cell, value)
        else:
            cell.value = value
    _link(sheet.cell(number, len(_SCORES)), link)


def _reviews(sheet: Worksheet, forms: Sequence[Form]) -> None:
    _heading(sheet, _REVIEWS, [15, 20, 20, 12, 50, 40])
    number = 1
    for form in forms:
        for entry in form.entries:
            for one in entry.reviewed:
                number += 1
                changed = trace_of(one.model_copy(update={"note": ""}))
                at = f"{one.at:%Y-%m-%d} {time_of(one.at)}"
                for column, text in enumerate(
                    (form.record.record_id, entry.name, at, one.by, changed, one.note), start=1
                ):
                    _write(_cell(sheet, number, column), text)
    sheet.freeze_panes = "A2"
    _print_setup(sheet)


def _heading(sheet: Worksheet, names: Sequence[str], widths: Sequence[float]) -> None:
    for column, (name, width) in enumerate(zip(names, widths, strict=True), start=1):
        cell = sheet.cell(1, column, name)
        cell.font = Font(bold=True, color="FFFFFF")
        cell.fill = _HEAD
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
        cell.border = _THIN
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.row_dimensions[1].height = 32


def _cell(sheet: Worksheet, row: int, column: int) -> Cell:
    cell = sheet.cell(row, column)
    assert isinstance(cell, Cell)
    return cell


def _write(cell: Cell, text: str) -> None:
    """Write text as text, whatever it begins with."""
    cell.value = harmless(ILLEGAL_CHARACTERS_RE.sub("", text))[:_MOST_CHARS]
    cell.data_type = "s"


def _link(cell: Cell | object, target: str | None) -> None:
    if target and isinstance(cell, Cell):
        cell.hyperlink = target
        cell.font = _LINK


def _print_setup(sheet: Worksheet) -> None:
    """A4 landscape, all columns on one page's width, the heading on every page."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = int(sheet.PAPERSIZE_A4)
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = "1:1"
    # Lines of the paper instead of a border for each cell, which takes a minute for a district.
    sheet.print_options.gridLines = True
    sheet.page_margins.left = sheet.page_margins.right = 0.3
    if sheet.oddFooter is not None and sheet.oddFooter.center is not None:
        sheet.oddFooter.center.text = "&P / &N"
