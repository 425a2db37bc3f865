from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from drivers import registry
from drivers.base import DeviceMisused
from drivers.none import NoneControl, NoneSink
from drivers.wavefile import WavefileSource


def faults(kind: str, **options: object) -> dict[str, str]:
    return dict(registry.check_options("source", kind, options))


def test_every_shipped_driver_can_be_loaded() -> None:
    for seam, drivers in registry.SEAMS.items():
        for kind in drivers:
            assert not any(key == "kind" for key, _ in registry.check_options(seam, kind, {}))


def test_good_options_have_no_faults_though_nothing_is_there() -> None:
    assert not faults("wavefile", path="/nowhere/at/all.wav", pace="fast", chunk_s=1, loop=True)
    assert not faults("virtual", script="no.toml")


def test_an_unknown_kind_names_the_known_ones() -> None:
    message = faults("wavfile", path="x")["kind"]
    assert "did you mean 'wavefile'" in message
    assert "virtual, wavefile" in message


@pytest.mark.parametrize(
    ("options", "key", "words"),
    [
        ({}, "path", "is missing"),
        ({"path": "x", "pase": "fast"}, "pase", "did you mean 'pace'"),
        ({"path": "x", "pace": "slow"}, "pace", "'realtime' or 'fast'"),
        ({"path": 3}, "path", "must be a path"),
        ({"path": ""}, "path", "must be a path"),
        ({"path": "x", "chunk_s": "0.1"}, "chunk_s", "must be a number"),
        ({"path": "x", "chunk_s": True}, "chunk_s", "must be a number"),
        ({"path": "x", "chunk_s": 0.0}, "chunk_s", "from 0.005 to 2 seconds"),
        ({"path": "x", "loop": 1}, "loop", "true or false"),
    ],
)
def test_each_fault_is_named_by_its_key(options: dict[str, object], key: str, words: str) -> None:
    assert words in faults("wavefile", **options)[key]


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(DeviceMisused) as caught:
        registry.make_source("wavefile", {"pace": "slow", "speed": 2}, tmp_path)
    for key in ("path", "pace", "speed"):
        assert f"{key}: " in str(caught.value)


def test_two_ways_to_say_what_is_played_are_one_too_many() -> None:
    assert "together with script" in faults("virtual", script="a.toml", path="calls")["path"]


def test_paths_are_taken_from_the_folder_of_the_configuration(tmp_path: Path) -> None:
    source = registry.make_source("wavefile", {"path": "calls/a.wav"}, tmp_path)
    assert isinstance(source, WavefileSource)
    assert source._options.path == tmp_path / "calls" / "a.wav"
    absolute = registry.make_source("wavefile", {"path": "/calls/a.wav"}, tmp_path)
    assert isinstance(absolute, WavefileSource)
    assert absolute._options.path == Path("/calls/a.wav")


def test_none_is_made_without_options(tmp_path: Path) -> None:
    assert isinstance(registry.make_sink("none", {}, tmp_path), NoneSink)
    assert isinstance(registry.make_control("none", {}, tmp_path), NoneControl)
    assert registry.check_options("sink", "none", {"path": "x"})


@dataclass(frozen=True)
class ShortwaveOptions:
    frequency_hz: int
    antenna: str | None = None


class Shortwave:
    Options = ShortwaveOptions

    def __init__(self, options: ShortwaveOptions) -> None:
        self.options = options


def load_point(point: EntryPoint) -> type:
    if "Shortwave" in point.value:
        return Shortwave
    raise ModuleNotFoundError("No module named 'no_such_module_at_all'")


class TestInstalledDrivers:
    @pytest.fixture(autouse=True)
    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        points = [
            EntryPoint("source.shortwave", f"{__name__}:Shortwave", registry.ENTRY_POINT_GROUP),
            EntryPoint("source.broken", "no_such_module_at_all:Driver", registry.ENTRY_POINT_GROUP),
        ]
        monkeypatch.setattr(EntryPoint, "load", load_point)
        monkeypatch.setattr(registry, "entry_points", lambda group: points if group else [])

    def test_is_a_kind_like_any_other(self, tmp_path: Path) -> None:
        assert "shortwave" in registry.kinds("source")
        assert "shortwave" not in registry.kinds("sink")
        made: object = registry.make_source(
            "shortwave", {"frequency_hz": 7_000_000, "antenna": "wire"}, tmp_path
        )
        assert isinstance(made, Shortwave)
        assert made.options == ShortwaveOptions(7_000_000, "wire")

    def test_its_options_are_checked(self) -> None:
        assert "whole number" in faults("shortwave", frequency_hz="low")["frequency_hz"]

    def test_one_that_cannot_be_loaded_says_so(self) -> None:
        assert "no_such_module_at_all" in faults("broken")["kind"]
