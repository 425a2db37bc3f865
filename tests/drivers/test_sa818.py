import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import registry, sa818, serialmodule
from drivers.atdialects import CTCSS_HZ, DIALECTS, NiceRf, SunRise, Tone, Tuning
from drivers.atreply import Reply, ReplyReader
from drivers.base import Carrier, DeviceLost, DeviceMissing, DeviceMisused
from drivers.sa818 import Sa818Control, Sa818Options
from tests.support import radiomodules

PlugIn = Callable[..., Any]


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for dialect in (NiceRf, SunRise):
        monkeypatch.setattr(dialect, "pause_s", 0.0)
    monkeypatch.setattr(sa818, "REPLY_S", 0.25)
    monkeypatch.setattr(serialmodule, "ASK_S", 0.02)


def control(port: str, **more: Any) -> Sa818Control:
    return Sa818Control(Sa818Options(port, **{"rx_mhz": 409.75} | more))


def wait_for_carrier(radio: Sa818Control, wanted: Callable[[Carrier], bool]) -> Carrier:
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        carrier = radio.carrier()
        if carrier is not None and wanted(carrier):
            return carrier
        time.sleep(0.01)
    pytest.fail("the carrier never became what was waited for")


MANNERS = [{}, {"drip": True}, {"noise": b"\x00\xff\xfe\r\n\x80"}, {"drip": True, "noise": b"\xf0\x01"}]


@pytest.mark.parametrize("manner", MANNERS)
def test_a_nicerf_module_is_set_and_heard(plug_in: PlugIn, manner: dict[str, Any]) -> None:
    module = radiomodules.NiceRfModule()
    port = plug_in(module.answer, **manner)
    options = {"tx_mhz": 410.5, "rx_tone": "88.5", "tx_tone": "D023N", "squelch": 2, "volume": 7}
    with control(port.path, **options, rssi_zero_dbm=-140.0) as radio:
        assert module.group == "0,410.5000,409.7500,023N,2,0008"
        assert module.volume == "7"
        assert radio.identify() == "NiceRF SA818, SA818_V4.0"
        assert wait_for_carrier(radio, lambda carrier: True) == Carrier(is_open=False, rssi_dbm=-12.0)
        module.is_receiving = True
        module.rssi = "RSSI:040"
        assert wait_for_carrier(radio, lambda carrier: carrier.is_open).rssi_dbm in {-12.0, -100.0}
        assert wait_for_carrier(radio, lambda carrier: carrier.rssi_dbm == -100.0).is_open


@pytest.mark.parametrize("manner", MANNERS)
def test_a_sunrise_module_is_set_and_heard(plug_in: PlugIn, manner: dict[str, Any]) -> None:
    module = radiomodules.SunRiseModule()
    port = plug_in(module.answer, **manner)
    options = {"tx_mhz": 410.5, "rx_tone": "250.3", "tx_tone": "D251I", "bandwidth_khz": 25.0}
    with control(port.path, **options) as radio:
        # The tones are those of the manual's own examples.
        assert module.group == b"409.75000,410.50000,\x03\x25,\x51\xc2,0,0"
        assert (module.function, module.volume) == (b"4,5,3,0,0", b"6")
        assert radio.identify() == "SunRise SR, 110U-V223"
        assert not wait_for_carrier(radio, lambda carrier: True).is_open
        module.rssi = 65
        assert wait_for_carrier(radio, lambda carrier: carrier.is_open).rssi_dbm == -90.0


def test_nothing_is_set_before_the_module_is_known(plug_in: PlugIn) -> None:
    module = radiomodules.NiceRfModule()
    with control(plug_in(module.answer).path):
        greeted = module.asked.index(b"AT+DMOCONNECT")
        assert not any(b"=" in line for line in module.asked[:greeted])


def test_what_is_neither_is_refused_and_quoted(plug_in: PlugIn) -> None:
    port = plug_in(lambda line: b"OK\r\nERROR: unknown command\r\n")
    with pytest.raises(DeviceMisused, match="neither a SA818 nor a SunRise module: it says 'ERROR: unknown"):
        control(port.path).open()


def test_silence_and_an_echo_are_a_missing_module(plug_in: PlugIn) -> None:
    for answer in (lambda _line: b"", lambda line: line + b"\r\n"):
        radio = control(plug_in(answer).path)
        with pytest.raises((DeviceMissing, DeviceMisused)) as caught:
            radio.open()
        assert "no module answers" in str(caught.value) or "'AT+DMO" in str(caught.value)


def test_a_refused_setting_is_named(plug_in: PlugIn) -> None:
    module = radiomodules.NiceRfModule(refuses="SETGROUP")
    with pytest.raises(DeviceMisused, match=r"refuses AT\+DMOSETGROUP=0,409.7500"):
        control(plug_in(module.answer).path).open()


def test_a_module_that_was_set_otherwise_is_noticed(plug_in: PlugIn) -> None:
    module = radiomodules.NiceRfModule()

    def forgetful(line: bytes) -> bytes:
        said: bytes = module.answer(line)
        module.group = "0,400.0000,400.0000,0000,4,0000"
        return said

    with pytest.raises(DeviceMissing, match=r"not set as asked: it says 0,400.0000"):
        control(plug_in(forgetful).path).open()


@pytest.mark.parametrize("read_back", ["", "0,409.75000,409.75,0000,4,0000", "something else"])
def test_a_module_that_reads_back_otherwise_or_not_is_fine(plug_in: PlugIn, read_back: str) -> None:
    module = radiomodules.NiceRfModule(reads_back=False)

    def answer(line: bytes) -> bytes:
        if line == b"AT+DMOREADGROUP" and read_back:
            return f"+DMOREADGROUP:{read_back}\r\n".encode()
        said: bytes = module.answer(line)
        return said

    with control(plug_in(answer).path) as radio:
        assert radio.identify()


def test_frequencies_the_dialect_cannot_write_are_refused(plug_in: PlugIn) -> None:
    port = plug_in(radiomodules.NiceRfModule().answer)
    with pytest.raises(DeviceMisused, match=r"446\.00625 MHz cannot be set: the module takes 4 decimals"):
        control(port.path, rx_mhz=446.00625).open()
    sunrise = radiomodules.SunRiseModule()
    with control(plug_in(sunrise.answer).path, rx_mhz=446.00625):
        assert sunrise.group.startswith(b"446.00625,446.00625,\xff\xff,\xff\xff,2")


def test_it_is_keyed_by_a_line_and_left_alone_meanwhile(plug_in: PlugIn) -> None:
    module = radiomodules.NiceRfModule(is_receiving=True)
    port = plug_in(module.answer)
    with control(port.path, ptt="rts", ptt_port="loop://") as radio:
        wait_for_carrier(radio, lambda carrier: carrier.is_open)
        radio.key()
        assert radio._ptt_port.line("cts")
        assert radio.carrier() == Carrier(is_open=False)
        time.sleep(0.1)
        asked = len(module.asked)
        time.sleep(0.2)
        assert len(module.asked) == asked
        radio.unkey()
        assert not radio._ptt_port.line("cts")
        wait_for_carrier(radio, lambda carrier: carrier.is_open)
    with control(port.path) as radio, pytest.raises(DeviceMisused, match="no ptt"):
        radio.key()


def test_a_module_that_falls_silent_or_is_unplugged_is_lost(
    plug_in: PlugIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sa818, "REPLY_S", 0.05)
    port = plug_in(radiomodules.NiceRfModule().answer)
    radio = control(port.path)
    for ending in ("is_mute", "unplug"):
        port.is_mute = False
        radio.open()
        wait_for_carrier(radio, lambda carrier: True)
        if ending == "is_mute":
            port.is_mute = True
        else:
            port.unplug()
        with pytest.raises(DeviceLost, match=r"answers no more|is gone"):
            wait_for_carrier(radio, lambda carrier: False)
        radio.close()
    with pytest.raises(DeviceMissing):
        radio.open()


@pytest.mark.parametrize(
    ("options", "key", "words"),
    [
        ({"rx_mhz": 27.0}, "rx_mhz", "from 100"),
        ({"rx_mhz": 409.75, "tx_mhz": 900.0}, "tx_mhz", "from 100"),
        ({"rx_mhz": 409.75, "rx_tone": "88.6"}, "rx_tone", "CTCSS tone such as"),
        ({"rx_mhz": 409.75, "tx_tone": "D089N"}, "tx_tone", "CTCSS tone such as"),
        ({"rx_mhz": 409.75, "bandwidth_khz": 20.0}, "bandwidth_khz", "12.5 or 25"),
        ({"rx_mhz": 409.75, "squelch": 9}, "squelch", "from 0 to 8"),
        ({"rx_mhz": 409.75, "volume": 0}, "volume", "from 1 to 8"),
        ({"rx_mhz": 409.75, "ptt_port": "/dev/x"}, "ptt_port", "without ptt"),
        ({"rx_mhz": 409.75, "ptt": "cts"}, "ptt", "no line 'cts'"),
    ],
)
def test_faults_are_named_by_key(options: dict[str, object], key: str, words: str) -> None:
    found = dict(registry.check_options("control", "sa818", {"port": "/dev/ttyUSB0", **options}))
    assert words in found[key]


NAMES = st.sampled_from(["DMOCONNECT", "DMOGRP", "VERSION", "RSSI", "S"])
REPLIES = st.lists(st.builds(Reply, NAMES, st.from_regex(r"[0-9A-Z]{1,9}", fullmatch=True)))


@given(REPLIES, st.binary(max_size=8), st.data())
def test_replies_are_found_however_they_are_cut_and_whatever_lies_between(
    replies: list[Reply], noise: bytes, data: st.DataObject
) -> None:
    quiet = bytes(byte for byte in noise if not 0x20 <= byte < 0x7F)
    sent = b"".join(quiet + f"+{reply.name}:{reply.value}\r\n".encode() for reply in replies)
    reader, found, at = ReplyReader(), [], 0
    while at < len(sent):
        length = data.draw(st.integers(1, 20))
        found += reader.feed(sent[at : at + length])
        at += length
    assert found == replies


@given(st.binary(max_size=600))
def test_garbage_never_breaks_the_reader_nor_fills_it(garbage: bytes) -> None:
    reader = ReplyReader()
    reader.feed(garbage)
    assert len(reader._line) <= 200
    reader.feed(b"\r\n")
    assert reader.feed(b"+DMOCONNECT:0\r\n") == [Reply("DMOCONNECT", "0")]


@pytest.mark.parametrize("dialect", DIALECTS)
@given(ctcss=st.sampled_from(CTCSS_HZ), code=st.from_regex(r"[0-7]{3}[NI]", fullmatch=True))
def test_every_tone_is_written_its_own_way(dialect: Any, ctcss: float, code: str) -> None:
    tones = (Tone(), Tone.read(str(ctcss)), Tone.read(f"D{code}"))
    tuning = [Tuning(409_750_000, 409_750_000, rx_tone=tone) for tone in tones]
    assert len({dialect.settings(one)[0].sent for one in tuning}) == 3


def test_sunrise_strength_follows_the_manual() -> None:
    strengths = [SunRise().dbm(raw) for raw in range(128)]
    assert (strengths[36], strengths[103], strengths[127], strengths[0]) == (-120.0, -50.0, -30.0, -120.0)
    assert strengths == sorted(strengths, key=lambda dbm: dbm or 0.0)
    assert NiceRf().dbm(100) is None
