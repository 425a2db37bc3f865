import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import dmr858, registry, serialmodule
from drivers.base import Carrier, DeviceLost, DeviceMissing, DeviceMisused
from drivers.dmr858 import Dmr858Control, Dmr858Options
from drivers.dmrframe import DmrFrame, DmrFrameReader, ones_complement
from tests.support import radiomodules

Plug = Callable[..., Any]


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dmr858, "ANSWER_S", 0.25)
    monkeypatch.setattr(serialmodule, "ASK_S", 0.02)


@pytest.fixture
def module() -> Any:
    return radiomodules.DmrModule()


@pytest.fixture
def plug(plug_in: Plug, module: Any) -> Plug:
    def plug(**manner: Any) -> Any:
        return plug_in(module.answer, take=radiomodules.take_dmr_frame, **manner)

    return plug


def control(port: Any, **more: Any) -> Dmr858Control:
    return Dmr858Control(Dmr858Options(port.path, **more))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5.0
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def is_open(radio: Dmr858Control) -> bool:
    carrier = radio.carrier()
    return carrier is not None and carrier.is_open


def is_closed(radio: Dmr858Control) -> bool:
    return radio.carrier() == Carrier(is_open=False)


@pytest.mark.parametrize(
    "manner", [{}, {"drip": True}, {"noise": b"\x00\x10\x68\x01"}, {"drip": True, "noise": b"h"}]
)
def test_a_module_is_set_and_tells_who_calls(plug: Plug, module: Any, manner: dict[str, Any]) -> None:
    with control(plug(**manner), channel=3, volume=7, squelch=2, rssi_zero_dbm=-160.0) as radio:
        assert module.set_to == {0x01: 3, 0x02: 7, 0x12: 2}
        assert radio.identify() == "NiceRF DMR, DMR858M_V1.2"
        wait_until(lambda: is_closed(radio))
        assert radio.caller_id() is None
        module.caller, module.status = 4_601_234, 1
        wait_until(lambda: radio.caller_id() == "dmr:4601234")
        assert radio.carrier() == Carrier(is_open=True, rssi_dbm=-70.0)
        module.status = 3
        wait_until(lambda: is_closed(radio))
        assert radio.caller_id() == "dmr:4601234"


def test_a_report_names_the_caller_before_anybody_asks(plug: Plug, module: Any) -> None:
    port = plug()
    with control(port) as radio:
        wait_until(lambda: is_closed(radio))
        port.send(module.report(1_000_001))
        wait_until(lambda: radio.caller_id() == "dmr:1000001")
        module.caller, module.status = 999, 1
        wait_until(lambda: is_open(radio))
        time.sleep(0.1)
        assert radio.caller_id() == "dmr:1000001"


def test_the_caller_before_is_forgotten_when_an_analogue_call_begins(plug: Plug, module: Any) -> None:
    port = plug()
    with control(port) as radio:
        port.send(module.report(1_000_001))
        module.status = 1
        wait_until(lambda: is_open(radio) and radio.caller_id() == "dmr:1000001")
        port.send(module.report(0, status=0x6F))
        module.status = 3
        wait_until(lambda: is_closed(radio))
        module.call_type, module.status = 0, 1
        wait_until(lambda: is_open(radio) and radio.caller_id() is None)


def test_the_order_of_an_id_can_be_turned_round(plug: Plug, module: Any) -> None:
    module.caller, module.status = 0x010203, 1
    with control(plug(), id_order="little") as radio:
        wait_until(lambda: radio.caller_id() == f"dmr:{0x030201}")


def test_what_is_not_set_is_left_alone(plug: Plug, module: Any) -> None:
    with control(plug()):
        assert not module.set_to


def test_a_refused_channel_is_named(plug: Plug, module: Any) -> None:
    module.refuses = 0x01
    with pytest.raises(DeviceMisused, match="refuses channel 9: no such channel"):
        control(plug(), channel=9).open()


def test_silence_is_a_missing_module_and_falling_silent_a_lost_one(
    plug: Plug, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dmr858, "ANSWER_S", 0.05)
    port = plug()
    radio = control(port)
    port.is_mute = True
    with pytest.raises(DeviceMissing, match="no DMR module answers"):
        radio.open()
    port.is_mute = False
    radio.open()
    wait_until(lambda: is_closed(radio))
    port.is_mute = True
    with pytest.raises(DeviceLost, match="answers no more"):
        wait_until(lambda: is_open(radio))
    radio.close()
    port.is_mute = False
    with radio:
        wait_until(lambda: is_closed(radio))
        port.unplug()
        with pytest.raises(DeviceLost, match="is gone"):
            wait_until(lambda: is_open(radio))


@pytest.mark.parametrize(
    ("options", "key"), [({"channel": 17}, "channel"), ({"volume": 0}, "volume"), ({}, "port")]
)
def test_faults_are_named_by_key(options: dict[str, object], key: str) -> None:
    port = {"port": "/dev/ttyUSB0"} if options else {}
    assert key in dict(registry.check_options("control", "dmr858", port | options))


FRAMES = st.lists(
    st.builds(DmrFrame, st.integers(0, 255), st.integers(0, 2), st.integers(0, 255), st.binary(max_size=40)),
    max_size=5,
)


@given(FRAMES, st.data())
def test_frames_are_found_however_they_are_cut(frames: list[DmrFrame], data: st.DataObject) -> None:
    sent = b"".join(frame.encode() for frame in frames)
    reader, found, at = DmrFrameReader(), [], 0
    while at < len(sent):
        length = data.draw(st.integers(1, 30))
        found += reader.feed(sent[at : at + length])
        at += length
    assert found == frames


@given(st.binary(max_size=400), st.binary(max_size=20))
def test_garbage_never_breaks_the_reader_nor_hides_frames_for_ever(garbage: bytes, data: bytes) -> None:
    frame = DmrFrame(5, 0, 0, data)
    reader = DmrFrameReader()
    reader.feed(garbage)
    found: list[DmrFrame] = []
    for _ in range(60):
        found += reader.feed(frame.encode())
    assert frame in found
    assert len(reader._bytes) < 400


def test_both_readings_of_the_checksum_are_accepted_and_no_other() -> None:
    blank = DmrFrame(0x25, 0, 0, b"V1.2x").encode()
    for said in (0, ones_complement(blank), ones_complement(blank[1:-1])):
        frame = blank[:4] + said.to_bytes(2, "big") + blank[6:]
        assert DmrFrameReader().feed(frame) == [DmrFrame(0x25, 0, 0, b"V1.2x")]
    assert not DmrFrameReader().feed(blank[:4] + b"\x12\x34" + blank[6:])


def test_the_checksum_is_that_of_the_internet_protocols() -> None:
    # RFC 1071, section 3.
    assert ones_complement(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2 ^ 0xFFFF
