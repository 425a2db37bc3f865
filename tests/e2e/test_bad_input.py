"""Bad input ends in one clear line and the contract's exit code, and harms nothing that is stored."""

import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli.main import main

UNITS = Path(__file__).parents[1] / "data" / "units.csv"
Say = Callable[..., tuple[int, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command; return its exit code and what it complained about."""

    def run(*arguments: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        code = left.value.code
        assert isinstance(code, int)
        complaint = capsys.readouterr().err
        assert "Traceback" not in complaint
        return code, complaint

    return run


@pytest.fixture
def station(tmp_path: Path) -> Path:
    config = tmp_path / "station.toml"
    config.write_text(
        f"""
[gateway]
org = "gz"
district = "tianhe"
id = "shipai"
command_post = "指挥中心"
data_dir = "data"
[units]
csv = "{UNITS}"
[mqtt]
url = "mqtt://127.0.0.1:1"
[[radio]]
id = "ch1"
source = {{ kind = "wavefile", path = "call.wav" }}
""",
        encoding="utf-8",
    )
    return config


def header_only(path: Path, rate_hz: int, frames: int = 0) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(b"\0\0" * frames)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("absent.wav", None, 66),
        ("empty.wav", b"", 65),
        ("text.wav", "不是声音".encode(), 65),
        ("cut.wav", b"RIFF\x24\x00\x00\x00WAVEfmt ", 65),
        ("picture.flac", b"\x89PNG\r\n\x1a\n" + bytes(100), 65),
    ],
)
def test_what_is_not_audio_is_told_in_one_line(
    tmp_path: Path, say: Say, name: str, content: bytes | None, code: int
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    left, complaint = say("replay", path)

    assert left == code
    assert complaint.count("\n") == 1
    assert name in complaint


def test_zero_hertz_is_told(tmp_path: Path, say: Say) -> None:
    path = tmp_path / "zero.wav"
    header_only(path, 8000, 100)
    content = bytearray(path.read_bytes())
    content[24:28] = bytes(4)
    path.write_bytes(content)

    left, complaint = say("replay", path)

    assert left == 65
    assert complaint.count("\n") == 1


def test_a_bad_registry_is_named_by_line_and_column(tmp_path: Path, say: Say, report_wav: Path) -> None:
    units = tmp_path / "units.csv"
    units.write_text(
        "unit_id,name,aliases,unit_class,street,lat,lon,duty_headcount,state\n"
        "a1,好单位,,C,石牌街,23.1,113.3,3,active\n"
        "a2,坏单位,,X,石牌街,23.1,113.3,3,active\n",
        encoding="utf-8",
    )

    left, complaint = say("replay", report_wav, "--units", units)

    assert left == 65
    assert f"{units}:3:unit_class" in complaint


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["replay"],
        ["replay", "x.wav", "--engine", "siri"],
        ["run"],
        ["units", "list", "--wat"],
    ],
)
def test_usage_faults_have_their_own_exit_code(say: Say, arguments: list[str]) -> None:
    assert say(*arguments)[0] == 64


def test_check_refuses_the_words_that_run_would_refuse(station: Path, say: Say) -> None:
    station.with_name("words.yaml").write_text(
        "incident_types: [{code: DOCK_JAM, synonyms: [码头堵了]}]", encoding="utf-8"
    )
    with station.open("a", encoding="utf-8") as file:
        file.write('[understand]\nlexicon = "words.yaml"\n')

    code, complaint = say("check", "-c", station)

    assert code == 65
    assert complaint.endswith("words.yaml:incident_types.DOCK_JAM: a new type needs zh and class\n")
    assert say("run", "-c", station) == (code, complaint)


def test_check_names_every_fault_and_opens_nothing(station: Path, say: Say) -> None:
    text = station.read_text(encoding="utf-8")
    station.write_text(
        text.replace('path = "call.wav"', 'paht = "call.wav"').replace(
            "mqtt://127.0.0.1:1", "mqtt://127.0.0.1:x"
        ),
        encoding="utf-8",
    )

    code, complaint = say("check", "-c", station)

    assert code == 78
    assert "radio[ch1].source.paht" in complaint
    assert f"{station}:mqtt.url" in complaint
    assert not (station.parent / "data").exists()


def test_check_of_a_good_config_is_quiet_about_missing_devices(station: Path, say: Say) -> None:
    assert say("check", "-c", station) == (0, "")


def test_a_bad_import_leaves_the_registry_as_it_was(station: Path, say: Say, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("unit_id,name\nx", encoding="utf-8")
    assert say("units", "import", UNITS, "-c", station)[0] == 0

    code, complaint = say("units", "import", bad, "-c", station)

    assert code == 65
    assert str(bad) in complaint
    out = tmp_path / "out.csv"
    assert say("units", "export", out, "-c", station)[0] == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == len(UNITS.read_text("utf-8").splitlines())


def test_vosk_without_a_model_says_how_to_get_one(
    say: Say, report_wav: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RADIO_GATEWAY_MODELS", str(tmp_path))

    code, complaint = say("replay", report_wav, "--engine", "vosk")

    assert code == 69
    assert "models fetch vosk-model" in complaint


def test_a_locked_away_output_is_told(say: Say, report_wav: Path, tmp_path: Path) -> None:
    code, complaint = say("replay", report_wav, "--jsonl", tmp_path / "no" / "such" / "folder.jsonl")

    assert code == 65
    assert "folder.jsonl" in complaint


def test_a_recording_cut_short_is_heard_and_told(tmp_path: Path, say: Say) -> None:
    path = tmp_path / "cut.wav"
    header_only(path, 16_000, 32_000)
    path.write_bytes(path.read_bytes()[:-20_000])

    left, complaint = say("replay", path)

    assert left == 65
    assert "cut short" in complaint
    assert complaint.count("\n") == 1
