"""Pins on a double of libgpiod's binding that keeps to the names and rules of version 2."""

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import pytest

from drivers import registry
from drivers.base import Carrier, DeviceLost, DeviceMissing, DeviceMisused
from drivers.gpio import GpioControl, GpioOptions


@pytest.mark.parametrize(
    ("ptt", "line", "keyed"), [("17", 17, True), ("!17", 17, False), ("PTT", "PTT", True)]
)
def test_keys_and_closing_releases(pins: Any, ptt: str, line: int | str, keyed: bool) -> None:
    radio = GpioControl(GpioOptions(ptt=ptt))
    radio.open()
    assert pins.driven == [(line, not keyed)]
    radio.key()
    radio.unkey()
    radio.key()
    radio.close()
    assert [level for _, level in pins.driven[1:]] == [keyed, not keyed, keyed, not keyed]
    assert not pins.taken


def test_carrier_follows_its_line(pins: Any) -> None:
    for text, inverted in (("27", False), ("! 27", True)):
        with GpioControl(GpioOptions(carrier=text)) as radio:
            for is_high in (True, False):
                pins.high[27] = is_high
                assert radio.carrier() == Carrier(is_high != inverted)
            radio.unkey()
            with pytest.raises(DeviceMisused, match="no ptt"):
                radio.key()
    with GpioControl(GpioOptions(ptt="17")) as radio:
        assert radio.carrier() is None
    assert all(line == 17 for line, _ in pins.driven)


def test_a_line_in_use_and_a_chip_that_is_not_there_are_missing(pins: Any) -> None:
    with GpioControl(GpioOptions(ptt="17")), pytest.raises(DeviceMissing, match="another program has one"):
        GpioControl(GpioOptions(ptt="17")).open()
    with pytest.raises(DeviceMissing, match="gpiochip9: No such file"):
        GpioControl(GpioOptions(chip="/dev/gpiochip9", ptt="17")).open()


def test_an_expander_that_is_unplugged_is_lost(pins: Any) -> None:
    radio = GpioControl(GpioOptions(ptt="17", carrier="27"))
    with radio:
        pins.is_unplugged = True
        calls: list[Callable[[], object]] = [radio.key, radio.unkey, radio.carrier]
        for call in calls:
            with pytest.raises(DeviceLost, match="is gone"):
                call()


def test_without_the_binding_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiod", None)
    with pytest.raises(DeviceMisused, match=r"radio-gateway\[gpio\]"):
        GpioControl(GpioOptions(ptt="17")).open()


@pytest.mark.skipif(importlib.util.find_spec("gpiod") is None, reason="the binding is not installed")
def test_the_real_binding_has_what_the_double_has() -> None:
    gpiod: Any = importlib.import_module("gpiod")
    settings = gpiod.LineSettings(
        direction=gpiod.line.Direction.OUTPUT, output_value=gpiod.line.Value.INACTIVE, active_low=True
    )
    assert settings.active_low
    assert {"get_value", "set_value", "release"} <= set(dir(gpiod.LineRequest))
    with pytest.raises(DeviceMissing, match="No such file"):
        GpioControl(GpioOptions(chip="/dev/no-such-chip", ptt="17")).open()


@pytest.mark.parametrize(
    ("options", "key", "words"),
    [
        ({}, "ptt", "is missing"),
        ({"ptt": "!"}, "ptt", "number or name"),
        ({"ptt": "17", "carrier": "!17"}, "carrier", "that ptt uses"),
        ({"ptt": 17}, "ptt", "must be text"),
    ],
)
def test_faults_are_named_by_key(options: dict[str, object], key: str, words: str) -> None:
    assert words in dict(registry.check_options("control", "gpio", options))[key]
