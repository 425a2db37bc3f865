"""Keying the virtual radio and real lines: never stuck, whatever hangs, dies or fails."""

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.base import AudioFormat, AudioSink, DeviceLost, RadioControl, Release
from drivers.cm108 import Cm108Control, Cm108Options
from drivers.registry import make_control, make_sink
from drivers.virtual import VirtualRadio
from gateway.clock import SystemClock
from gateway.model import RATE_HZ
from gateway.speak import keyup, unkeyer
from gateway.speak.keyup import KeyedSink, Timing
from gateway.speak.transmitter import KeyUp, KeyUpFailed
from gateway.speak.watchdog import Watchdog

SPEECH = (np.sin(np.arange(RATE_HZ // 2) * 0.3) * 9000).astype(np.int16)
KEYED, RELEASED = bytes((0, 0, 4, 4, 0)), bytes((0, 0, 0, 4, 0))
KEYER = """
import sys, time
from pathlib import Path
from drivers.registry import make_control
from gateway.speak.watchdog import Watchdog
control = make_control("cm108", {"device": sys.argv[1]}, Path())
control.open()
watchdog = Watchdog()
watchdog.arm("ch1", control.release(), float(sys.argv[2]))
control.key()
print("keyed", watchdog.pid, flush=True)
time.sleep(60)
"""
"""A process that keys a CM108 up and never releases it."""


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    watchdog = Watchdog()
    yield watchdog
    watchdog.close()


@pytest.fixture
def radio(tmp_path: Path) -> VirtualRadio:
    return VirtualRadio.named(str(tmp_path))


def keyed_sink(
    tmp_path: Path, watchdog: Watchdog, sink: Any = None, control: Any = None, max_s: float = 10.0
) -> KeyedSink:
    name = {"radio": str(tmp_path)}
    return KeyedSink(
        "ch1",
        sink or make_sink("virtual", name, tmp_path),
        control or make_control("virtual", name, tmp_path),
        watchdog,
        timing=Timing(0.1, 0.05, max_s),
        clock=SystemClock(),
    )


class Hangs(AudioSink):
    """A sound card that never returns, not even when it is closed."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def open(self) -> None: ...

    def close(self) -> None: ...

    def write(self, pcm: bytes, fmt: AudioFormat) -> None:
        self.gate.wait(30)


class Fails(Hangs):
    def write(self, pcm: bytes, fmt: AudioFormat) -> None:
        raise DeviceLost("the card is gone")


def test_it_plays_while_keyed_with_lead_in_and_tail(
    tmp_path: Path, radio: VirtualRadio, watchdog: Watchdog
) -> None:
    key = keyed_sink(tmp_path, watchdog)
    for _ in range(2):
        result = asyncio.run(key.transmit(SPEECH))
        assert result.ended == "complete"
        assert result.released_s - result.pressed_s == pytest.approx(0.65, abs=0.15)
    assert len(radio.keyed) == 2
    for said in radio.spoken:
        assert said.was_keyed
        samples = np.frombuffer(said.pcm, "<i2")
        assert not samples[: RATE_HZ // 10].any()
        assert np.array_equal(samples[RATE_HZ // 10 :][: len(SPEECH)], SPEECH)
    key.close()


def test_a_sink_that_never_returns_is_unkeyed_by_the_timer_and_not_used_again(
    tmp_path: Path, radio: VirtualRadio, watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyup, "SLACK_S", 0.3)
    monkeypatch.setattr(keyup, "LATER_S", 0.1)
    sink = Hangs()
    key = keyed_sink(tmp_path, watchdog, sink)

    async def run() -> None:
        result = await key.transmit(SPEECH)
        assert result.ended == "timed_out"
        assert result.released_s - result.pressed_s == pytest.approx(0.95, abs=0.25)
        assert not radio.is_keyed
        with pytest.raises(KeyUpFailed, match="has not returned"):
            await key.transmit(SPEECH)
        sink.gate.set()
        await asyncio.sleep(0.2)
        assert (await key.transmit(SPEECH)).ended == "complete"

    asyncio.run(run())
    assert len(radio.keyed) == 2


def test_trying_the_devices_keys_nothing(tmp_path: Path, radio: VirtualRadio, watchdog: Watchdog) -> None:
    key = keyed_sink(tmp_path, watchdog)
    missing = keyed_sink(
        tmp_path,
        watchdog,
        control=make_control("serialline", {"port": "/dev/nowhere", "ptt": "rts"}, tmp_path),
    )

    async def run() -> None:
        await key.ready()
        assert not radio.keyed
        with pytest.raises(KeyUpFailed, match="/dev/nowhere"):
            await missing.ready()
        assert (await key.transmit(SPEECH)).ended == "complete"

    asyncio.run(run())
    assert len(radio.keyed) == 1


def test_a_key_up_is_never_longer_than_the_limit(
    tmp_path: Path, radio: VirtualRadio, watchdog: Watchdog
) -> None:
    sink = Hangs()
    result = asyncio.run(keyed_sink(tmp_path, watchdog, sink, max_s=0.8).transmit(SPEECH))
    sink.gate.set()
    assert result.ended == "timed_out"
    assert result.released_s - result.pressed_s == pytest.approx(0.8, abs=0.2)
    assert not radio.is_keyed


def test_a_sink_that_fails_releases_the_key(tmp_path: Path, radio: VirtualRadio, watchdog: Watchdog) -> None:
    result = asyncio.run(keyed_sink(tmp_path, watchdog, Fails()).transmit(SPEECH))
    assert (result.ended, result.message) == ("device", "the card is gone")
    assert not radio.is_keyed


def test_cutting_releases_at_once(tmp_path: Path, radio: VirtualRadio, watchdog: Watchdog) -> None:
    key = keyed_sink(tmp_path, watchdog, max_s=30.0)

    async def run() -> KeyUp:
        speaking = asyncio.create_task(key.transmit(np.tile(SPEECH, 20)))
        while not radio.is_keyed:  # noqa: ASYNC110 - a state, not an event
            await asyncio.sleep(0.02)
        key.cut()
        return await asyncio.wait_for(speaking, 2)

    assert asyncio.run(run()).ended == "stopped"
    assert not radio.is_keyed


def test_what_cannot_be_opened_or_watched_is_never_keyed(
    tmp_path: Path, radio: VirtualRadio, watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = make_control("serialline", {"port": "/dev/nowhere", "ptt": "rts"}, tmp_path)
    with pytest.raises(KeyUpFailed, match="/dev/nowhere"):
        asyncio.run(keyed_sink(tmp_path, watchdog, control=missing).transmit(SPEECH))

    control = make_control("virtual", {"radio": str(tmp_path)}, tmp_path)
    monkeypatch.setattr(control, "release", lambda: Release(data=b"x", address=("127.0.0.1", 1)))
    monkeypatch.setattr("gateway.speak.watchdog.sys.executable", "/nowhere/python")
    with pytest.raises(KeyUpFailed, match="watchdog process cannot be started"):
        asyncio.run(keyed_sink(tmp_path, Watchdog(), control=control).transmit(SPEECH))
    assert not radio.keyed
    assert not radio.is_keyed


class Pins:
    """A CM108 on a pty: what is written to the chip can be read at the other end."""

    def __init__(self) -> None:
        self.master, slave = os.openpty()
        settings = termios.tcgetattr(slave)
        settings[0] = settings[1] = settings[3] = 0
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        self.path = os.ttyname(slave)
        self._slave = slave
        os.set_blocking(self.master, False)
        self.reports = b""

    def last(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            self.reports += os.read(self.master, 4096)
        return self.reports[-5:]

    def wait_for(self, report: bytes, seconds: float) -> float:
        begun = time.monotonic()
        while self.last() != report:
            assert time.monotonic() - begun < seconds, self.reports
            time.sleep(0.005)
        return time.monotonic() - begun

    def close(self) -> None:
        os.close(self.master)
        os.close(self._slave)


@pytest.fixture
def pins() -> Iterator[Pins]:
    pins = Pins()
    yield pins
    pins.close()


def keying_process(pins: Pins, limit_s: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", KEYER, pins.path, str(limit_s)], stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline().startswith("keyed")
    pins.wait_for(KEYED, 0.9)
    return process


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_the_watchdog_releases_for_a_process_that_is_killed_or_stands_still(pins: Pins, how: str) -> None:
    process = keying_process(pins, 1.0 if how == "stopped" else 60.0)
    try:
        process.send_signal(signal.SIGKILL if how == "killed" else signal.SIGSTOP)
        assert pins.wait_for(RELEASED, 3.0) < (1.0 if how == "killed" else 2.0)
    finally:
        process.kill()
        process.communicate()


def test_the_watchdog_itself_is_not_ended_by_what_ends_programs(watchdog: Watchdog) -> None:
    watchdog.start()
    assert watchdog.pid is not None
    time.sleep(0.3)
    for number in (1, 2, 3, 15):
        os.kill(watchdog.pid, number)
    time.sleep(0.1)
    watchdog.arm("ch1", Release(data=b"", address=("127.0.0.1", 1)), 10.0)
    os.kill(watchdog.pid, 9)
    time.sleep(0.1)
    # One that was killed is started again before anything is keyed.
    watchdog.arm("ch1", Release(data=b"", address=("127.0.0.1", 1)), 10.0)
    assert watchdog.disarm("ch1") is False


def test_a_control_that_cannot_unkey_any_more_is_released_by_the_watchdog(
    tmp_path: Path, pins: Pins, watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = Cm108Control(Cm108Options(pins.path))
    monkeypatch.setattr(control, "unkey", lambda: (_ for _ in ()).throw(DeviceLost("no answer")))
    monkeypatch.setattr(control, "close", lambda: None)
    result = asyncio.run(keyed_sink(tmp_path, watchdog, Fails(), control).transmit(SPEECH))
    assert result.ended == "device"
    pins.wait_for(RELEASED, 1.0)
    monkeypatch.undo()
    control.close()


def test_modem_lines_are_put_at_rest_by_ioctl(monkeypatch: pytest.MonkeyPatch) -> None:
    """A double with modem lines: ptys have none. Both lines of a pair go to rest, whichever way round."""
    lines = {termios.TIOCM_RTS: True, termios.TIOCM_DTR: False}

    def ioctl(_fd: int, request: int, argument: bytes) -> int:
        (mask,) = struct.unpack("I", argument)
        lines.update({bit: request == termios.TIOCMBIS for bit in lines if bit & mask})
        return 0

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    from drivers.serialport import SerialPort, parse_lines  # noqa: PLC0415

    master, slave = os.openpty()
    port = SerialPort(os.ttyname(slave))
    monkeypatch.setattr("serial.serialposix.Serial._update_rts_state", lambda _: None)
    monkeypatch.setattr("serial.serialposix.Serial._update_dtr_state", lambda _: None)
    port.open({"rts": False, "dtr": True})
    release = port.release(parse_lines("rts & !dtr", ("rts", "dtr")))
    assert release is not None
    entry = {"radio": "ch1", "fd": release.fd, "data": "", "released": False,
             "ioctls": [(request, argument.hex()) for request, argument in release.ioctls]}  # fmt: skip
    unkeyer.release_all([entry])
    assert lines == {termios.TIOCM_RTS: False, termios.TIOCM_DTR: True}
    port.close()
    os.close(master)
    os.close(slave)


def test_every_shipped_control_with_a_key_outside_this_process_says_how_to_release_it() -> None:
    from drivers.registry import CONTROLS  # noqa: PLC0415

    silent = {"none", "virtual"}
    for kind in set(CONTROLS) - silent:
        module, name = CONTROLS[kind]
        driver = getattr(__import__(module, fromlist=[name]), name)
        assert driver.release is not RadioControl.release, kind
