"""Hamlib's own daemon with its dummy radio, and a made-up one for what that never does."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from drivers import registry, rigctld
from drivers.base import Carrier, DeviceLost, DeviceMissing, DeviceMisused
from drivers.rigctld import RigctldControl, RigctldOptions


def ask_directly(port: int, command: str) -> str:
    with socket.create_connection(("127.0.0.1", port), 2.0) as connection:
        connection.sendall(f"{command}\n".encode())
        return connection.recv(100).decode().strip()


def test_keys_the_radio_and_closing_releases_it(rig_daemon: Any) -> None:
    with RigctldControl(RigctldOptions(port=rig_daemon.port)) as radio:
        assert ask_directly(rig_daemon.port, "t") == "0"
        radio.key()
        assert ask_directly(rig_daemon.port, "t") == "1"
        radio.unkey()
        assert ask_directly(rig_daemon.port, "t") == "0"
        radio.key()
    assert ask_directly(rig_daemon.port, "t") == "0"


def test_tells_what_the_radio_hears_and_is(rig_daemon: Any) -> None:
    with RigctldControl(RigctldOptions(port=rig_daemon.port)) as radio:
        carrier = radio.carrier()
        assert carrier is not None
        assert not carrier.is_open
        assert carrier.rssi_dbm is not None
        assert -200.0 < carrier.rssi_dbm < 0.0
        assert radio.identify() == "Nothing much (dummy)"


@pytest.mark.parametrize(("threshold_dbm", "is_open"), [(-300.0, True), (100.0, False)])
def test_carrier_by_strength(rig_daemon: Any, threshold_dbm: float, is_open: bool) -> None:
    options = RigctldOptions(port=rig_daemon.port, carrier="strength", carrier_dbm=threshold_dbm)
    with RigctldControl(options) as radio:
        carrier = radio.carrier()
    assert carrier is not None
    assert carrier.is_open == is_open


def test_a_daemon_that_dies_is_lost_then_missing_then_back(rig_daemon: Any) -> None:
    radio = RigctldControl(RigctldOptions(port=rig_daemon.port))
    radio.open()
    rig_daemon.kill()
    for call in (radio.key, radio.unkey):
        with pytest.raises(DeviceLost, match="is gone"):
            call()
    radio.close()
    with pytest.raises(DeviceMissing, match="cannot be reached: Connection refused"):
        radio.open()
    rig_daemon.start()
    with radio:
        radio.key()


@contextmanager
def made_up(answer: Callable[[str], bytes | None]) -> Iterator[int]:
    """Serve one client after another; None hangs up."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client, client.makefile("r") as lines:
                for line in lines:
                    said = answer(line.strip())
                    if said is None:
                        break
                    client.sendall(said)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield int(server.getsockname()[1])
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def answers(**changed: bytes | None) -> Callable[[str], bytes | None]:
    known = {
        "chk_vfo": b"ChkVFO: 0\n",
        "get_ptt": b"get_ptt:\nPTT: 0\nRPRT 0\n",
        "get_dcd": b"get_dcd:\nDCD: 1\nRPRT 0\n",
        "l STRENGTH": b"get_level: STRENGTH\n10\nRPRT 0\n",
        "T 1": b"set_ptt: 1\nRPRT 0\n",
        "T 0": b"set_ptt: 0\nRPRT 0\n",
    }
    known |= {
        name.replace("_STRENGTH", " STRENGTH").replace("T_", "T "): said for name, said in changed.items()
    }
    return lambda line: known[line.removeprefix("+").removeprefix("\\")]


def control(port: int, **more: Any) -> RigctldControl:
    return RigctldControl(RigctldOptions(port=port, **more))


def test_an_open_squelch_has_a_strength() -> None:
    with made_up(answers()) as port, control(port) as radio:
        assert radio.carrier() == Carrier(is_open=True, rssi_dbm=-83.0)


def test_what_the_radio_cannot_tell_is_none() -> None:
    unable = b"get_dcd:\nRPRT -11\n"
    with made_up(answers(get_dcd=unable, l_STRENGTH=unable)) as port, control(port) as radio:
        assert radio.carrier() is None
    with made_up(answers(l_STRENGTH=unable)) as port:
        with control(port) as radio:
            assert radio.carrier() == Carrier(is_open=True)
        with control(port, carrier="strength") as radio:
            assert radio.carrier() is None
        with control(port, carrier="none") as radio:
            assert radio.carrier() is None


def test_an_older_and_a_newer_answer_to_chk_vfo() -> None:
    for said in (b"CHKVFO 0\n", b"ChkVFO: 0\nRPRT 0\n"):
        with made_up(answers(chk_vfo=said)) as port, control(port) as radio:
            time.sleep(0.02)
            assert radio.carrier() == Carrier(is_open=True, rssi_dbm=-83.0)


def test_one_that_hangs_up_while_it_lets_go_of_its_last_client_is_asked_again() -> None:
    hang_ups, answer = iter([None, None]), answers()
    with made_up(lambda line: next(hang_ups, answer(line))) as port, control(port) as radio:
        assert radio.carrier() == Carrier(is_open=True, rssi_dbm=-83.0)


def test_one_that_wants_a_vfo_is_refused() -> None:
    with (
        made_up(answers(chk_vfo=b"ChkVFO: 1\n")) as port,
        pytest.raises(DeviceMisused, match="start it without --vfo"),
    ):
        control(port).open()


def test_a_radio_that_does_not_answer_is_missing() -> None:
    with (
        made_up(answers(get_ptt=b"get_ptt:\nRPRT -5\n")) as port,
        pytest.raises(DeviceMissing, match=r"does not reach its radio \(Hamlib error -5\)"),
    ):
        control(port).open()


def test_a_radio_that_does_not_key_is_lost() -> None:
    with (
        made_up(answers(T_1=b"set_ptt: 1\nRPRT -9\n")) as port,
        control(port) as radio,
        pytest.raises(DeviceLost, match="does not obey T 1"),
    ):
        radio.key()


def test_what_is_no_rigctld_is_refused_and_one_that_hangs_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rigctld, "ANSWER_S", 0.1)
    with made_up(lambda _line: b"") as port, pytest.raises(DeviceMisused, match="not answer as a rigctld"):
        control(port).open()
    with made_up(answers(get_dcd=b"get_dcd:\n")) as port, control(port) as radio:
        with pytest.raises(DeviceLost, match="is gone"):
            radio.carrier()
        # A late answer must not be taken for that to another command.
        with pytest.raises(DeviceLost, match="is gone"):
            radio.unkey()
    with (
        made_up(answers(T_1=None)) as port,
        control(port) as radio,
        pytest.raises(DeviceLost, match="it hung up"),
    ):
        radio.key()


def test_faults_are_named_by_key() -> None:
    assert "from 1 to" in dict(registry.check_options("control", "rigctld", {"port": 0}))["port"]
    assert "'dcd'" in dict(registry.check_options("control", "rigctld", {"carrier": "cd"}))["carrier"]
