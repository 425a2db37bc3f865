"""The register of roll-calls and drills (拉动登记表): its columns, its words, and it as CSV. Pure.

Columns nobody can fill yet stay empty; they are there because the paper form has them and people sort by
position.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.events import Reviewed
from gateway.reviewwords import NO_NAMES, CodeNames, hindrance_in_words, reason_in_words
from gateway.rollcall.record import Entry, Record
from gateway.spreadsheet import harmless

COLUMNS: Final = (
    "序号", "日期", "演练编号", "类型", "指挥室", "单元名称",
    "呼号", "单元类别", "第一次呼叫时间", "呼叫次数", "应答时间", "应答用时(秒)",
    "应答原话", "在岗人数(应到/实到)", "装备情况", "报告位置", "到场时间", "到场用时(秒)",
    "1-3-5达标", "联动应答单元数", "报告要素完整性", "结果", "存在问题", "录音编号",
    "识别置信度", "人工复核人",
)  # fmt: skip
WIDTHS: Final[dict[str, float]] = {
    "序号": 5, "日期": 13, "演练编号": 15, "类型": 6, "指挥室": 11, "单元名称": 20, "呼号": 7,
    "单元类别": 6, "第一次呼叫时间": 12, "呼叫次数": 6, "应答时间": 12, "应答用时(秒)": 9, "应答原话": 30,
    "在岗人数(应到/实到)": 11, "装备情况": 9, "报告位置": 14, "到场时间": 12, "到场用时(秒)": 9,
    "1-3-5达标": 8, "联动应答单元数": 9, "报告要素完整性": 18, "结果": 13, "存在问题": 24, "录音编号": 15,
    "识别置信度": 8, "人工复核人": 16,
}  # fmt: skip
"""How wide each column is, in the characters of a spreadsheet."""
KINDS: Final = {"rollcall": "点名", "drill": "拉动"}
MODES: Final = {"conducted": "自动呼叫", "listened": "人工呼叫(旁听)"}
ENDS: Final = {
    "closed": "正常结束",
    "superseded": "被新的点名取代",
    "fell_silent": "无人继续",
    "cancelled": "已取消",
}
REACHES: Final = {"point": "一点呼叫", "line": "一线响应", "area": "一片集结"}
GRADES: Final = (
    ("self_rescue_60s", "1 分钟自救"),
    ("mutual_aid_180s", "3 分钟互救"),
    ("reinforcement_300s", "5 分钟增援"),
)
ROLES: Final = {"point": "点(被呼单元)", "line": "线(邻近单元)", "area": "片(增援单元)"}
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
ARRIVALS: Final = {
    "arrived": "按时到场",
    "arrived_late": "超时到场",
    "arrived_ungraded": "到场(不计时)",
    "not_reported": "未报到场",
    "not_observed": "到场未观测",
    "unreadable": "到场待复核",
    "excused": "",
    "cancelled": "",
    None: "",
}
ELEMENTS: Final = {
    "unit": "单元名称",
    "headcount": "在岗人数",
    "situation": "情况",
    "equipment": "装备",
    "position": "位置",
}
FIELDS: Final = {
    "outcome": "结果",
    "present": "实到人数",
    "answer_latency_s": "应答用时(秒)",
    "arrival": "到场",
    "review": "待复核",
}


@dataclass(frozen=True, slots=True)
class Form:
    """One roll-call or drill as reports show it.

    `post` is the command post's name, `names` what people call the codes that reasons are about.
    """

    record: Record
    entries: tuple[Entry, ...]
    post: str
    names: CodeNames = NO_NAMES


def register_csv(forms: Iterable[Form]) -> str:
    """Write the register as CSV with COLUMNS, one line a unit, one roll-call below the other.

    Starts with a byte-order mark, without which spreadsheets misread Chinese. What was said on the air is
    anybody's, so no cell can begin a formula.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows_of(forms):
        writer.writerow([harmless(cell) for cell in row])
    return "\ufeff" + file.getvalue()


def rows_of(forms: Iterable[Form]) -> list[Sequence[str]]:
    """The cells of every line, in the order of COLUMNS, numbered through."""
    lines = [(form, entry) for form in forms for entry in form.entries]
    return [_row(number, entry, form) for number, (form, entry) in enumerate(lines, start=1)]


def _row(number: int, entry: Entry, form: Form) -> Sequence[str]:
    unit, record = entry.unit, form.record
    return (
        str(number),
        record.started_at.strftime("%Y-%m-%d"),
        record.record_id,
        KINDS[record.kind],
        form.post,
        entry.name,
        unit.callsign if unit else "",
        entry.unit_class,
        time_of(entry.first_called_at),
        str(entry.call_count),
        time_of(entry.answered_at),
        seconds(entry.answer_latency_s),
        entry.text,
        headcount_of(entry),
        "已报告" if entry.report_complete.get("equipment") else "",
        entry.position or ("已报告" if entry.report_complete.get("position") else ""),
        time_of(entry.arrived_at),
        seconds(entry.arrive_latency_s),
        grade_of(entry),
        "" if entry.linked_units is None else str(entry.linked_units),
        completeness(entry),
        OUTCOMES[entry.outcome],
        "; ".join(problems_of(entry, form.names)),
        entry.transmission_id or "",
        "" if entry.confidence is None else f"{entry.confidence:.2f}",
        "; ".join(f"{one.by} {one.at:%Y-%m-%d %H:%M}" for one in entry.reviewed),
    )


def grade_of(entry: Entry) -> str:
    """Whether a unit was there within its minutes; empty in a roll-call."""
    if entry.in_time is not None:
        return "达标" if entry.in_time else "未达标"
    return "" if entry.arrival in {None, "excused", "cancelled"} else "未判定"


def problems_of(entry: Entry, names: CodeNames = NO_NAMES) -> list[str]:
    """What a person should know about a line, reviews included."""
    told = [hindrance_in_words(reason, names) for reason in entry.hindrances]
    told += [reason_in_words(reason, names) for reason in entry.problems]
    if entry.answered_by is not None:
        told.append(f"代答单元 {entry.answered_by}")
    if entry.arrival in {"arrived_late", "not_reported"}:
        told.append(ARRIVALS[entry.arrival])
    return list(dict.fromkeys([*told, *(f"复核: {trace_of(one, names)}" for one in entry.reviewed)]))


def trace_of(reviewed: Reviewed, names: CodeNames = NO_NAMES) -> str:
    """What a review changed, in words: 结果 听不清 → 已应答."""
    steps = [
        f"{FIELDS.get(change.field, change.field)} {value_of(change.field, change.old, names)}"
        f"→{value_of(change.field, change.new, names)}"
        for change in reviewed.changes
    ]
    return "、".join([*steps, *([reviewed.note] if reviewed.note else [])]) or "无变化"


def value_of(field: str, value: str | None, names: CodeNames = NO_NAMES) -> str:
    """A value of a review in the words of the form."""
    if value is None:
        return "无"
    if field == "review":
        return ", ".join(reason_in_words(reason, names) for reason in value.split("; "))
    words = {"outcome": OUTCOMES, "arrival": ARRIVALS}.get(field, {})
    return str(words.get(value, value))


def headcount_of(entry: Entry) -> str:
    """应到/实到; what is required comes from the registry when it was not said."""
    if entry.present is None:
        return ""
    return f"{'' if entry.expected is None else entry.expected}/{entry.present}"


def completeness(entry: Entry) -> str:
    """Which elements were given, out of how many; empty when nobody answered."""
    if not entry.report_complete:
        return ""
    given = [word for element, word in ELEMENTS.items() if entry.report_complete.get(element)]
    return f"{len(given)}/{len(ELEMENTS)} {'、'.join(given)}".strip()


def time_of(at: datetime | None) -> str:
    """The time of day, empty for none."""
    return "" if at is None else at.strftime("%H:%M:%S")


def seconds(value: float | None) -> str:
    """Seconds with one decimal, empty for none."""
    return "" if value is None else f"{value:.1f}"
