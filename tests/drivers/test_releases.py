"""Another process releases the key: the real watchdog process, for each kind of control, and `unkey`."""

import os
import struct
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.base import RadioControl
from drivers.gpio import GpioControl, GpioOptions
from drivers.registry import make_control
from drivers.serialline import SerialLineControl, SerialLineOptions
from drivers.sharedcontrol import SharedControl
from gateway.cli.main import main
from gateway.speak import watchdog as watching
from gateway.speak.watchdog import Watchdog

LIMIT_S = 30.0
RECORDER = """
import fcntl, os, runpy, sys
def ioctl(fd, request, argument):
    os.fstat(fd)
    with open({path!r}, "a") as file:
        file.write(f"{{request}} {{argument.hex()}}\\n")
    return argument
fcntl.ioctl = ioctl
runpy.run_path({program!r}, run_name="__main__")
"""
"""The watchdog's own program, but its ioctls are written down: ptys have no lines."""


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    one = Watchdog()
    yield one
    one.close()


@pytest.fixture
def ioctls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[tuple[int, bytes]]]:
    """What the watchdog process asked the kernel for."""
    record, program = tmp_path / "ioctls", tmp_path / "recorder.py"
    program.write_text(RECORDER.format(path=str(record), program=str(watching.PROGRAM)), encoding="utf-8")
    monkeypatch.setattr(watching, "PROGRAM", program)

    def read() -> list[tuple[int, bytes]]:
        if not record.exists():
            return []
        rows = [line.split() for line in record.read_text(encoding="utf-8").splitlines()]
        return [(int(request), bytes.fromhex(argument)) for request, argument in rows]

    return read


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < deadline_s, "it never happened"
        time.sleep(0.02)


def armed(watchdog: Watchdog, control: RadioControl, limit_s: float = LIMIT_S) -> None:
    release = control.release()
    assert release is not None
    watchdog.arm("ch1", release, limit_s)


def bits(*lines: int) -> bytes:
    return struct.pack("I", sum(lines))


@pytest.mark.parametrize(
    ("ptt", "asked"),
    [
        ("rts", [(termios.TIOCMBIC, bits(termios.TIOCM_RTS))]),
        ("!dtr", [(termios.TIOCMBIS, bits(termios.TIOCM_DTR))]),
        (
            "rts & !dtr",
            [(termios.TIOCMBIC, bits(termios.TIOCM_RTS)), (termios.TIOCMBIS, bits(termios.TIOCM_DTR))],
        ),
    ],
)
def test_a_serial_line_is_put_at_rest_on_its_own_descriptor_when_it_is_held_too_long(
    ptt: str, asked: Any, watchdog: Watchdog, ioctls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for line in ("rts", "dtr"):
        monkeypatch.setattr(f"serial.serialposix.Serial._update_{line}_state", lambda _: None)
    master, slave = os.openpty()
    try:
        with SerialLineControl(SerialLineOptions(os.ttyname(slave), ptt=ptt)) as control:
            control.key()
            armed(watchdog, control, 0.2)
            wait_until(lambda: ioctls() == asked)
            assert watchdog.disarm("ch1") is True
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.filterwarnings(r"ignore:set(Daemon|Name)\(\) is deprecated:DeprecationWarning")
def test_a_line_of_a_terminal_server_is_dropped_over_the_connection_it_was_raised_on(
    network_port: Any, watchdog: Watchdog
) -> None:
    with SerialLineControl(SerialLineOptions(network_port.url, ptt="rts")) as control:
        armed(watchdog, control)
        control.key()
        wait_until(lambda: network_port.port.rts)
        watchdog.cut("ch1")
        wait_until(lambda: not network_port.port.rts)


def test_rigctld_is_told_to_stop_over_a_connection_of_its_own(
    rig_daemon: Any, watchdog: Watchdog, tmp_path: Path
) -> None:
    with make_control("rigctld", {"port": rig_daemon.port}, tmp_path) as control:
        armed(watchdog, control)
        control.key()
        assert is_transmitting(rig_daemon.port, tmp_path)
        watchdog.cut("ch1")
        assert not is_transmitting(rig_daemon.port, tmp_path)


def is_transmitting(port: int, folder: Path) -> bool:
    other: Any = make_control("rigctld", {"port": port}, folder)
    with other:
        return bool(other._command("\\get_ptt")[0].endswith("1"))


def test_a_gpio_line_is_made_inactive_by_the_kernels_call(pins: Any, watchdog: Watchdog, ioctls: Any) -> None:
    read_end, pins.fd = os.pipe()
    try:
        with GpioControl(GpioOptions(ptt="!17", carrier="27")) as control:
            armed(watchdog, control)
            control.key()
            watchdog.cut("ch1")
            # linux/gpio.h: _IOWR(0xB4, 0x0F, struct gpio_v2_line_values), bits then mask, logical values.
            request = 3 << 30 | 16 << 16 | 0xB4 << 8 | 0x0F
            assert ioctls() == [(request, struct.pack("=QQ", 0, 1))]
    finally:
        os.close(read_end)
        os.close(pins.fd)


def test_a_control_for_two_is_released_as_the_one_below(rig_daemon: Any, tmp_path: Path) -> None:
    below = make_control("rigctld", {"port": rig_daemon.port}, tmp_path)
    shared = SharedControl(below)
    with shared:
        shared.open()
        assert shared.release() == below.release() is not None
        shared.key()
        assert is_transmitting(rig_daemon.port, tmp_path)
    assert not is_transmitting(rig_daemon.port, tmp_path)


class TestUnkey:
    """`radio-gateway unkey` on a key that a dead process has left pressed."""

    @staticmethod
    def unkey(tmp_path: Path, control: str) -> int:
        config = tmp_path / "station.toml"
        config.write_text(
            f"""
[gateway]
org = "gz"
district = "tianhe"
id = "shipai"
command_post = "指挥中心"
data_dir = "data"
[units]
csv = "units.csv"
[mqtt]
url = "mqtt://127.0.0.1:1"
[[radio]]
id = "ch1"
source = {{ kind = "virtual" }}
control = {control}
""",
            encoding="utf-8",
        )
        with pytest.raises(SystemExit) as ended:
            main(["unkey", "-c", str(config)])
        assert isinstance(ended.value.code, int)
        return ended.value.code

    def test_rigctld(self, rig_daemon: Any, tmp_path: Path) -> None:
        other: Any = make_control("rigctld", {"port": rig_daemon.port}, tmp_path)
        other.open()
        other.key()
        # As a process does that dies: the connection ends and nothing is said.
        other._is_keyed = False
        other.close()
        assert is_transmitting(rig_daemon.port, tmp_path)
        assert self.unkey(tmp_path, f'{{ kind = "rigctld", port = {rig_daemon.port} }}') == 0
        assert not is_transmitting(rig_daemon.port, tmp_path)

    @pytest.mark.filterwarnings(r"ignore:set(Daemon|Name)\(\) is deprecated:DeprecationWarning")
    def test_a_terminal_server(self, network_port: Any, tmp_path: Path) -> None:
        network_port.port.rts = True
        assert (
            self.unkey(tmp_path, f'{{ kind = "serialline", port = "{network_port.url}", ptt = "rts" }}') == 0
        )
        wait_until(lambda: not network_port.port.rts)

    def test_gpio(self, pins: Any, tmp_path: Path) -> None:
        assert self.unkey(tmp_path, '{ kind = "gpio", ptt = "!17" }') == 0
        assert set(pins.driven) == {(17, True)}

    def test_what_is_not_there_is_told(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.unkey(tmp_path, '{ kind = "cm108", device = "/dev/hidraw-none" }') == 69
        assert "ch1: /dev/hidraw-none cannot be opened" in capsys.readouterr().err
