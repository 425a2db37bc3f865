"""What every source does, whatever is behind it."""

import functools
import socket
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from drivers import registry
from drivers.base import AudioFrame, AudioSource, DeviceError, DeviceLost, EndOfAudio
from drivers.udp import UdpSource
from drivers.virtual import VirtualRadio

MakeSource = Callable[..., AudioSource]


RECORDED = ("virtual", "wavefile")
"""Sources that end, can be read in a hurry, and hold half a second to hear."""
UNKNOWN_OPTIONS = {"soundcard": {"pace"}, "udp": {"pace", "chunk_s"}}
"""What a test may ask of any source and this one has no key for."""


@pytest.fixture
def make_of_kind(
    request: pytest.FixtureRequest, tmp_path: Path, recording: Callable[..., Path]
) -> Callable[..., AudioSource]:
    """Make a source of a kind; keyword arguments are more options."""
    recording("calls/one.wav", seconds=0.5)
    options: dict[str, dict[str, object]] = {
        "wavefile": {"path": "calls/one.wav"},
        "virtual": {"radio": str(tmp_path), "path": "calls", "gap_s": 0.05},
        "soundcard": {"device": "hear one"},
        "udp": {"port": free_udp_port(), "rate_hz": 8000},
    }

    def make(kind: str, **more: object) -> AudioSource:
        if kind == "soundcard":
            request.getfixturevalue("sound_server")
        usable = {key: value for key, value in more.items() if key not in UNKNOWN_OPTIONS.get(kind, ())}
        return registry.make_source(kind, options[kind] | usable, tmp_path)

    return make


@pytest.fixture(params=sorted(registry.SOURCES))
def make_source(request: pytest.FixtureRequest, make_of_kind: MakeSource) -> MakeSource:
    """Make a source of each kind."""
    return functools.partial(make_of_kind, request.param)


@pytest.fixture(params=RECORDED)
def make_recorded(request: pytest.FixtureRequest, make_of_kind: MakeSource) -> MakeSource:
    """Make a source of each kind that ends."""
    return functools.partial(make_of_kind, request.param)


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def read_all(source: AudioSource) -> list[AudioFrame]:
    frames: list[AudioFrame] = []
    while True:
        try:
            frame = source.read(1.0)
        except EndOfAudio:
            return frames
        assert frame is not None
        frames.append(frame)


def test_ends_with_end_of_audio_after_a_contiguous_sequence(make_recorded: MakeSource) -> None:
    with make_recorded(pace="fast") as source:
        frames = read_all(source)
        assert [frame.sequence for frame in frames] == list(range(len(frames)))
        assert sum(frame.duration_s for frame in frames) >= 0.5
        assert {frame.format for frame in frames} == {source.format}
        assert not any(frame.overflow for frame in frames)
        with pytest.raises(EndOfAudio):
            source.read(0.1)


def test_hears_the_same_whatever_the_chunk_length(make_recorded: MakeSource) -> None:
    heard = []
    for chunk_s in (0.01, 0.0333, 0.5):
        with make_recorded(pace="fast", chunk_s=chunk_s) as source:
            heard.append(b"".join(frame.pcm for frame in read_all(source)))
        VirtualRadio._named.clear()
    shortest = min(len(pcm) for pcm in heard)
    assert shortest > 10_000
    assert len({pcm[:shortest] for pcm in heard}) == 1


def test_nothing_within_the_time_out_is_none(make_source: MakeSource) -> None:
    with make_source(pace="realtime", chunk_s=2.0) as source:
        begun_at = time.monotonic()
        assert source.read(0.05) is None
        assert 0.04 < time.monotonic() - begun_at < 0.5
        assert source.read(0.0) is None


def test_a_realtime_source_takes_its_time_and_says_when(make_recorded: MakeSource) -> None:
    with make_recorded(pace="realtime", chunk_s=0.05) as source:
        assert source.is_live
        begun_at = time.monotonic()
        frames = [source.read(1.0) for _ in range(5)]
        took_s = time.monotonic() - begun_at
    assert 0.2 < took_s < 0.6
    times = [frame.captured_ns for frame in frames if frame is not None]
    steps = [later - sooner for sooner, later in pairwise(times)]
    assert steps == pytest.approx([50_000_000] * 4, abs=1000)
    assert abs(times[-1] / 1e9 - time.monotonic()) < 0.5


def test_a_fast_source_is_not_live(make_recorded: MakeSource) -> None:
    assert not make_recorded(pace="fast").is_live


def test_a_negative_time_out_is_refused(make_source: MakeSource) -> None:
    with make_source() as source, pytest.raises(ValueError, match="must not be negative"):
        source.read(-1.0)


def test_close_may_be_called_twice_and_before_open(make_source: MakeSource) -> None:
    source = make_source()
    source.close()
    source.open()
    source.close()
    source.close()


def test_reading_what_is_not_open_is_an_error(make_source: MakeSource) -> None:
    source = make_source()
    with pytest.raises(DeviceLost, match="not open"):
        source.read(0.1)
    source.open()
    source.close()
    with pytest.raises(DeviceLost, match="not open"):
        source.read(0.1)


def test_close_from_another_thread_ends_a_read(make_source: MakeSource) -> None:
    source = make_source(pace="realtime", chunk_s=2.0)
    source.open()
    closing = threading.Timer(0.1, source.close)
    closing.start()
    begun_at = time.monotonic()
    assert source.read(5.0) is None
    assert time.monotonic() - begun_at < 1.0
    closing.join()


def test_closing_while_reading_never_breaks_the_reader(make_source: MakeSource) -> None:
    for _ in range(20):
        source = make_source(pace="fast", chunk_s=0.005)
        source.open()
        closing = threading.Timer(0.002, source.close)
        closing.start()
        speak_to(source)
        try:
            while source.read(0.1) is not None:
                pass
        except (EndOfAudio, DeviceError):
            pass
        closing.join()


def test_opens_again(make_source: MakeSource) -> None:
    source = make_source(pace="realtime")
    for _ in range(2):
        source.open()
        speak_to(source)
        frame = first_frame(source)
        assert frame.sequence == 0
        assert frame.format == source.format
        assert len(frame.pcm) % source.format.frame_bytes == 0
        assert abs(frame.captured_ns / 1e9 - time.monotonic()) < 1.0
        source.close()


def speak_to(source: AudioSource) -> None:
    """Send something to a source that hears nothing of its own."""
    if isinstance(source, UdpSource):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(20):
                sender.sendto(bytes(320), ("127.0.0.1", source._options.port))


def first_frame(source: AudioSource) -> AudioFrame:
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        frame = source.read(0.5)
        if frame is not None:
            return frame
    pytest.fail("nothing was heard")


def test_opening_keys_nothing(make_source: MakeSource, tmp_path: Path) -> None:
    radio = VirtualRadio.named(str(tmp_path))
    with make_source():
        assert not radio.is_keyed
    assert not radio.keyed
