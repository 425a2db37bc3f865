"""Sound cards for real: PortAudio on PulseAudio's silent cards, whose monitors hear what is played."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pytest

from drivers import registry, soundcard
from drivers.base import AudioFormat, AudioFrame, AudioSource, DeviceError, DeviceLost, DeviceMissing
from drivers.portaudio import PortAudio
from drivers.soundcard import SoundcardSource

RATE_HZ = 16_000
MONO = AudioFormat(RATE_HZ)


class Server(Protocol):
    def start(self) -> None: ...
    def kill(self) -> None: ...


def tone(hz: float, seconds: float) -> bytes:
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return bytes((8000 * np.sin(2 * np.pi * hz * times)).astype("<i2").tobytes())


def strongest_hz(samples: npt.NDArray[np.int16], rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * rate_hz / len(samples))


def hear(source: AudioSource, seconds: float, deadline_s: float = 10.0) -> list[AudioFrame]:
    frames: list[AudioFrame] = []
    begun_at = time.monotonic()
    while sum(frame.duration_s for frame in frames) < seconds:
        assert time.monotonic() - begun_at < deadline_s, "nothing was heard"
        frame = source.read(0.5)
        if frame is not None:
            frames.append(frame)
    return frames


def samples_of(frames: list[AudioFrame]) -> npt.NDArray[np.int16]:
    return np.frombuffer(b"".join(frame.pcm for frame in frames), "<i2")


def loudest_second(frames: list[AudioFrame]) -> npt.NDArray[np.int16]:
    """The half second in the middle of what is not silence."""
    samples = samples_of(frames)
    loud = np.flatnonzero(np.abs(samples) > 1000)
    assert loud.size, "only silence was heard"
    middle, half = int(loud.mean()), frames[0].format.rate_hz // 4
    return samples[max(0, middle - half) : middle + half]


def source(tmp_path: Path, device: str, **more: object) -> AudioSource:
    return registry.make_source("soundcard", {"device": device, **more}, tmp_path)


@contextmanager
def speaking(tmp_path: Path, device: str, pcm: bytes, **more: object) -> Iterator[None]:
    """Say something on another thread."""
    failures: list[DeviceError] = []

    def say() -> None:
        try:
            with registry.make_sink("soundcard", {"device": device, **more}, tmp_path) as sink:
                sink.write(pcm, MONO)
        except DeviceError as error:
            failures.append(error)

    thread = threading.Thread(target=say)
    thread.start()
    try:
        yield
    finally:
        thread.join(20.0)
    assert not failures


def test_a_tone_that_is_played_is_heard(sound_server: Server, tmp_path: Path) -> None:
    with source(tmp_path, "hear one", rate_hz=RATE_HZ) as ear:
        hear(ear, 0.2)
        with speaking(tmp_path, "say one", tone(1000.0, 0.9)):
            frames = hear(ear, 1.7)
    assert ear.format == AudioFormat(RATE_HZ)
    assert strongest_hz(loudest_second(frames), RATE_HZ) == pytest.approx(1000.0, abs=5.0)
    assert [frame.sequence for frame in frames] == list(
        range(frames[0].sequence, frames[0].sequence + len(frames))
    )


def test_the_cards_own_rate_is_taken_when_none_is_asked_for(sound_server: Server, tmp_path: Path) -> None:
    with source(tmp_path, "hear one") as ear:
        hear(ear, 0.2)
        with speaking(tmp_path, "say one", tone(700.0, 0.9)):
            frames = hear(ear, 1.7)
    assert ear.format.rate_hz >= 44_100
    assert strongest_hz(loudest_second(frames), ear.format.rate_hz) == pytest.approx(700.0, abs=5.0)


def test_two_radios_share_the_sides_of_one_card(sound_server: Server, tmp_path: Path) -> None:
    with (
        source(tmp_path, "hear two", side="left", rate_hz=RATE_HZ) as left,
        source(tmp_path, "hear two", side="right", rate_hz=RATE_HZ) as right,
    ):
        hear(left, 0.2)
        with (
            speaking(tmp_path, "say two", tone(600.0, 0.9), side="left", rate_hz=RATE_HZ),
            speaking(tmp_path, "say two", tone(1400.0, 0.9), side="right", rate_hz=RATE_HZ),
        ):
            heard_left = hear(left, 1.7)
            heard_right = hear(right, 1.7)
    assert strongest_hz(loudest_second(heard_left), RATE_HZ) == pytest.approx(600.0, abs=5.0)
    assert strongest_hz(loudest_second(heard_right), RATE_HZ) == pytest.approx(1400.0, abs=5.0)


def test_speaking_takes_as_long_as_what_is_said(sound_server: Server, tmp_path: Path) -> None:
    with registry.make_sink("soundcard", {"device": "say one"}, tmp_path) as sink:
        sink.write(tone(500.0, 0.1), MONO)
        begun_at = time.monotonic()
        sink.write(tone(500.0, 0.8), MONO)
        took_s = time.monotonic() - begun_at
    # The silent card of PulseAudio takes up to two seconds to wake up.
    assert 0.6 < took_s < 4.0


def test_unplugged_is_lost_at_once_and_heard_again_when_it_is_back(
    sound_server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    one, two = source(tmp_path, "hear one"), source(tmp_path, "hear two")
    one.open()
    two.open()
    hear(one, 0.2)
    hear(two, 0.2)
    sound_server.kill()
    begun_at = time.monotonic()
    for radio in (one, two):
        with pytest.raises(DeviceLost, match="is gone"):
            hear(radio, 5.0, deadline_s=5.0)
    assert time.monotonic() - begun_at < 1.0
    one.close()
    # The other radio has not let go yet, as happens when each has a thread of its own.
    with pytest.raises(DeviceMissing, match="no sound input 'hear one'"):
        one.open()
    two.close()
    capfd.readouterr()
    for radio in (one, two):
        with pytest.raises(DeviceMissing, match="the devices are: none"):
            radio.open()
    assert capfd.readouterr().err == ""
    sound_server.start()
    begun_at = time.monotonic()
    one.open()
    two.open()
    for radio in (one, two):
        assert hear(radio, 0.2)[0].sequence == 0
        radio.close()
    assert time.monotonic() - begun_at < 5.0


def test_unplugged_while_speaking_is_lost(sound_server: Server, tmp_path: Path) -> None:
    sink = registry.make_sink("soundcard", {"device": "say one"}, tmp_path)
    with sink:
        pulling = threading.Timer(0.5, sound_server.kill)
        pulling.start()
        begun_at = time.monotonic()
        with pytest.raises(DeviceLost, match="is gone"):
            sink.write(tone(500.0, 10.0), MONO)
        assert time.monotonic() - begun_at < 3.0
        pulling.join()


def test_closing_ends_a_long_utterance(sound_server: Server, tmp_path: Path) -> None:
    sink = registry.make_sink("soundcard", {"device": "say one"}, tmp_path)
    sink.open()
    closing = threading.Timer(0.2, sink.close)
    closing.start()
    begun_at = time.monotonic()
    sink.write(tone(500.0, 20.0), MONO)
    assert time.monotonic() - begun_at < 2.0
    closing.join()


def test_a_reader_that_comes_late_is_told_of_the_loss(sound_server: Server, tmp_path: Path) -> None:
    ear = source(tmp_path, "hear one", rate_hz=RATE_HZ)
    assert isinstance(ear, SoundcardSource)
    with ear:
        hear(ear, 0.2)
        ear._ear.blocks = type(ear._ear.blocks)(maxlen=10)
        time.sleep(0.7)
        late = hear(ear, 0.1)[0]
    assert late.overflow
    assert late.sequence > 2
    assert ear.overflows == 1


def test_the_devices_are_listed_with_the_names_the_configuration_wants(sound_server: Server) -> None:
    names = {found.name for found in soundcard.available()}
    assert {"hear one", "say two", "default"} <= names


def test_no_such_device_names_those_there_are(sound_server: Server, tmp_path: Path) -> None:
    with pytest.raises(DeviceMissing, match=r"no sound input 'Blaster'; the devices are: .*'hear one'"):
        source(tmp_path, "Blaster").open()


def test_nothing_stays_open_when_the_last_radio_leaves(sound_server: Server, tmp_path: Path) -> None:
    with source(tmp_path, "hear one"):
        assert PortAudio.shared()._streams
    assert not PortAudio.shared()._streams
    assert PortAudio.shared()._engine is None
