"""What every sink does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from drivers import registry
from drivers.base import AudioFormat, AudioSink, DeviceLost
from drivers.virtual import VirtualRadio

MONO = AudioFormat(8_000)


@pytest.fixture(params=sorted(registry.SINKS))
def make_sink(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], AudioSink]:
    options = {
        "none": {},
        "wavefile": {"path": "said.wav"},
        "virtual": {"radio": str(tmp_path), "pace": "fast"},
        "soundcard": {"device": "say one"},
    }
    if request.param == "soundcard":
        request.getfixturevalue("sound_server")
    return lambda: registry.make_sink(request.param, options[request.param], tmp_path)


def test_takes_audio(make_sink: Callable[[], AudioSink]) -> None:
    with make_sink() as sink:
        sink.write(bytes(1600), MONO)
        sink.write(b"", MONO)


def test_close_may_be_called_twice_and_before_open(make_sink: Callable[[], AudioSink]) -> None:
    sink = make_sink()
    sink.close()
    sink.open()
    sink.close()
    sink.close()


def test_opens_again(make_sink: Callable[[], AudioSink]) -> None:
    sink = make_sink()
    for _ in range(2):
        with sink:
            sink.write(bytes(160), MONO)


def test_opening_keys_nothing(make_sink: Callable[[], AudioSink], tmp_path: Path) -> None:
    radio = VirtualRadio.named(str(tmp_path))
    with make_sink():
        assert not radio.is_keyed


@pytest.mark.parametrize("kind", sorted(set(registry.SINKS) - {"none"}))
def test_what_is_not_open_takes_nothing(kind: str, tmp_path: Path) -> None:
    options = {"wavefile": {"path": "said.wav"}}
    sink = registry.make_sink(kind, options.get(kind, {}), tmp_path)
    with pytest.raises(DeviceLost, match="not open"):
        sink.write(bytes(2), MONO)
