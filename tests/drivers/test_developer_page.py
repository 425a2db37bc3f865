"""The driver that docs/developer.md shows, installed as somebody else's package and used by the gateway."""

import re
from pathlib import Path

import pytest

from bench.run import BENCHMARKS
from drivers.registry import kinds
from gateway.cli.main import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "developer.md").read_text(encoding="utf-8")
(CODE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A station with the page's tone source; the package lies on the import path as pip would leave it."""
    (tmp_path / "tonesource.py").write_text(CODE, encoding="utf-8")
    installed = tmp_path / "tonesource-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: tonesource\nVersion: 1.0\n")
    (named,) = re.findall(r'"(source\.tone)" = "(.*)"', PAGE)
    (installed / "entry_points.txt").write_text(f"[radio_gateway.drivers]\n{named[0]} = {named[1]}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    head = (ROOT / "config" / "example.toml").read_text(encoding="utf-8").partition("[[radio]]")[0]
    (source,) = re.findall(r"`(source = \{ kind = \"tone\".*?)`", PAGE)
    (tmp_path / "units.csv").write_text(
        (ROOT / "tests" / "data" / "units.csv").read_text(encoding="utf-8"), encoding="utf-8"
    )
    path = tmp_path / "station.toml"
    path.write_text(f'{head}[[radio]]\nid = "ch1"\n{source}\n', encoding="utf-8")
    return path


def check(capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    (command,) = re.findall(r"^ *\$ radio-gateway (.*)$", PAGE, re.MULTILINE)
    with pytest.raises(SystemExit) as ended:
        main(command.split())
    told = capsys.readouterr()
    return ended.value.code, told.out + told.err


def test_the_example_is_a_driver(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "tone" in kinds("source")
    assert check(capsys)[0] == 0
    import tonesource  # noqa: PLC0415 - the page's own code

    with tonesource.ToneSource(tonesource.ToneOptions()) as source:
        frame = source.read(1.0)
    assert frame.duration_s == 0.1
    assert any(frame.pcm)


def test_its_wrong_value_is_named(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    station.write_text(station.read_text("utf-8").replace("hz = 800", "hz = 8"), encoding="utf-8")
    code, told = check(capsys)
    assert code == 78
    assert "hz" in told
    assert "from 100 to 3000" in told


def test_every_file_and_benchmark_named_is_there() -> None:
    for name in re.findall(r"`((?:gateway|drivers|tests|bench)/[\w/]+\.(?:py|md))`", PAGE):
        assert (ROOT / name).is_file(), name
    (names,) = re.findall(r"bench\.run ([\w -]+?)  ", PAGE)
    assert set(names.split()) <= set(BENCHMARKS)
