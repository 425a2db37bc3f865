"""Modem lines on a double that records them, bytes and unplugging on real ptys."""

import errno
import os
import termios
import time
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import serial
from hypothesis import given
from hypothesis import strategies as st

from drivers import registry, serialport
from drivers.base import Carrier, DeviceLost, DeviceMissing, DeviceMisused, RadioControl
from drivers.serialline import SerialLineControl, SerialLineOptions
from drivers.serialport import Line, SerialPort, parse_lines


@dataclass
class Wires:
    """A port with modem lines, as pyserial shows one. Lines go out to the wire only while it is open."""

    rts_level: bool = True
    dtr_level: bool = True
    inputs: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(("cts", "cd", "dsr", "ri"), False))
    is_open: bool = False
    is_unplugged: bool = False
    on_the_wire: list[tuple[bool, bool]] = field(default_factory=list)

    def connect(self, _url: str, **_settings: object) -> "Wires":
        self.is_open = False
        # What pyserial would raise if nobody asked for anything else.
        self.rts_level = self.dtr_level = True
        return self

    def open(self) -> None:
        if self.is_unplugged:
            raise serial.SerialException(errno.ENOENT, "could not open port")
        self.is_open = True
        self._put()

    def close(self) -> None:
        self.is_open = False

    def _put(self) -> None:
        if self.is_unplugged:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if self.is_open:
            self.on_the_wire.append((self.rts_level, self.dtr_level))

    def __getattr__(self, name: str) -> bool:
        if name in {"cts", "cd", "dsr", "ri"}:
            self._put()
            return self.inputs[name]
        raise AttributeError(name)

    def __setattr__(self, name: str, value: object) -> None:
        if name in {"rts", "dtr"}:
            object.__setattr__(self, f"{name}_level", value)
            self._put()
        else:
            object.__setattr__(self, name, value)


@pytest.fixture
def wires() -> Wires:
    return Wires()


def control_on(wires: Wires, ptt: str = "rts", carrier: str = "", hold: str = "") -> SerialLineControl:
    return SerialLineControl(SerialLineOptions("/dev/ttyDouble", ptt, carrier, hold), connect=wires.connect)


def keys_radio(ptt: str, levels: tuple[bool, bool]) -> bool:
    return all(dict(zip(("rts", "dtr"), levels, strict=True))[line.name] != line.is_inverted
               for line in parse_lines(ptt, ("rts", "dtr")))  # fmt: skip


PAIRS = ["rts", "dtr", "!rts", "!dtr", "rts & dtr", "rts & !dtr", "!rts&dtr", "DTR & RTS"]


@pytest.mark.parametrize("ptt", PAIRS)
class TestKeying:
    def test_opening_asserts_nothing_and_closing_releases(self, wires: Wires, ptt: str) -> None:
        control = control_on(wires, ptt)
        control.open()
        assert not any(keys_radio(ptt, levels) for levels in wires.on_the_wire)
        control.key()
        assert keys_radio(ptt, wires.on_the_wire[-1])
        control.close()
        assert not keys_radio(ptt, wires.on_the_wire[-1])
        assert not wires.is_open

    def test_keys_exactly_between_key_and_unkey(self, wires: Wires, ptt: str) -> None:
        with control_on(wires, ptt) as control:
            for _ in range(3):
                control.key()
                assert keys_radio(ptt, wires.on_the_wire[-1])
                control.unkey()
                assert not keys_radio(ptt, wires.on_the_wire[-1])


def test_a_pair_is_not_keyed_by_linux_raising_or_dropping_both_lines() -> None:
    for levels in ((True, True), (False, False)):
        assert not keys_radio("rts & !dtr", levels)


def test_a_line_that_is_not_used_stays_low_unless_held(wires: Wires) -> None:
    with control_on(wires, "rts") as control:
        control.key()
    assert not any(dtr for _, dtr in wires.on_the_wire)
    wires.on_the_wire.clear()
    with control_on(wires, "rts", hold="dtr") as control:
        control.key()
    assert all(dtr for _, dtr in wires.on_the_wire)


@pytest.mark.parametrize(("line", "attribute"), [("cts", "cts"), ("dcd", "cd"), ("dsr", "dsr"), ("ri", "ri")])
def test_carrier_follows_its_line(wires: Wires, line: str, attribute: str) -> None:
    for sign, when_open in (("", True), ("!", False)):
        with control_on(wires, carrier=sign + line) as control:
            wires.inputs[attribute] = when_open
            assert control.carrier() == Carrier(is_open=True)
            wires.inputs[attribute] = not when_open
            assert control.carrier() == Carrier(is_open=False)


def test_no_carrier_line_means_nobody_can_tell(wires: Wires) -> None:
    with control_on(wires) as control:
        assert control.carrier() is None


def test_without_a_ptt_line_it_cannot_key(wires: Wires) -> None:
    with control_on(wires, ptt="", carrier="cts") as control:
        control.unkey()
        with pytest.raises(DeviceMisused, match="no ptt"):
            control.key()


def test_unplugged_is_lost_then_missing_then_back(wires: Wires) -> None:
    control = control_on(wires, carrier="cts")
    control.open()
    wires.is_unplugged = True
    for call in (control.key, control.unkey, control.carrier):
        with pytest.raises(DeviceLost, match="ttyDouble is gone"):
            call()
    control.close()
    with pytest.raises(DeviceMissing, match="the ports are"):
        control.open()
    wires.is_unplugged = False
    with control:
        control.key()


def test_every_line_of_a_pair_is_released_though_one_fails(wires: Wires) -> None:
    with control_on(wires, "rts & dtr") as control:
        control.key()
        wires.is_unplugged = True
        with pytest.raises(DeviceLost):
            control.unkey()
    assert (wires.rts_level, wires.dtr_level) == (False, False)


@pytest.mark.parametrize(
    ("options", "key", "words"),
    [
        ({"port": "p"}, "ptt", "is missing"),
        ({"port": "p", "ptt": "cts"}, "ptt", "no line 'cts', the lines are rts, dtr"),
        ({"port": "p", "ptt": "rts & "}, "ptt", "no line ''"),
        ({"port": "p", "ptt": "rts & !rts"}, "ptt", "rts twice"),
        ({"port": "p", "carrier": "cts & dsr"}, "carrier", "at most 1"),
        ({"port": "p", "carrier": "rts"}, "carrier", "the lines are cts, dcd, dsr, ri"),
        ({"port": "p", "ptt": "rts", "hold": "!rts"}, "hold", "which ptt uses"),
        ({"ptt": "rts"}, "port", "is missing"),
    ],
)
def test_faults_are_named_by_key(options: dict[str, str], key: str, words: str) -> None:
    assert words in dict(registry.check_options("control", "serialline", options))[key]


@given(
    st.permutations(["rts", "dtr"]),
    st.lists(st.booleans(), min_size=2, max_size=2),
    st.sampled_from([" ", ""]),
)
def test_lines_are_read_as_they_are_written(names: list[str], inverted: list[bool], space: str) -> None:
    lines = tuple(Line(name, is_inverted) for name, is_inverted in zip(names, inverted, strict=True))
    text = f"{space}&{space}".join(f"{'!' * line.is_inverted}{line.name}" for line in lines)
    assert parse_lines(text, names) == lines


@dataclass
class Pty:
    master: int
    path: str

    def unplug(self) -> None:
        if self.master >= 0:
            os.close(self.master)
        self.master = -1


@pytest.fixture
def pty() -> Iterator[Pty]:
    master, slave = os.openpty()
    tty.setraw(slave)
    plug = Pty(master, os.ttyname(slave))
    os.close(slave)
    yield plug
    plug.unplug()


REST = {"rts": False, "dtr": False}


class TestPort:
    def test_bytes_go_both_ways(self, pty: Pty) -> None:
        port = SerialPort(pty.path)
        port.open(REST)
        port.write(b"to the module")
        assert os.read(pty.master, 100) == b"to the module"
        os.write(pty.master, b"and back")
        assert port.read(1.0) == b"and back"
        assert port.read(0.02) == b""
        port.close()

    def test_the_other_side_going_away_is_device_lost(self, pty: Pty) -> None:
        port = SerialPort(pty.path)
        port.open(REST)
        pty.unplug()
        with pytest.raises(DeviceLost, match="is gone"):
            port.read(1.0)
        with pytest.raises(DeviceLost, match="is gone"):
            port.write(b"x")
        port.close()
        with pytest.raises(DeviceMissing):
            port.open(REST)

    def test_nobody_else_may_open_it(self, pty: Pty) -> None:
        first, second = SerialPort(pty.path), SerialPort(pty.path)
        first.open(REST)
        with pytest.raises(DeviceMissing, match="in use by another program"):
            second.open(REST)
        first.close()
        second.open(REST)
        second.close()

    def test_the_kernel_drops_the_lines_when_the_process_dies(self, pty: Pty) -> None:
        port = SerialPort(pty.path)
        port.open(REST)
        assert termios.tcgetattr(pty.master)[2] & termios.HUPCL
        port.close()

    def test_a_port_without_modem_lines_says_so(self, pty: Pty) -> None:
        control = SerialLineControl(SerialLineOptions(pty.path, ptt="rts", carrier="cts"))
        with control:
            for call in (control.key, control.carrier):
                with pytest.raises(DeviceMisused, match="no modem lines"):
                    call()

    def test_what_is_no_serial_port_says_so(self, tmp_path: Path) -> None:
        file = tmp_path / "notes.txt"
        file.write_text("no port")
        with pytest.raises(DeviceMisused, match="is not a serial port"):
            SerialPort(str(file)).open(REST)
        with pytest.raises(DeviceMisused, match="is not a port"):
            SerialPort("carrier-pigeon://loft").open(REST)
        with pytest.raises(DeviceMissing, match="cannot be opened: No such file"):
            SerialPort(str(tmp_path / "ttyUSB9")).open(REST)

    def test_an_address_nobody_listens_on_is_missing(self) -> None:
        with pytest.raises(DeviceMissing, match="cannot be reached"):
            SerialPort("socket://127.0.0.1:9").open(REST)


def test_a_url_carries_the_lines(tmp_path: Path) -> None:
    """pyserial's own loop has RTS wired to CTS."""
    control: RadioControl = registry.make_control(
        "serialline", {"port": "loop://", "ptt": "rts", "carrier": "cts"}, tmp_path
    )
    with control:
        assert control.carrier() == Carrier(is_open=False)
        control.key()
        assert control.carrier() == Carrier(is_open=True)


def test_ports_are_listed_by_the_name_that_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path / "ttyUSB0"
    device.touch()
    (tmp_path / "by-id").mkdir()
    (tmp_path / "by-id" / "usb-radio-one").symlink_to(device)

    @dataclass
    class Port:
        device: str
        description: str

    ports = [Port("/dev/ttyS0", "n/a"), Port(str(device), "CP2102")]
    monkeypatch.setattr(serialport.list_ports, "comports", lambda: ports)
    monkeypatch.setattr(serialport, "_BY_ID", tmp_path / "by-id")
    found = {one.name: one.description for one in serialport.available()}
    assert found == {"/dev/ttyS0": "serial port", str(tmp_path / "by-id" / "usb-radio-one"): "CP2102"}


@pytest.mark.filterwarnings(r"ignore:set(Daemon|Name)\(\) is deprecated:DeprecationWarning")
def test_lines_of_a_terminal_server_are_keyed_over_the_network(network_port: Any) -> None:
    server = network_port
    control = SerialLineControl(SerialLineOptions(server.url, ptt="rts", carrier="cts"))
    with control:
        assert not server.port.rts
        control.key()
        wait_until(lambda: server.port.rts)
        wait_until(lambda: control.carrier() == Carrier(is_open=True))
        control.unkey()
        wait_until(lambda: not server.port.rts)
        control.key()
        wait_until(lambda: server.port.rts)
    wait_until(lambda: not server.port.rts)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5.0
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
