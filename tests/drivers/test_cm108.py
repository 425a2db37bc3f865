"""The chip is the other end of a socket pair, which keeps reports apart as hidraw does."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from drivers import cm108, registry
from drivers.base import Carrier, DeviceLost, DeviceMissing, DeviceMisused, Found
from drivers.cm108 import Cm108Control, Cm108Options


def control(chip: Any, **more: Any) -> Cm108Control:
    return Cm108Control(Cm108Options("/dev/hidraw7", **more), open_node=chip.open_node)


@pytest.mark.parametrize(
    ("pin", "inverted", "keyed", "released"),
    [
        (3, False, b"\0\0\x04\x04\0", b"\0\0\0\x04\0"),
        (3, True, b"\0\0\0\x04\0", b"\0\0\x04\x04\0"),
        (8, False, b"\0\0\x80\x80\0", b"\0\0\0\x80\0"),
    ],
)
def test_reports_are_five_bytes_and_closing_releases(
    chip: Any, pin: int, inverted: bool, keyed: bytes, released: bytes
) -> None:
    radio = control(chip, ptt=pin, ptt_inverted=inverted)
    radio.open()
    assert chip.reports() == [released]
    radio.key()
    radio.unkey()
    radio.key()
    assert chip.reports() == [keyed, released, keyed]
    radio.close()
    assert chip.reports() == [released]


@pytest.mark.parametrize(("button", "mask"), cm108.BUTTONS.items())
def test_carrier_is_the_last_state_of_its_button(chip: Any, button: str, mask: int) -> None:
    with control(chip, carrier=button) as radio:
        assert radio.carrier() == Carrier(is_open=False)
        for pressed in (mask, 0, 0x0F):
            chip.press(pressed)
        assert radio.carrier() == Carrier(is_open=True)
        assert radio.carrier() == Carrier(is_open=True)
        chip.press(0x0F & ~mask)
        assert radio.carrier() == Carrier(is_open=False)
    with control(chip, carrier=f"!{button}") as radio:
        assert radio.carrier() == Carrier(is_open=True)


def test_unplugged_is_lost_also_without_a_button_then_missing_then_back(chip: Any) -> None:
    radio = control(chip)
    radio.open()
    assert radio.carrier() is None
    chip.unplug()
    for call in (radio.carrier, radio.key, radio.unkey):
        with pytest.raises(DeviceLost, match="is gone"):
            call()
    radio.close()
    with pytest.raises(DeviceMissing, match="cannot be opened: No such file"):
        radio.open()
    chip.is_plugged = True
    with radio:
        radio.key()


def test_a_node_that_takes_no_report_is_misused(tmp_path: Path) -> None:
    read_only = tmp_path / "node"
    read_only.touch()
    radio = Cm108Control(
        Cm108Options("/dev/hidraw7"), open_node=lambda _path: os.open(read_only, os.O_RDONLY)
    )
    with pytest.raises(DeviceLost, match="Bad file"):
        radio.open()

    def refuse(path: str) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    with pytest.raises(DeviceMissing, match="udev rule"):
        Cm108Control(Cm108Options("/dev/hidraw7"), open_node=refuse).open()


def test_the_write_error_of_another_kind_of_device_is_misuse(
    chip: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_node: int, _report: bytes) -> int:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr("drivers.cm108.os.write", refuse)
    with pytest.raises(DeviceMisused, match="is no CM108"):
        control(chip).open()


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """A sound card `radio1` and a keyboard, as the kernel shows them."""
    usb = tmp_path / "devices" / "usb1" / "1-2"
    card = usb / "1-2:1.0" / "sound" / "card1"
    card.mkdir(parents=True)
    (card / "id").write_text("radio1\n")
    (card / "device").symlink_to(usb / "1-2:1.0")
    (tmp_path / "class" / "sound").mkdir(parents=True)
    (tmp_path / "class" / "sound" / "card1").symlink_to(card)
    hid = usb / "1-2:1.3" / "0003:0D8C:0012.0004"
    other = tmp_path / "devices" / "usb1" / "1-3" / "1-3:1.0" / "0003:046D:C31C.0001"
    (tmp_path / "class" / "hidraw").mkdir()
    chips = ((hid, "hidraw4", "0D8C:00000012", "C-Media"), (other, "hidraw0", "046D:0000C31C", "Keyboard"))
    for device, name, ids, words in chips:
        node = device / "hidraw" / name
        node.mkdir(parents=True)
        (node / "device").symlink_to(device)
        vendor, product = ids.split(":")
        (device / "uevent").write_text(f"DRIVER=hid\nHID_ID=0003:0000{vendor}:{product}\nHID_NAME={words}\n")
        (tmp_path / "class" / "hidraw" / name).symlink_to(node)
    return tmp_path


def test_the_chip_of_a_sound_card_is_found(sysfs: Path) -> None:
    assert cm108.node_of_card("radio1", sysfs) == "/dev/hidraw4"
    assert cm108.node_of_card("radio2", sysfs) is None


def test_only_sound_chips_are_listed(sysfs: Path) -> None:
    assert cm108.available(sysfs) == [Found("/dev/hidraw4", "C-Media")]


def test_faults_are_named_by_key() -> None:
    for options, key in (({"ptt": 9}, "ptt"), ({"carrier": "vol"}, "carrier"), ({}, "device")):
        found = dict(registry.check_options("control", "cm108", {"device": "x"} | options if options else {}))
        assert key in found
    with pytest.raises(DeviceMissing, match="no sound card 'no such card' has a CM108"):
        Cm108Control(Cm108Options("no such card")).open()
