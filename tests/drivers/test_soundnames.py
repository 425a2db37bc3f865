import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import DeviceMissing, Found
from drivers.soundnames import SoundDevice, choose, describe, read_card_ids, sound_device

CARDS = """\
 0 [PCH            ]: HDA-Intel - HDA Intel PCH
                      HDA Intel PCH at 0xf7f10000 irq 33
 1 [radio1         ]: USB-Audio - USB Audio Device
                      C-Media Electronics Inc. USB Audio Device at usb-0000:00:14.0-1, full speed
 2 [Device_1       ]: USB-Audio - USB Audio Device
                      C-Media Electronics Inc. USB Audio Device at usb-0000:00:14.0-2, full speed
"""
IDS = read_card_ids(CARDS)
DEVICES = [
    sound_device(0, "HDA Intel PCH: ALC3220 Analog (hw:0,0)", (2, 2), 44_100, IDS),
    sound_device(1, "HDA Intel PCH: HDMI 0 (hw:0,3)", (0, 8), 44_100, IDS),
    sound_device(2, "USB Audio Device: - (hw:1,0)", (1, 2), 48_000, IDS),
    sound_device(3, "USB Audio Device: - (hw:2,0)", (1, 2), 48_000, IDS),
    sound_device(4, "default", (32, 32), 44_100, IDS),
]


def test_card_ids_are_read() -> None:
    assert IDS == {0: "PCH", 1: "radio1", 2: "Device_1"}
    assert not read_card_ids("--- no soundcards ---\n")


def test_a_name_holds_no_number() -> None:
    assert [device.name for device in DEVICES][2:4] == ["USB Audio Device"] * 2
    assert not any(re.search(r"hw:\d", device.name) for device in DEVICES)


@pytest.mark.parametrize(
    ("wanted", "index"),
    [("radio1", 2), ("Device_1", 3), ("default", 4), ("alc3220", 0), ("HDA Intel PCH: HDMI 0", None)],
)
def test_a_device_is_found_by_name_card_id_or_part(wanted: str, index: int | None) -> None:
    if index is None:
        with pytest.raises(DeviceMissing, match="no sound input"):
            choose(wanted, DEVICES, "input")
    else:
        assert choose(wanted, DEVICES, "input").index == index


def test_a_name_of_two_cards_asks_which_and_shows_how_to_say() -> None:
    with pytest.raises(DeviceMissing, match="fits several cards; say which: 'radio1', 'Device_1'"):
        choose("USB Audio Device", DEVICES, "input")


def test_a_part_of_several_devices_of_one_card_is_its_first() -> None:
    assert choose("hda intel", DEVICES, "output").index == 0


@pytest.mark.parametrize("direction", ["input", "output"])
def test_every_device_shown_can_be_asked_for_by_the_name_shown(direction: str) -> None:
    usable = [device for device in DEVICES if device.channels(direction)]  # type: ignore[arg-type]
    for device, found in zip(usable, describe(usable), strict=True):
        assert choose(found.name, DEVICES, direction) == device  # type: ignore[arg-type]
    assert describe(DEVICES)[2] == Found("radio1", "in 1, out 2, 48000 Hz, card id radio1")


@given(
    st.lists(st.tuples(st.text("ab ", min_size=1, max_size=3), st.sampled_from(["", "x", "y"])), max_size=6),
    st.text("abxy ", max_size=3),
)
def test_what_is_chosen_fits_and_is_alone(devices: list[tuple[str, str]], wanted: str) -> None:
    cards = [SoundDevice(n, name, card_id, 1, 1, 8000) for n, (name, card_id) in enumerate(devices)]
    try:
        chosen = choose(wanted, cards, "input")
    except DeviceMissing:
        return
    assert wanted in {chosen.name, chosen.card_id} or wanted.casefold() in chosen.name.casefold()
