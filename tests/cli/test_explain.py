"""`radio-gateway explain`, as a person at the station uses it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len

from gateway.cli.main import main

UNITS = """unit_id,name,aliases,unit_class,street,lat,lon,duty_headcount,state,callsign
u1,金汇商场,,C,石牌街道,,,3,active,
u2,金辉商场,,C,石牌街道,,,3,active,
u3,棠东小学,棠小,A,棠下街道,,,5,active,洞五
"""
Explain = Callable[..., tuple[int, str, str]]


@pytest.fixture
def explain(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Explain:
    units = tmp_path / "units.csv"
    units.write_text(UNITS, encoding="utf-8")

    def run(what: str, *, columns: int = 120) -> tuple[int, str, str]:
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit) as ended:
            main(["explain", what, "--units", str(units)])
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, out, err

    return run


def rows(out: str, beginning: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines() if line.strip().startswith(beginning)]


def test_two_names_alike_are_told_apart_part_by_part(explain: Explain) -> None:
    code, out, _ = explain("指挥中心，我是金会商场，电梯困人，请求消防支援")

    assert code == 0
    assert "ambiguous" in out
    for name, unit_id in (("金辉商场", "u2"), ("金汇商场", "u1")):
        (row,) = rows(out, f"{name} {unit_id}")
        score, text, position, total = map(float, row[2:6])
        assert 0.4 < score < 0.6
        assert text + position == pytest.approx(total, abs=0.11)
    assert sorted(row[2] for row in rows(out, "name")[:2]) == ["汇", "辉"]
    assert ["text", "金", "会", "商", "场"] in rows(out, "text")
    assert "电梯困人" in out
    assert "report" in out
    assert "points: " in out


def test_what_is_denied_is_shown_as_denied(explain: Explain) -> None:
    _, out, _ = explain("我是棠小，现场没有发生火灾")

    assert rows(out, "发生火灾")[0][-1] == "negated"
    assert "棠小 (alias)" in out
    assert "REPORT  none" in out


@pytest.mark.parametrize("columns", [80, 120])
def test_it_fits_the_terminal(explain: Explain, columns: int) -> None:
    _, out, _ = explain(
        "指挥中心，我是金会商场，有人打架，三人受伤，请求公安和救护车马上到场支援完毕", columns=columns
    )
    assert max(cell_len(line) for line in out.splitlines()) <= columns


@pytest.mark.parametrize(
    ("what", "code", "words"),
    [("nowhere.wav", 66, "nowhere.wav"), ("……", 65, "nothing to understand"), ("", 65, "nothing to")],
)
def test_what_cannot_be_explained_says_why(explain: Explain, what: str, code: int, words: str) -> None:
    left, out, err = explain(what)
    assert (left, out) == (code, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_a_file_that_is_no_audio_says_so(explain: Explain, tmp_path: Path) -> None:
    damaged = tmp_path / "call.wav"
    damaged.write_bytes(b"not audio at all")
    assert explain(str(damaged))[0] == 65


@pytest.mark.model
def test_a_recording_is_explained_by_what_was_heard_in_it(explain: Explain) -> None:
    call = Path(__file__).parents[1] / "data" / "calls" / "dev-hail-00-0.flac"
    code, out, _ = explain(str(call))

    assert code == 0
    assert "指挥中心 (command post)" in out
    (audio,) = (line for line in out.splitlines() if line.strip().startswith("audio") and "指挥中心" in line)
    assert audio.split()[1:9] == ["zh", "ir", "h", "ui", "zh", "ong", "x", "in"]
    assert "nats lost a phone" in audio
