"""What every control does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from drivers import registry
from drivers.base import DeviceLost, RadioControl
from drivers.cm108 import Cm108Control, Cm108Options
from drivers.none import NoneControl
from drivers.virtual import VirtualRadio
from tests.support import radiomodules


@pytest.fixture(params=sorted(registry.CONTROLS))
def control(request: pytest.FixtureRequest, tmp_path: Path) -> RadioControl:
    kind: str = request.param
    options: dict[str, dict[str, object]] = {
        "virtual": {"radio": str(tmp_path)},
        "serialline": {"port": "loop://", "ptt": "rts", "carrier": "dsr"},
        "sa818": {"rx_mhz": 409.75, "ptt": "rts", "ptt_port": "loop://"},
        "gpio": {"ptt": "17", "carrier": "27"},
    }
    more: dict[str, object] = {}
    if kind == "sa818":
        module = radiomodules.SunRiseModule()
        more = {"port": request.getfixturevalue("plug_in")(module.answer).path}
    elif kind == "dmr858":
        port = request.getfixturevalue("plug_in")(
            radiomodules.DmrModule().answer, take=radiomodules.take_dmr_frame
        )
        more = {"port": port.path, "ptt": "rts", "ptt_port": "loop://"}
    elif kind == "rigctld":
        more = {"port": request.getfixturevalue("rig_daemon").port}
    elif kind == "gpio":
        request.getfixturevalue("pins")
    elif kind == "cm108":
        chip = request.getfixturevalue("chip")
        return Cm108Control(Cm108Options("/dev/hidraw7", carrier="vol_down"), open_node=chip.open_node)
    return registry.make_control(kind, options.get(kind, {}) | more, tmp_path)


def test_keys_and_releases_any_number_of_times(control: RadioControl) -> None:
    with control:
        control.unkey()
        for _ in range(2):
            control.key()
            control.key()
            control.unkey()
            control.unkey()


def test_tells_the_carrier_or_that_it_cannot(control: RadioControl) -> None:
    with control:
        carrier = control.carrier()
        assert carrier is None or not carrier.is_open
        assert control.caller_id() is None
        assert control.identify() != ""


def test_close_may_be_called_twice_and_before_open(control: RadioControl) -> None:
    control.close()
    control.open()
    control.close()
    control.close()


def test_opening_asserts_nothing_and_closing_releases(control: RadioControl, tmp_path: Path) -> None:
    radio = VirtualRadio.named(str(tmp_path))
    control.open()
    assert not radio.is_keyed
    control.key()
    control.close()
    assert not radio.is_keyed


def test_what_is_not_open_is_lost(control: RadioControl) -> None:
    if isinstance(control, NoneControl):
        return
    calls: list[Callable[[], object]] = [control.key, control.unkey, control.carrier]
    for _ in range(2):
        for call in calls:
            with pytest.raises(DeviceLost, match="not open"):
                call()
        control.open()
        control.close()
