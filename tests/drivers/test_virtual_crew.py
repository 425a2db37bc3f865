"""The units on a virtual radio that answer the gateway."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from drivers import registry
from drivers.base import AudioFormat, AudioSource, DeviceMissing, DeviceMisused, EndOfAudio
from drivers.virtual import VirtualRadio
from drivers.virtualradio import KeyUp, Reply

RATE_HZ = 16_000
CHUNK_S = 0.1
FMT = AudioFormat(8_000)


class Station:
    """A virtual radio in a hurry, with its plugs."""

    def __init__(self, folder: Path, script: str | None = None, **options: object) -> None:
        name = str(folder)
        options |= {"radio": name, "pace": "fast", "chunk_s": CHUNK_S}
        if script is not None:
            (folder / "air.toml").write_text(script, encoding="utf-8")
            options["script"] = "air.toml"
        self.radio = VirtualRadio.named(name)
        self.source: AudioSource = registry.make_source("virtual", options, folder)
        self.sink = registry.make_sink("virtual", {"radio": name, "pace": "fast"}, folder)
        self.control = registry.make_control("virtual", {"radio": name}, folder)
        self.source.open()
        self.sink.open()
        self.control.open()

    def listen(self, seconds: float) -> npt.NDArray[np.float64]:
        """Hear so much of the channel, on a scale of -1..1."""
        frames = [self.source.read(0.1) for _ in range(round(seconds / CHUNK_S))]
        pcm = b"".join(frame.pcm for frame in frames if frame is not None)
        return np.frombuffer(pcm, "<i2") / 32768.0

    def carrier(self) -> bool:
        carrier = self.control.carrier()
        return carrier is not None and carrier.is_open

    def speak(self, seconds: float = 0.3) -> None:
        """Key up, say something, release; the channel goes on meanwhile."""
        self.control.key()
        self.sink.write((np.ones(round(seconds * FMT.rate_hz)) * 8192).astype("<i2").tobytes(), FMT)
        self.listen(seconds)
        self.control.unkey()


@pytest.fixture
def station(tmp_path: Path, recording: Callable[..., Path]) -> Iterator[Callable[..., Station]]:
    recording("quiet.wav", seconds=0.5, samples=np.full(8000, 0.1))
    recording("loud.wav", seconds=0.5, samples=np.full(8000, 0.5))
    made: list[Station] = []

    def make(script: str | None = None, **options: object) -> Station:
        made.append(Station(tmp_path, script, **options))
        return made[-1]

    yield make
    for one in made:
        one.source.close()
        one.control.close()
    VirtualRadio._named.clear()


def loud(heard: npt.NDArray[np.float64], level: float) -> list[float]:
    """When something of this level begins and ends, in seconds."""
    at = np.flatnonzero(np.abs(heard - level) < 0.02)
    return [round(float(at[0] / RATE_HZ), 2), round(float((at[-1] + 1) / RATE_HZ), 2)] if len(at) else []


def test_units_answer_in_the_order_they_are_called(station: Callable[..., Station]) -> None:
    one = station("""
        [[crew]]
        file = "quiet.wav"
        delay_s = 0.4
        [[crew]]                      # the second called unit is silent
        [[crew]]
        file = "loud.wav"
        delay_s = 0.2
        lead_s = 0.1
        [[crew]]                      # two at once
        key_up = 3
        file = "quiet.wav"
        delay_s = 1.0
    """)
    assert not one.listen(1.0).any(), "nobody speaks without being called"
    one.speak()
    assert loud(one.listen(1.5), 0.1) == [0.4, 0.9]
    one.speak()
    assert not one.listen(1.5).any()
    one.speak()
    heard = one.listen(2.0)
    assert loud(heard, 0.5) == [0.3, 0.8]
    assert loud(heard, 0.1) == [1.0, 1.5]
    one.speak()
    assert not one.listen(1.0).any(), "the script has no fourth answer"


def test_a_crew_may_answer_every_key_up(station: Callable[..., Station]) -> None:
    one = station('[[crew]]\nkey_up = "every"\nfile = "quiet.wav"\ndelay_s = 0.2')
    for _ in range(3):
        one.speak()
        assert loud(one.listen(1.0), 0.1) == [0.2, 0.7]


def test_an_answer_has_a_carrier(station: Callable[..., Station]) -> None:
    one = station('[[crew]]\nfile = "quiet.wav"\ndelay_s = 0.2\nlead_s = 0.2\ntail_s = 0.1')
    one.speak()
    carrier = []
    for _ in range(12):
        carrier.append(one.carrier())
        one.listen(CHUNK_S)
    assert carrier == [False] * 2 + [True] * 8 + [False] * 2


def test_a_function_answers_with_what_it_likes(station: Callable[..., Station]) -> None:
    one = station()
    heard: list[KeyUp] = []

    def crew(key_up: KeyUp) -> list[Reply]:
        heard.append(key_up)
        return [Reply(0.3, np.full(1600, 16384, np.int16)), Reply(0.6, np.full(1600, 0.25, np.float32))]

    one.radio.crew = crew
    one.listen(1.0)
    one.speak(0.5)
    channel = one.listen(1.0)
    assert loud(channel, 0.5) == [0.3, 0.4]
    assert loud(channel, 0.25) == [0.6, 0.7]
    (key_up,) = heard
    assert (key_up.number, key_up.started_s, key_up.ended_s) == (1, 1.0, 1.5)
    assert len(key_up.pcm) == 0.5 * RATE_HZ, "what was said, at the radio's rate"
    assert np.median(key_up.pcm) == pytest.approx(0.25, abs=0.01)


def test_an_answer_may_come_from_elsewhere_at_any_time(station: Callable[..., Station]) -> None:
    one = station()
    one.listen(0.5)
    one.radio.answer(Reply(0.2, np.full(1600, 0.5, np.float32)))
    assert loud(one.listen(0.5), 0.5) == [0.2, 0.3]


def test_a_keyed_radio_hears_nobody(station: Callable[..., Station]) -> None:
    one = station('length_s = 9\n[[call]]\nat_s = 0.2\nfile = "loud.wav"')
    one.listen(0.3)
    assert one.carrier()
    one.control.key()
    assert not one.carrier()
    assert not one.listen(0.2).any()
    one.control.unkey()
    assert loud(one.listen(0.5), 0.5) == [0.0, 0.2]


def test_a_side_tone_lets_the_gateway_hear_itself(station: Callable[..., Station]) -> None:
    one = station(sidetone_db=-6.0)
    one.control.key()
    one.sink.write(np.full(8000, 16384, "<i2").tobytes(), FMT)
    assert np.median(one.listen(0.5)) == pytest.approx(0.25, abs=0.01)
    one.control.unkey()
    assert not one.listen(0.5).any(), "released, it is heard by nobody"


def test_a_script_with_an_end_waits_for_the_answer(station: Callable[..., Station]) -> None:
    one = station('length_s = 0.5\n[[crew]]\nfile = "quiet.wav"\ndelay_s = 0.5')
    one.listen(0.2)
    one.speak(0.2)
    assert loud(one.listen(1.0), 0.1) == [0.5, 1.0]
    with pytest.raises(EndOfAudio):
        one.source.read(0.1)


@pytest.mark.parametrize(
    ("entry", "error", "words"),
    [
        ("key_up = 0", DeviceMisused, 'crew 1: key_up is 0, must be a number from 1 or "every"'),
        ("key_up = true", DeviceMisused, "key_up is True"),
        ("key_up = 'first'", DeviceMisused, "key_up is 'first'"),
        ("file = 3", DeviceMisused, "crew 1: file is 3, must be a path"),
        ("file = 'nobody.wav'", DeviceMissing, "nobody.wav"),
        ("delay_s = -1", DeviceMisused, "must not be negative"),
        ("voice = 'low'", DeviceMisused, "crew 1: voice is not a key"),
    ],
)
def test_a_faulty_crew_is_named(
    entry: str, error: type[Exception], words: str, station: Callable[..., Station]
) -> None:
    with pytest.raises(error, match=words):
        station(f"[[crew]]\n{entry}")
