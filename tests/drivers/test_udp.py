import socket
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from drivers import registry
from drivers.base import AudioFormat, DeviceMissing
from drivers.udp import UdpOptions, UdpSource

Send = Callable[[bytes], None]


@pytest.fixture
def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def send(port: int) -> Iterator[Send]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        yield lambda data: sender.sendto(data, ("127.0.0.1", port)) and None


def test_each_datagram_is_a_frame_of_whole_samples(port: int, send: Send) -> None:
    with UdpSource(UdpOptions(port, 8000, channels=2)) as source:
        for data in (b"abcdefgh", b"ijklmnop!!!", b"", b"xyz", b"qrst"):
            send(data)
        frames = [source.read(1.0) for _ in range(3)]
        assert source.format == AudioFormat(8000, 2)
        assert [(frame.pcm, frame.sequence) for frame in frames if frame] == [
            (b"abcdefgh", 0),
            (b"ijklmnop", 1),
            (b"qrst", 2),
        ]
        assert source.read(0.05) is None


def test_floats_become_samples_whatever_they_hold(port: int, send: Send) -> None:
    with UdpSource(UdpOptions(port, 16_000, encoding="f32le")) as source:
        send(np.array([0.0, 0.5, -1.0, 2.0, np.nan, np.inf], "<f4").tobytes())
        frame = source.read(1.0)
    assert frame is not None
    assert np.frombuffer(frame.pcm, "<i2").tolist() == [0, 16384, -32767, 32767, 0, 32767]


def test_a_stranger_is_not_heard(port: int, send: Send) -> None:
    with UdpSource(UdpOptions(port, 8000, sender="127.0.0.9")) as source:
        send(b"strange")
        assert source.read(0.1) is None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as known:
            known.bind(("127.0.0.9", 0))
            known.sendto(b"friend", ("127.0.0.1", port))
        frame = source.read(1.0)
    assert frame is not None
    assert frame.pcm == b"friend"


def test_a_sender_that_pauses_is_silent_and_time_goes_on(port: int, send: Send) -> None:
    with UdpSource(UdpOptions(port, 8000, gaps="silence")) as source:
        begun_at = time.monotonic()
        sending = threading.Timer(0.55, send, [b"\x01\x00" * 800])
        sending.start()
        heard = []
        while time.monotonic() - begun_at < 1.2:
            frame = source.read(0.05)
            if frame is not None:
                assert frame.captured_ns <= time.monotonic_ns()
                heard.append(frame)
        sending.join()
    assert [frame.sequence for frame in heard] == list(range(len(heard)))
    spoken = [n for n, frame in enumerate(heard) if any(frame.pcm)]
    assert len(spoken) == 1
    assert 0 < spoken[0] < len(heard) - 1
    # A pause is taken for one only when a datagram is 0.2 s late.
    assert 0.5 < sum(frame.duration_s for frame in heard) < 1.2


def test_a_taken_port_and_a_strange_address_are_missing(port: int) -> None:
    with UdpSource(UdpOptions(port, 8000)):
        with pytest.raises(DeviceMissing, match="Address already in use"):
            UdpSource(UdpOptions(port, 8000)).open()
        with pytest.raises(DeviceMissing, match="cannot listen on 192"):
            UdpSource(UdpOptions(port, 8000, host="192.0.2.1")).open()


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"port": 0, "rate_hz": 8000}, "port"),
        ({"port": 7355, "rate_hz": 100}, "rate_hz"),
        ({"port": 7355, "rate_hz": 8000, "channels": 9}, "channels"),
        ({"port": 7355, "rate_hz": 8000, "encoding": "mp3"}, "encoding"),
        ({"port": 7355}, "rate_hz"),
    ],
)
def test_faults_are_named_by_key(options: dict[str, object], key: str) -> None:
    assert key in dict(registry.check_options("source", "udp", options))
