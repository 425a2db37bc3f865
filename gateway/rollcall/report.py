"""The register of a roll-call (登记表) from its events. Pure.

The newest event of each unit counts. Columns nobody can fill yet stay empty; they are there because the paper
form has them and people sort by position.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.events import CloudEvent, RollcallFinished, RollcallItem, RollcallStarted
from gateway.model import Unit

COLUMNS: Final = (
    "序号", "日期", "演练编号", "类型", "指挥室", "单元名称",
    "呼号", "单元类别", "第一次呼叫时间", "呼叫次数", "应答时间", "应答用时(秒)",
    "应答原话", "在岗人数(应到/实到)", "装备情况", "报告位置", "到场时间", "到场用时(秒)",
    "1-3-5达标", "联动应答单元数", "报告要素完整性", "结果", "存在问题", "录音编号",
    "识别置信度", "人工复核人",
)  # fmt: skip
KINDS: Final = {"rollcall": "点名", "drill": "拉动"}
OUTCOMES: Final = {
    "answered": "已应答",
    "answered_late": "迟答",
    "answered_by_other": "他人代答",
    "unreadable": "听不清(待复核)",
    "no_answer": "未应答",
    "not_observed": "未观测",
    "excused": "放假/停用",
    "cancelled": "已取消",
    None: "进行中",
}
ELEMENTS: Final = {
    "unit": "单元名称",
    "headcount": "在岗人数",
    "situation": "情况",
    "equipment": "装备",
    "position": "位置",
}
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class Record:
    """One roll-call as its events tell it; `finished` is None while it goes on or when nobody ended it."""

    started: RollcallStarted
    finished: RollcallFinished | None
    items: tuple[RollcallItem, ...]


def read_records(events: Iterable[CloudEvent]) -> list[Record]:
    """Put roll-calls together from their events, which come in order; those without a beginning are left out.

    A roll-call whose beginning was pruned is not shown in half: its figures would be wrong.
    """
    started: dict[str, RollcallStarted] = {}
    finished: dict[str, RollcallFinished] = {}
    items: dict[str, dict[str, RollcallItem]] = {}
    for event in events:
        if event.kind == "rollcall.started":
            begun = RollcallStarted.model_validate(event.data)
            started[begun.rollcall_id] = begun
        elif event.kind == "rollcall.finished":
            over = RollcallFinished.model_validate(event.data)
            finished[over.rollcall_id] = over
        elif event.kind.startswith("rollcall."):
            item = RollcallItem.model_validate(event.data)
            of_rollcall = items.setdefault(item.rollcall_id, {})
            known = of_rollcall.get(item.unit_id)
            if known is None or item.revision >= known.revision:
                of_rollcall[item.unit_id] = item
    return [
        Record(begun, finished.get(rollcall_id), tuple(items.get(rollcall_id, {}).values()))
        for rollcall_id, begun in started.items()
    ]


def register_csv(record: Record, units: Mapping[str, Unit], command_post: str) -> str:
    """Write the register as CSV with COLUMNS, one line a unit.

    Starts with a byte-order mark, without which spreadsheets misread Chinese. What was said on the air is
    anybody's, so no cell can begin a formula.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for number, item in enumerate(record.items, start=1):
        row = _row(number, item, record, units.get(item.unit_id), command_post)
        writer.writerow([harmless(cell) for cell in row])
    return "\ufeff" + file.getvalue()


def harmless(cell: str) -> str:
    """A cell that a spreadsheet shows and never calculates."""
    return "'" + cell if cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell


def _row(number: int, item: RollcallItem, record: Record, unit: Unit | None, post: str) -> Sequence[str]:
    problems = [*item.reasons, *item.review.reasons]
    if item.answered_by is not None:
        problems.append(f"answered_by:{item.answered_by}")
    return (
        str(number),
        record.started.started_at.strftime("%Y-%m-%d"),
        item.rollcall_id,
        KINDS[record.started.kind],
        post,
        item.unit_name or (unit.name if unit else item.unit_id),
        unit.callsign if unit else "",
        unit.unit_class if unit else "",
        _time(item.first_called_at),
        str(item.call_count),
        _time(item.answered_at),
        _seconds(item.answer_latency_s),
        item.text,
        _headcount(item, unit),
        "已报告" if item.report_complete.get("equipment") else "",
        "已报告" if item.report_complete.get("position") else "",
        "",
        "",
        "",
        "",
        _completeness(item),
        OUTCOMES[item.outcome],
        "; ".join(problems),
        item.transmission_id or "",
        "" if item.confidence is None else f"{item.confidence:.2f}",
        "",
    )


def _headcount(item: RollcallItem, unit: Unit | None) -> str:
    present, expected = item.headcount.present, item.headcount.expected
    if present is None:
        return ""
    if expected is None and unit is not None:
        expected = unit.duty_headcount
    return f"{'' if expected is None else expected}/{present}"


def _completeness(item: RollcallItem) -> str:
    """Which elements were given, out of how many; empty when nobody answered."""
    if not item.report_complete:
        return ""
    given = [word for element, word in ELEMENTS.items() if item.report_complete.get(element)]
    return f"{len(given)}/{len(ELEMENTS)} {'、'.join(given)}".strip()


def _time(at: datetime | None) -> str:
    return "" if at is None else at.strftime("%H:%M:%S")


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
