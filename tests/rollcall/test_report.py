"""The register: from a roll-call heard on the air to the lines of the form, in every kind of file."""

import asyncio
import csv
import io
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from gateway import recordroom, station
from gateway.cli.main import main
from gateway.clock import SystemClock
from gateway.errors import UsageError
from gateway.events import CloudEvent
from gateway.model import Unit
from gateway.reviewwords import HINDRANCES, REASONS
from gateway.rollcall.page import page
from gateway.rollcall.record import entries_of, read_records
from gateway.rollcall.report import COLUMNS, Form, register_csv
from gateway.rollcall.review import Finding
from gateway.rollcall.workbook import workbook
from gateway.spreadsheet import harmless
from gateway.store.store import Store

UNITS = {"u1": Unit("u1", "金穗花园", unit_class="C", street="石牌街道", callsign="04", duty_headcount=4)}
CONFIG = """
[gateway]
org = "a"
district = "b"
id = "c"
command_post = "指挥室"
data_dir = "data"

[units]
csv = "units.csv"

[mqtt]
url = "mqtt://127.0.0.1:1883"

[rollcall.score]
answered = 50

[[radio]]
id = "ch1"
source = { kind = "wavefile", path = "call.wav", pace = "fast" }
"""
EVIL = '=HYPERLINK("http://x","收到")<script>alert(1)</script>,金穗花园收到,在岗3人,一切正常,装备齐全'


async def a_rollcall(air: Any, words: str = "金穗花园收到,在岗3人,一切正常,装备齐全") -> None:
    await air.say("各单元注意,现在开始点名")
    await air.say("指挥中心呼叫金穗花园,听到请回答")
    await air.say(words, after_s=4.0)
    await air.say("指挥中心呼叫棠东小学,听到请回答")
    await air.say("指挥中心呼叫五山市场,听到请回答", after_s=30.0)
    await air.say("啊吧啊吧", after_s=3.0, failure="the recogniser failed")
    await air.say("点名结束", after_s=30.0)


def lines_of(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_form_is_filled_in(on_air: Any) -> None:
    async def scene(air: Any) -> None:
        await a_rollcall(air)
        (record,) = read_records(air.events)
        form = Form(record, entries_of(record, UNITS), "指挥室")
        first, second, third = lines_of(register_csv([form]))

        assert tuple(first) == COLUMNS
        told = {name: first[name] for name in ("序号", "类型", "指挥室", "单元名称", "呼号", "单元类别")}
        assert list(told.values()) == ["1", "点名", "指挥室", "金穗花园", "04", "C"]
        assert (first["呼叫次数"], first["应答用时(秒)"], first["结果"]) == ("1", "4.0", "已应答")
        assert first["在岗人数(应到/实到)"] == "4/3"
        assert first["报告要素完整性"] == "4/5 单元名称、在岗人数、情况、装备"
        assert first["录音编号"] == air.last("u1")["transmission_id"]
        assert (second["单元名称"], second["结果"], second["应答用时(秒)"]) == ("棠东小学", "未应答", "")
        assert (third["结果"], third["存在问题"]) == ("听不清(待复核)", "听不清")

    on_air(scene)


@given(st.text())
def test_no_cell_is_a_formula(said: str) -> None:
    cell = harmless(said)
    assert cell.lstrip(" ")[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}
    assert cell.endswith(said)


@pytest.fixture
def config(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, on_air: Any) -> Path:
    """A station that has followed two roll-calls, the first with words made to do harm."""

    async def scene(air: Any) -> None:
        await a_rollcall(air, EVIL)
        air.clock.advance(86_400)
        await a_rollcall(air)

    heard = tmp_path_factory.getbasetemp() / "heard-once"
    if not heard.exists():
        on_air(scene)
        heard.mkdir()
        for kept in tmp_path.glob("gateway.db*"):
            shutil.copy(kept, heard / kept.name)
    folder = tmp_path / "station"
    shutil.copytree(heard, folder / "data")
    (folder / "gateway.toml").write_text(CONFIG, encoding="utf-8")
    header = "unit_id,name,aliases,unit_class,street,lat,lon,duty_headcount,state\n"
    rows = "u1,金穗花园,,C,石牌街道,,,4,active\nu2,棠东小学,,A,棠下街道,,,2,active\n"
    rows += "u3,五山市场,,D,棠下街道,,,2,active\n"
    (folder / "units.csv").write_text(header + rows, encoding="utf-8")
    station.import_units(folder / "gateway.toml", folder / "units.csv")
    return folder / "gateway.toml"


def run(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as end:
        main([*arguments])
    return end.value.code


def test_from_the_command_line(config: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    record = recordroom.read_all(config)[-1]
    for arguments in (["list"], ["show"], ["show", record.record_id], ["report"]):
        assert run("rollcall", *arguments, "-c", str(config)) == 0
        assert "未应答" in capfd.readouterr().out
    assert run("rollcall", "report", "-c", str(config), "-o", str(tmp_path / "register.csv")) == 0
    assert len(lines_of((tmp_path / "register.csv").read_bytes().decode())) == 3
    assert run("rollcall", "report", "-c", str(config), "--format", "xlsx") == 64
    assert run("rollcall", "report", "-c", str(config), "-o", str(tmp_path / "register.pdf")) == 64
    assert "a report is one of xlsx, csv, html" in capfd.readouterr().err
    assert not (tmp_path / "register.pdf").exists()
    assert run("drill", "list", "-c", str(config)) == 0


def test_a_rollcall_that_is_not_there_is_said(config: Path) -> None:
    with pytest.raises(UsageError, match="rollcall list"):
        recordroom.read_form(config, "nonsense")
    with pytest.raises(UsageError, match="drill list"):
        recordroom.read_form(config, None, drills_only=True)


def test_a_day_is_one_file(config: Path) -> None:
    first, second = recordroom.read_all(config)
    day = first.started_at.astimezone().date()

    lines = lines_of(recordroom.write_report(config, None, "csv", Path(), day=day).decode())

    assert {line["演练编号"] for line in lines} == {first.record_id} != {second.record_id}
    with pytest.raises(UsageError, match="1999"):
        recordroom.write_report(config, None, "csv", Path(), day=day.replace(year=1999))


def test_every_reason_is_told_in_the_words_of_the_form(config: Path) -> None:
    form = recordroom.read_form(config, None)
    about = (*(f"{code}:FIRE|倒地" for code in REASONS), "gist:FIRE", "heard:POLICE")
    line = replace(form.entries[0], hindrances=tuple(HINDRANCES), problems=about, answered_by="棠东小学")
    form = replace(form, entries=(line,))

    (cells,) = lines_of(register_csv([form]))
    told = cells["存在问题"].split("; ")
    assert len(told) > len(REASONS)
    assert not re.search("[a-z]+_[a-z]+|[{}|]", cells["存在问题"])
    assert {"警情类型按整段话判断: 火灾", "录音中听到、文字中没有: 公安", "代答单元 棠东小学"} <= set(told)
    sheet = load_workbook(io.BytesIO(workbook([form], {}))).active
    assert cells["存在问题"] in {cell.value for row in sheet.iter_rows() for cell in row}
    assert cells["存在问题"] in Page(page([form], {}, {}, SystemClock().now())).words


def test_who_answered_for_another_is_named(on_air: Any) -> None:
    async def scene(air: Any) -> None:
        await air.say("各单元注意,现在开始点名")
        await air.say("指挥中心呼叫金穗花园,听到请回答")
        await air.say("棠东小学代金穗花园报告,金穗花园在岗3人,一切正常", after_s=4.0)
        await air.say("点名结束", after_s=30.0)
        (record,) = read_records(air.events)
        other = {**UNITS, "u2": Unit("u2", "棠东小学")}
        told = lines_of(register_csv([Form(record, entries_of(record, other), "指挥室")]))
        (line,) = [one for one in told if one["单元名称"] == "金穗花园"]
        assert "代答单元 棠东小学" in line["存在问题"]
        assert "answered_by" not in line["存在问题"]

    on_air(scene)


def test_a_workbook_shows_words_and_never_calculates(config: Path) -> None:
    first = recordroom.read_all(config)[0]
    book = load_workbook(
        io.BytesIO(recordroom.write_report(config, first.record_id, "xlsx", config.parent / "out"))
    )

    sheet = book["拉动登记表"]
    assert [cell.value for cell in sheet[1]] == list(COLUMNS)
    cells = [cell for one in book for row in one.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f" or str(cell.value or "").startswith("=")]
    said = sheet.cell(2, COLUMNS.index("应答原话") + 1).value
    assert isinstance(said, str)
    assert "HYPERLINK" in said
    link = sheet.cell(2, COLUMNS.index("录音编号") + 1).hyperlink
    assert link is not None
    assert link.target == "../data/spool/2026-05-01/x.wav"
    assert sheet.freeze_panes == "G2"
    assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
    assert sheet.cell(2, COLUMNS.index("应答用时(秒)") + 1).value == 4.0
    # 50 answered, 20 speed, 0 for 3 of 4 people, 5 for equipment without a place; arrival is not asked for
    scores = [cell.value for cell in book["评分"][2]]
    assert scores[8:11] == [75, 100, 75]


class Page(HTMLParser):
    """Tags, links and words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_page_stands_alone_and_shows_what_was_said_as_words(config: Path) -> None:
    text = recordroom.write_report(config, None, "html", config.parent).decode()
    evil = recordroom.write_report(
        config, recordroom.read_all(config)[0].record_id, "html", config.parent
    ).decode()
    page, harmed = Page(text), Page(evil)

    names = {tag for tag, _ in page.tags}
    assert "svg" in names
    assert not names & {"script", "link", "img", "iframe", "object"}
    assert "script" not in {tag for tag, _ in harmed.tags}
    assert EVIL.split(",")[1] in "".join(harmed.words)
    links = {attributes["href"] for tag, attributes in page.tags if "href" in attributes}
    assert links == {"data/spool/2026-05-01/x.wav"}
    assert not [one for one in ("http://", "https://", "url(", "@import") if one in text]
    charts = [attributes["aria-label"] for tag, attributes in page.tags if tag == "svg"]
    assert charts == [
        "应答用时分布 (30/60/120/180 秒)", "各街道应答率", "各类别应答率", "应答最慢的单元", "与以往比较",
    ]  # fmt: skip


def test_a_review_changes_the_report_and_leaves_a_trace(config: Path, capfd: Any) -> None:
    record = recordroom.read_all(config)[-1]
    before = recordroom.read_form(config, record.record_id)
    assert [entry.score is None for entry in before.entries] == [False, False, True]

    arguments = ["review", record.record_id, "五山市场", "--outcome", "answered", "--headcount", "2"]
    assert run("rollcall", *arguments, "--by", "李警官", "--note", "口音重", "-c", str(config)) == 0

    after = recordroom.read_form(config, record.record_id).entries[2]
    assert (after.outcome, after.present, after.needs_review) == ("answered", 2, False)
    assert after.answer_latency_s == before.entries[2].answer_latency_s == 3.0
    assert after.score is not None
    (trace,) = after.reviewed
    assert (trace.by, trace.note) == ("李警官", "口音重")
    told = {change.field: (change.old, change.new) for change in trace.changes}
    assert told == {
        "outcome": ("unreadable", "answered"), "present": (None, "2"), "review": ("unreadable", None),
    }  # fmt: skip
    line = lines_of(recordroom.write_report(config, record.record_id, "csv", Path()).decode())[2]
    assert line["人工复核人"].startswith("李警官 20")
    assert "结果 听不清(待复核)→已应答" in line["存在问题"]
    assert "待复核 听不清→无" in line["存在问题"]
    with station.open_logbook(recordroom.load_config(config)) as logbook:
        told_again = logbook.events.since(0)[-1]
    assert (told_again.kind, told_again.correlationid) == ("rollcall.answered", record.record_id)
    assert told_again.data["revision"] == 3


def test_a_second_review_keeps_the_first(config: Path) -> None:
    record = recordroom.read_all(config)[-1]
    recordroom.review(config, record.record_id, "u3", Finding(by="甲", outcome="answered", present=2))
    recordroom.review(config, record.record_id, "u3", Finding(by="乙", outcome="no_answer"))

    entry = recordroom.read_form(config, record.record_id).entries[2]

    assert [one.by for one in entry.reviewed] == ["甲", "乙"]
    assert (entry.outcome, entry.answer_latency_s) == ("no_answer", None)
    with station.open_logbook(recordroom.load_config(config)) as logbook:
        assert logbook.events.since(0)[-1].kind == "rollcall.missed"


@pytest.mark.parametrize(
    ("unit", "finding", "word"),
    [
        ("u9", Finding(by="甲", outcome="answered"), "no line"),
        ("u1", Finding(by="甲"), "say what was found"),
        ("u2", Finding(by="甲", outcome="no_answer"), "says already"),
        ("u1", Finding(by="甲", arrival="arrived"), "no arrivals"),
    ],
)
def test_a_review_that_says_nothing_is_refused(config: Path, unit: str, finding: Finding, word: str) -> None:
    record = recordroom.read_all(config)[-1]
    with pytest.raises(UsageError, match=word):
        recordroom.review(config, record.record_id, unit, finding)


def test_the_index_counts_each_unit_once_and_nobody_unheard(config: Path) -> None:
    first, second = recordroom.read_all(config)
    since, until = (one.started_at.astimezone().date() for one in (first, second))

    whole, *streets = recordroom.index_between(config, since, until)

    assert (whole.units, whole.active_units, whole.calls, whole.to_review) == (2, 3, 4, 2)
    by_name = {line.label: line for line in streets}
    assert by_name["石牌街道"].index == 75.0
    assert by_name["棠下街道"].index == 0.0
    assert whole.index == 37.5
    assert (whole.answered_share, by_name["棠下街道"].coverage) == (0.5, 0.5)
    only = recordroom.index_between(config, since, since, ["石牌街道"])
    assert [(line.label, line.calls) for line in only] == [("全区", 1), ("石牌街道", 1)]
    arguments = ["--from", f"{since}", "--to", f"{until}", "-c", str(config)]
    assert run("rollcall", "index", *arguments) == 0
    assert run("rollcall", "index", *arguments, "--street", "无此街") == 64


def test_a_review_is_stored_beside_a_running_gateway(config: Path) -> None:
    async def beside() -> list[CloudEvent]:
        settings = recordroom.load_config(config).gateway
        store = await Store.open(settings.data_dir, settings.source, SystemClock())
        try:
            before = await store.last_sequence()
            record = (await asyncio.to_thread(recordroom.read_all, config))[-1]
            finding = Finding(by="甲", outcome="answered", present=2)
            await asyncio.to_thread(recordroom.review, config, record.record_id, "u3", finding)
            assert [entry.kind for entry in await store.outbox.next_batch(1, after=before)]
            return await store.events_since(before)
        finally:
            await store.close()

    (told,) = asyncio.run(beside())
    assert (told.kind, told.data["reviewed"][0]["by"]) == ("rollcall.answered", "甲")


def test_a_drill_has_its_arrivals_in_every_file(tmp_path: Path, on_air: Any) -> None:
    async def scene(air: Any) -> None:
        await air.say("演练开始")
        await air.say("模拟商场东门有人持刀,请金穗花园及周边单元立即到场")
        await air.say("金穗花园3人到达东门,装备齐全", after_s=70.0)
        await air.say("拉动结束", after_s=4.0)
        (record,) = read_records(air.events)
        form = Form(record, entries_of(record, UNITS), "指挥室")
        (line,) = lines_of(register_csv([form]))
        assert (line["类型"], line["到场用时(秒)"], line["1-3-5达标"]) == ("拉动", "70.0", "未达标")
        assert (line["联动应答单元数"], line["装备情况"]) == ("0", "已报告")
        shown = Page(page([form], {}, {}, air.clock.now()))
        assert "1 分钟自救" in "".join(shown.words)
        assert "演练" in shown.words
        assert load_workbook(io.BytesIO(workbook([form], {})))["评分"].cell(2, 7).value == "超时到场"

    on_air(scene)
