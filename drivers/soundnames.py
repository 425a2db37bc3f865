"""Which sound device a name of the configuration means.

A device's number changes whenever something is plugged in, so nobody has to give it. What counts is, in this
order, the device's whole name as `radio-gateway devices` shows it, the ALSA id of its card (in
`/proc/asound/cards`; a udev rule can set it), or any part of the name. It must fit one card only.
"""

import re
from dataclasses import dataclass
from typing import Literal

from drivers.base import DeviceMissing, Found

Direction = Literal["input", "output"]

_PLACE = re.compile(r"\s*\(hw:(\d+),\d+\)$")
_CARD = re.compile(r"^\s*(\d+)\s+\[(\S+)\s*\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """One device as PortAudio lists it. `index` holds only until PortAudio looks again."""

    index: int
    name: str
    card_id: str
    input_channels: int
    output_channels: int
    rate_hz: int

    def channels(self, direction: Direction) -> int:
        """Return how many channels it has in one direction."""
        return self.input_channels if direction == "input" else self.output_channels


def read_card_ids(proc_asound_cards: str) -> dict[int, str]:
    """Return the ALSA id of each card by its number, from the text of /proc/asound/cards."""
    return {int(number): card_id for number, card_id in _CARD.findall(proc_asound_cards)}


def sound_device(
    index: int, listed_name: str, channels: tuple[int, int], rate_hz: int, card_ids: dict[int, str]
) -> SoundDevice:
    """Make a device from what PortAudio says, without the card's number in its name."""
    place = _PLACE.search(listed_name)
    card_id = card_ids.get(int(place[1]), "") if place else ""
    name = _PLACE.sub("", listed_name).rstrip(" :-") or listed_name
    return SoundDevice(index, name, card_id, *channels, rate_hz)


def choose(wanted: str, devices: list[SoundDevice], direction: Direction) -> SoundDevice:
    """Return the one device of a direction that `wanted` means.

    Raises DeviceMissing, naming the devices there are, when there is none or the name fits several cards.
    """
    usable = [device for device in devices if device.channels(direction)]
    folded = wanted.casefold()
    tiers = (
        [device for device in usable if device.name == wanted],
        [device for device in usable if device.card_id == wanted],
        [device for device in usable if folded in device.name.casefold()],
    )
    fitting = next((tier for tier in tiers if tier), [])
    if not fitting:
        names = ", ".join(repr(found.name) for found in describe(usable)) or "none"
        raise DeviceMissing(f"there is no sound {direction} {wanted!r}; the devices are: {names}")
    # The first of several devices on one card is the one with the jacks.
    if len({(device.card_id or device.name) for device in fitting}) > 1:
        names = ", ".join(repr(found.name) for found in describe(fitting))
        raise DeviceMissing(f"the sound {direction} {wanted!r} fits several cards; say which: {names}")
    return fitting[0]


def describe(devices: list[SoundDevice]) -> list[Found]:
    """Return each device by a name that means it alone, where there is one."""
    found = []
    for device in devices:
        namesakes = {other.card_id for other in devices if other.name == device.name}
        name = device.card_id if len(namesakes) > 1 and device.card_id else device.name
        parts = [f"in {device.input_channels}"] if device.input_channels else []
        parts += [f"out {device.output_channels}"] if device.output_channels else []
        parts += [f"{device.rate_hz} Hz"] + ([f"card id {device.card_id}"] if device.card_id else [])
        found.append(Found(name, ", ".join(parts)))
    return found
