"""Every command and every configuration of docs/installer.md, as an installer would type them."""

import io
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cli.main import main
from gateway.config import SquelchSettings
from gateway.doctor import station as station_checks
from gateway.hear.squelch import Squelch

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "installer.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ radio-gateway (.*)$", PAGE, re.MULTILINE)
WIRED, VIRTUAL, AIR = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


class Engine:
    engine, model = "whisper", "base"

    def close(self) -> None: ...


@pytest.fixture
def station(tmp_path: Path, mosquitto_port: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write station.toml with the page's radio into the working directory."""
    (tmp_path / "air.toml").write_text(AIR, encoding="utf-8")
    data = ROOT / "tests" / "data"
    shutil.copy(data / "calls" / "scripted-roll-2.flac", tmp_path / "call.flac")
    shutil.copy(data / "units.csv", tmp_path / "units.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(station_checks, "choose", lambda *_: Engine())

    def write(radio: str) -> None:
        head = (ROOT / "config" / "example.toml").read_text(encoding="utf-8").partition("[[radio]]")[0]
        head = head.replace("127.0.0.1:1883", f"127.0.0.1:{mosquitto_port}")
        (tmp_path / "station.toml").write_text(
            head.replace("/var/lib/radio-gateway", "data") + radio, encoding="utf-8"
        )

    return write


def run(command: str, typed: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(command))
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_wired_radio_is_a_good_configuration(
    station: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    station(WIRED)
    assert run("check -c station.toml", "", monkeypatch) == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_works_on_the_virtual_radio(
    command: str,
    station: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    station(VIRTUAL)
    code = run(command.replace("--seconds 20", "--seconds 3"), "yes\n", monkeypatch)
    assert (code, capsys.readouterr().err) == (0, "")


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) == 6
    assert all(" -c station.toml" in command for command in COMMANDS[1:])


def test_the_defaults_it_names_are_the_defaults() -> None:
    told = re.findall(r"`(\w+)` ([\d.]+)", PAGE[PAGE.index("Further keys") : PAGE.index("## 6.")])
    assert len(told) == 10
    for name, value in told:
        assert name in SquelchSettings.model_fields
        assert getattr(Squelch(), name) == float(value), name


def test_the_udev_rules_are_rules() -> None:
    rules = (ROOT / "config" / "99-radio-gateway.rules").read_text(encoding="utf-8")
    lines = [line.lstrip("#") for line in rules.splitlines() if line and not line.startswith("# ")]
    pair = r'[A-Z_]+(?:\{[\w]+\})?(?:==|\+=|=)"[^"]*"'
    assert len(lines) > 6
    for line in lines:
        assert not line or re.fullmatch(rf"{pair}(?:, {pair})*", line), line
