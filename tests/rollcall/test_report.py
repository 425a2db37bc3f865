"""The register: from a roll-call heard on the air to the lines of the form."""

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import station
from gateway.cli.main import main
from gateway.errors import UsageError
from gateway.model import Unit
from gateway.rollcall.report import COLUMNS, harmless, read_records, register_csv

UNITS = {"u1": Unit("u1", "金穗花园", unit_class="C", callsign="04", duty_headcount=4)}
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

[recognise]
engine = "auto"

[[radio]]
id = "ch1"
source = { kind = "wavefile", path = "call.wav", pace = "fast" }
sink = { kind = "none" }
control = { kind = "none" }
squelch = { kind = "vox" }
"""


async def a_rollcall(air: Any) -> None:
    await air.say("各单元注意,现在开始点名")
    await air.say("指挥中心呼叫金穗花园,听到请回答")
    await air.say("金穗花园收到,在岗3人,一切正常,装备齐全", after_s=4.0)
    await air.say("指挥中心呼叫棠东小学,听到请回答")
    await air.say("点名结束", after_s=30.0)


def lines_of(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_form_is_filled_in(on_air: Any) -> None:
    async def scene(air: Any) -> None:
        await a_rollcall(air)
        (record,) = read_records(air.events)
        first, second = lines_of(register_csv(record, UNITS, "指挥室"))

        assert tuple(first) == COLUMNS
        told = {name: first[name] for name in ("序号", "类型", "指挥室", "单元名称", "呼号", "单元类别")}
        assert list(told.values()) == ["1", "点名", "指挥室", "金穗花园", "04", "C"]
        assert (first["呼叫次数"], first["应答用时(秒)"], first["结果"]) == ("1", "4.0", "已应答")
        assert first["在岗人数(应到/实到)"] == "4/3"
        assert first["报告要素完整性"] == "4/5 单元名称、在岗人数、情况、装备"
        assert first["录音编号"] == air.last("u1")["transmission_id"]
        assert (second["单元名称"], second["结果"], second["应答用时(秒)"]) == ("棠东小学", "未应答", "")

    on_air(scene)


@given(st.text())
def test_no_cell_is_a_formula(said: str) -> None:
    cell = harmless(said)
    assert cell.lstrip(" ")[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}
    assert cell.endswith(said)


@pytest.fixture
def config(tmp_path: Path, on_air: Any) -> Path:
    """A station that has followed one roll-call."""

    async def scene(air: Any) -> None:
        await a_rollcall(air)

    on_air(scene)
    folder = tmp_path / "station"
    (folder / "data").mkdir(parents=True)
    for kept in tmp_path.glob("gateway.db*"):
        shutil.copy(kept, folder / "data" / kept.name)
    (folder / "gateway.toml").write_text(CONFIG, encoding="utf-8")
    return folder / "gateway.toml"


def test_from_the_command_line(config: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (record,) = station.read_rollcalls(config)
    for arguments in (["list"], ["show"], ["show", record.started.rollcall_id[:20]], ["report"]):
        with pytest.raises(SystemExit) as end:
            main(["rollcall", *arguments, "-c", str(config)])
        assert end.value.code == 0
        assert "未应答" in capfd.readouterr().out
    with pytest.raises(SystemExit):
        main(["rollcall", "report", "-c", str(config), "-o", str(tmp_path / "register.csv")])
    assert len(lines_of((tmp_path / "register.csv").read_bytes().decode())) == 2


def test_a_rollcall_that_is_not_there_is_said(config: Path) -> None:
    with pytest.raises(UsageError, match="rollcall list"):
        station.read_rollcall(config, "nonsense")
