"""What several radios do to one another, on a PortAudio that is made up."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers import portaudio as module
from drivers.base import AudioFormat, DeviceLost, DeviceMissing, DeviceMisused
from drivers.portaudio import PortAudio
from drivers.quiet import quiet
from drivers.soundcard import (
    SoundcardSink,
    SoundcardSinkOptions,
    SoundcardSource,
    SoundcardSourceOptions,
    as_mono,
    one_side,
)

OVERFLOW = 2


@dataclass
class Stream:
    settings: dict[str, Any]
    is_closed: bool = False
    is_alive: bool = True

    def is_active(self) -> bool:
        if self.is_closed:
            raise OSError("Stream closed")
        return self.is_alive

    def close(self) -> None:
        self.is_closed = True
        if not self.is_alive:
            raise OSError("Unanticipated host error")

    def get_output_latency(self) -> float:
        return 0.0

    def hand_over(self, samples: list[int], status: int = 0) -> None:
        block = np.array(samples, "<i2").tobytes()
        answer = self.settings["stream_callback"](
            block, len(samples) // self.settings["channels"], {}, status
        )
        assert answer == (None, 0)


@dataclass
class Plugs:
    """The cards that are plugged in, and PortAudio as PyAudio shows it."""

    names: dict[int, str] = field(default_factory=lambda: {1: "left", 2: "right"})
    hidden: set[str] = field(default_factory=set)
    only_stereo: bool = False
    streams: list[Stream] = field(default_factory=list)
    started: int = 0
    paInt16 = 8  # noqa: N815 - PyAudio's name

    def cards(self) -> str:
        return "".join(f" {n} [{name}  ]: USB-Audio - {name} card\n" for n, name in self.names.items())

    def PyAudio(self) -> "Engine":  # noqa: N802 - PyAudio's name
        assert all(stream.is_closed for stream in self.streams)
        self.started += 1
        return Engine(self, {n: name for n, name in self.names.items() if name not in self.hidden})

    def host(self) -> PortAudio:
        return PortAudio(lambda: self, self.cards)


class Engine:
    def __init__(self, plugs: Plugs, names: dict[int, str]) -> None:
        self.plugs = plugs
        self.listed = list(names.items())

    def get_device_count(self) -> int:
        return len(self.listed)

    def get_device_info_by_index(self, index: int) -> dict[str, object]:
        number, name = self.listed[index]
        return {
            "name": f"{name} card: USB Audio (hw:{number},0)",
            "maxInputChannels": 2,
            "maxOutputChannels": 2,
            "defaultSampleRate": 8000.0,
        }

    def open(self, **settings: Any) -> Stream:
        if self.plugs.only_stereo and settings["channels"] == 1:
            raise OSError(-9998, "Invalid number of channels")
        index = settings.get("input_device_index", settings.get("output_device_index"))
        if self.listed[index][1] not in self.plugs.names.values():
            raise OSError(-9996, "Invalid device")
        stream = Stream(settings)
        self.plugs.streams.append(stream)
        return stream

    def terminate(self) -> None:
        assert all(stream.is_closed for stream in self.plugs.streams)


@pytest.fixture
def plugs() -> Plugs:
    return Plugs()


def ear(host: PortAudio, device: str, **more: Any) -> SoundcardSource:
    return SoundcardSource(SoundcardSourceOptions(device, chunk_s=0.02, **more), portaudio=host)


BLOCK = [7] * 160


def test_a_radio_that_comes_back_costs_the_others_a_moment_they_own_up_to(plugs: Plugs) -> None:
    host = plugs.host()
    left, right = ear(host, "left"), ear(host, "right")
    left.open()
    right.open()
    plugs.streams[1].is_alive = False
    with pytest.raises(DeviceLost, match="'right card: USB Audio' is gone"):
        right.read(0.1)
    right.close()
    del plugs.names[2]
    with pytest.raises(DeviceMissing, match="no sound input 'right'; the devices are: 'left card"):
        right.open()
    looked = plugs.started
    for _ in range(5):
        with pytest.raises(DeviceMissing):
            right.open()
    assert plugs.started == looked, "the other radio was disturbed though no card has come or gone"
    plugs.streams[-1].hand_over(BLOCK)
    disturbed = left.read(0.1)
    assert disturbed is not None
    assert disturbed.overflow
    plugs.names[5] = "right"
    right.open()
    plugs.streams[-1].hand_over(BLOCK)
    assert right.read(0.1) is not None
    plugs.streams[-2].hand_over(BLOCK)
    frame = left.read(0.1)
    assert frame is not None
    assert frame.overflow
    left.close()
    right.close()


def test_one_radio_alone_makes_portaudio_look_each_time(plugs: Plugs) -> None:
    radio = ear(plugs.host(), "left")
    for _ in range(3):
        with radio:
            pass
    assert plugs.started == 3


def test_a_card_the_kernel_has_and_portaudio_has_not_is_looked_for_now_and_then(
    plugs: Plugs, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugs.hidden = {"right"}
    host = plugs.host()
    with ear(host, "left"):
        right = ear(host, "right")
        with pytest.raises(DeviceMissing):
            right.open()
        plugs.hidden = set()
        with pytest.raises(DeviceMissing):
            right.open()
        monkeypatch.setattr(module, "LOOK_AGAIN_S", 0.0)
        right.open()
        right.close()


def test_other_radios_whose_card_went_meanwhile_are_lost(plugs: Plugs) -> None:
    host = plugs.host()
    left, right = ear(host, "left"), ear(host, "right")
    left.open()
    del plugs.names[1]
    right.open()
    with pytest.raises(DeviceLost, match="is gone"):
        left.read(0.1)
    left.close()
    right.close()


def test_overflow_is_told_and_counted(plugs: Plugs) -> None:
    with ear(plugs.host(), "left") as radio:
        stream = plugs.streams[0]
        assert radio.read(0.0) is None
        stream.hand_over(BLOCK)
        stream.hand_over(BLOCK, OVERFLOW)
        frame = radio.read(0.1)
        assert frame is not None
        assert frame.overflow
        assert frame.pcm == np.array(BLOCK * 2, "<i2").tobytes()
        stream.hand_over(BLOCK)
        frame = radio.read(0.1)
        assert frame is not None
        assert (frame.overflow, frame.sequence) == (False, 1)
        assert radio.overflows == 1


def test_a_callback_that_fails_ends_the_stream_and_raises_nothing(plugs: Plugs) -> None:
    with ear(plugs.host(), "left") as radio:
        radio._ear.blocks = None  # type: ignore[assignment]
        plugs.streams[0].hand_over(BLOCK)
        radio._ear.blocks = []  # type: ignore[assignment]
        with pytest.raises(DeviceLost, match="is gone"):
            radio.read(0.1)


def test_a_device_that_hangs_is_lost(plugs: Plugs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.soundcard.SILENT_S", 0.1)
    monkeypatch.setattr("drivers.soundcard.STARTING_S", 0.0)
    host = plugs.host()
    with ear(host, "left") as radio:
        assert radio.read(0.05) is None
        with pytest.raises(DeviceLost, match="delivered nothing"):
            radio.read(1.0)
    sink = SoundcardSink(SoundcardSinkOptions("left"), portaudio=host)
    with sink, pytest.raises(DeviceLost, match="taken nothing"):
        sink.write(bytes(1600), AudioFormat(8000))


def test_sides_of_a_card_are_shared_and_the_last_radio_closes_it(plugs: Plugs) -> None:
    host = plugs.host()
    left, right = ear(host, "left", side="left"), ear(host, "left", side="right")
    left.open()
    right.open()
    assert len(plugs.streams) == 1
    plugs.streams[0].hand_over([1, 2] * 160)
    for radio, value in ((left, 1), (right, 2)):
        frame = radio.read(0.1)
        assert frame is not None
        assert frame.pcm == np.full(160, value, "<i2").tobytes()
    left.close()
    assert not plugs.streams[0].is_closed
    right.close()
    assert plugs.streams[0].is_closed


def test_what_cannot_be_shared_is_refused(plugs: Plugs) -> None:
    host = plugs.host()
    with ear(host, "left"):
        with pytest.raises(DeviceMisused, match="no left or right"):
            ear(host, "left", side="left").open()
        with pytest.raises(DeviceMisused, match="already open at 8000 Hz, not 16000 Hz"):
            ear(host, "left", rate_hz=16_000).open()
    assert plugs.streams[0].is_closed


def test_a_card_without_mono_is_heard_on_both_sides(plugs: Plugs) -> None:
    plugs.only_stereo = True
    with ear(plugs.host(), "left") as radio:
        plugs.streams[0].hand_over([100, 300] * 160)
        frame = radio.read(0.1)
    assert frame is not None
    assert frame.pcm == np.full(160, 200, "<i2").tobytes()


def test_without_pyaudio_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyaudio", None)
    with pytest.raises(DeviceMisused, match="portaudio19-dev"):
        ear(PortAudio(), "left").open()


def test_noise_is_kept_and_the_rest_is_written(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet() as noise:
        os.write(2, b"ALSA lib pcm.c:1: no such thing\nreal trouble\njack server is not running\n")
    assert capfd.readouterr().err == "real trouble\n"
    assert len(noise) == 2


@pytest.mark.parametrize("width", [1, 2, 4])
def test_samples_of_any_width_are_played_alike(width: int) -> None:
    top = 2 ** (8 * width - 2)
    pcm = np.array([top, -top, 0, top], f"<i{width}").tobytes()
    assert as_mono(pcm, AudioFormat(8000, 1, width), 8000).tolist() == [16384, -16384, 0, 16384]
    assert as_mono(pcm, AudioFormat(8000, 2, width), 8000).tolist() == [0, 8192]
    assert len(as_mono(pcm * 100, AudioFormat(8000, 1, width), 16_000)) == 800


def test_a_width_no_card_takes_is_refused() -> None:
    with pytest.raises(DeviceMisused, match="3 bytes"):
        as_mono(bytes(6), AudioFormat(8000, 1, 3), 8000)


def test_one_channel_has_one_side(tmp_path: Path) -> None:
    assert one_side(b"abcd", 1, "right") == b"abcd"
