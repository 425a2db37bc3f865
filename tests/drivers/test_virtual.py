import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from drivers import registry
from drivers.base import (
    AudioFormat,
    AudioFrame,
    AudioSource,
    DeviceLost,
    DeviceMissing,
    DeviceMisused,
    EndOfAudio,
)
from drivers.virtual import VirtualControl, VirtualRadio, VirtualSink

RATE_HZ = 16_000


@pytest.fixture
def play(tmp_path: Path, recording: Callable[..., Path]) -> Callable[..., AudioSource]:
    """Make a source from the text of a script; half a second of tone is in one.wav."""
    recording("one.wav", seconds=0.5, rate_hz=8_000)

    def make(script: str, **options: object) -> AudioSource:
        (tmp_path / "air.toml").write_text(script, encoding="utf-8")
        options = {"radio": str(tmp_path), "script": "air.toml", "pace": "fast", "chunk_s": 0.1} | options
        return registry.make_source("virtual", options, tmp_path)

    return make


def samples(frames: list[AudioFrame]) -> npt.NDArray[np.float64]:
    return np.frombuffer(b"".join(frame.pcm for frame in frames), dtype="<i2") / 32768.0


def read_all(source: AudioSource) -> list[AudioFrame]:
    frames = []
    try:
        while True:
            frame = source.read(0.5)
            if frame is not None:
                frames.append(frame)
    except EndOfAudio:
        return frames


def rms(audio: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(audio**2)))


def test_calls_come_when_the_script_says(play: Callable[..., AudioSource]) -> None:
    script = """
        length_s = 4.0
        [[call]]
        at_s = 2.0
        file = "one.wav"
        gain_db = -6.0
        lead_s = 0.2
        [[call]]
        at_s = 0.55
        file = "one.wav"
    """
    with play(script) as source:
        heard = samples(read_all(source))
    assert len(heard) == 4 * RATE_HZ
    level = 0.25 / np.sqrt(2)
    assert rms(heard[int(0.6 * RATE_HZ) : RATE_HZ]) == pytest.approx(level, rel=0.01)
    assert rms(heard[int(2.3 * RATE_HZ) : int(2.6 * RATE_HZ)]) == pytest.approx(level / 1.995, rel=0.01)
    assert not heard[: int(0.55 * RATE_HZ)].any()
    assert not heard[int(1.2 * RATE_HZ) : int(2.19 * RATE_HZ)].any()


def test_a_key_up_lifts_the_noise_and_opens_the_carrier(
    play: Callable[..., AudioSource], tmp_path: Path
) -> None:
    script = """
        noise_dbfs = -70.0
        [[call]]
        at_s = 1.0
        file = "one.wav"
        noise_dbfs = -40.0
        lead_s = 0.5
        tail_s = 0.5
    """
    control = registry.make_control("virtual", {"radio": str(tmp_path)}, tmp_path)
    carrier = []
    with play(script) as source, control:
        frames = []
        for _ in range(30):
            carrier.append(control.carrier())
            frames.append(source.read(0.5))
    heard = samples([frame for frame in frames if frame is not None])
    assert 20 * np.log10(rms(heard[:RATE_HZ])) == pytest.approx(-70, abs=1)
    assert 20 * np.log10(rms(heard[RATE_HZ : int(1.5 * RATE_HZ)])) == pytest.approx(-40, abs=1)
    assert [one is not None and one.is_open for one in carrier] == [False] * 10 + [True] * 15 + [False] * 5


def test_lost_audio_shows_in_the_sequence(play: Callable[..., AudioSource]) -> None:
    with play("length_s = 2.0\n[[drop]]\nat_s = 0.5\nfor_s = 0.3") as source:
        sequence = [frame.sequence for frame in read_all(source)]
    assert sequence == [*range(5), *range(8, 20)]


def test_a_stall_delivers_late_but_everything(play: Callable[..., AudioSource]) -> None:
    script = "length_s = 0.6\n[[stall]]\nat_s = 0.25\nfor_s = 0.2"
    with play(script) as source:
        reads = [source.read(0.5) for _ in range(8)]
    assert [frame is None for frame in reads].count(True) == 2
    assert [frame.sequence for frame in reads if frame is not None] == list(range(6))
    VirtualRadio._named.clear()
    with play(script, pace="realtime", chunk_s=0.05) as source:
        begun_at = time.monotonic()
        arrived_s = []
        for _ in range(12):
            assert source.read(0.5) is not None
            arrived_s.append(time.monotonic() - begun_at)
    assert arrived_s[3] < 0.4
    assert arrived_s[4] >= 0.43, "the chunk of the stall arrives after it"


def test_an_unplugged_radio_is_lost_then_missing_then_back(play: Callable[..., AudioSource]) -> None:
    source = play("length_s = 3.0\n[[unplug]]\nat_s = 1.0\nfor_s = 1.0")
    source.open()
    for _ in range(10):
        assert source.read(0.5) is not None
    with pytest.raises(DeviceLost, match="was unplugged"):
        source.read(0.5)
    source.close()
    with pytest.raises(DeviceMissing, match="is unplugged"):
        source.open()
    source.open()
    frames = read_all(source)
    source.close()
    assert frames[0].sequence == 0
    assert len(frames) == 10, "what was on the air meanwhile is gone"


def test_a_live_radio_comes_back_when_its_time_has_come(play: Callable[..., AudioSource]) -> None:
    source = play("length_s = 0.8\n[[unplug]]\nat_s = 0.2\nfor_s = 0.3", pace="realtime", chunk_s=0.05)
    source.open()
    begun_at = time.monotonic()
    for _ in range(4):
        assert source.read(1.0) is not None
    with pytest.raises(DeviceLost):
        source.read(1.0)
    refusals = 0
    while True:
        try:
            source.open()
            break
        except DeviceMissing:
            refusals += 1
            time.sleep(0.02)
    assert refusals > 3
    assert 0.45 < time.monotonic() - begun_at < 0.8
    assert 4 <= len(read_all(source)) <= 8
    source.close()


def test_the_radio_notes_what_is_said_and_whether_it_was_keyed(tmp_path: Path) -> None:
    options = {"radio": str(tmp_path)}
    control = registry.make_control("virtual", options, tmp_path)
    sink = registry.make_sink("virtual", options | {"pace": "realtime"}, tmp_path)
    assert isinstance(control, VirtualControl)
    assert isinstance(sink, VirtualSink)
    assert control.radio is sink.radio
    fmt = AudioFormat(8_000)
    with control, sink:
        begun_at = time.monotonic()
        sink.write(bytes(1600), fmt)
        assert 0.09 < time.monotonic() - begun_at < 0.5
        control.key()
        sink.write(b"\1\2", fmt)
        control.unkey()
    said = list(sink.radio.spoken)
    assert [(len(one.pcm), one.was_keyed) for one in said] == [(1600, False), (2, True)]
    assert len(sink.radio.keyed) == 1


def test_radios_of_other_names_are_other_radios(tmp_path: Path) -> None:
    one, other = VirtualRadio.named("one"), VirtualRadio.named("other")
    one.key()
    assert one.is_keyed
    assert not other.is_keyed
    assert VirtualRadio.named("one") is one


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        ("[[call]]\nat_s = 1.0", DeviceMisused, "call 1: file is missing"),
        ("[[call]]\nfile = 'one.wav'", DeviceMisused, "call 1: at_s is missing"),
        ("[[call]]\nat_s = -1\nfile = 'one.wav'", DeviceMisused, "must not be negative"),
        ("[[call]]\nat_s = 1\nfile = 'one.wav'\nloud = 3", DeviceMisused, "call 1: loud is not a key"),
        ("[[call]]\nat_s = 1\nfile = 'two.wav'", DeviceMissing, "two.wav"),
        ("[call]\nat_s = 1", DeviceMisused, r"\[\[call\]\]"),
        ("noise_dbfs = 'loud'", DeviceMisused, "noise_dbfs is 'loud', must be a number"),
        ("[[unplug]]\nat_s = 1", DeviceMisused, "unplug 1: for_s is missing"),
        ("lenth_s = 3", DeviceMisused, "lenth_s is not a key"),
        ("length_s = = 3", DeviceMisused, "is not TOML"),
    ],
)
def test_a_faulty_script_is_named(
    script: str, error: type[Exception], words: str, play: Callable[..., AudioSource]
) -> None:
    with pytest.raises(error, match=words):
        play(script).open()


def test_a_folder_is_played_in_order(tmp_path: Path, recording: Callable[..., Path]) -> None:
    recording("calls/b.wav", seconds=0.2)
    recording("calls/a.flac", seconds=0.4)
    options = {"radio": str(tmp_path), "path": "calls", "gap_s": 0.5, "pace": "fast"}
    with registry.make_source("virtual", options, tmp_path) as source:
        heard = samples(read_all(source))
    loud = np.abs(heard.reshape(-1, 1600)).max(axis=1) > 0.1
    assert loud.tolist() == [False] * 5 + [True] * 4 + [False] * 5 + [True] * 2 + [False] * 10


def test_an_empty_folder_says_what_it_could_hold(tmp_path: Path) -> None:
    with pytest.raises(DeviceMissing, match=r"holds no recordings.*\.flac"):
        registry.make_source("virtual", {"path": "."}, tmp_path).open()
    with pytest.raises(DeviceMissing, match="no folder"):
        registry.make_source("virtual", {"path": "calls"}, tmp_path).open()
