import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import StoreUnavailable
from gateway.supervise import Pulse, ServiceLink


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The service manager's end of the notification socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.setblocking(False)
        yield end


def told(manager: socket.socket) -> list[str]:
    lines = []
    while True:
        try:
            lines += manager.recv(4096).decode().splitlines()
        except BlockingIOError:
            return lines


def link(manager: socket.socket, **more: str) -> ServiceLink:
    return ServiceLink({"NOTIFY_SOCKET": manager.getsockname(), **more})


async def answers() -> None:
    return


def test_ready_and_stopping_are_told(manager: socket.socket) -> None:
    service = link(manager)

    service.ready("listening on ch1")
    service.stopping()

    assert told(manager) == ["READY=1", "STATUS=listening on ch1", "STOPPING=1"]


def test_an_abstract_socket_is_found() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind("\0radio-gateway-test-notify")
        ServiceLink({"NOTIFY_SOCKET": "@radio-gateway-test-notify"}).alive()

        assert end.recv(100) == b"WATCHDOG=1"


def test_nobody_to_tell_is_no_fault() -> None:
    ServiceLink({}).ready("x")
    ServiceLink({"NOTIFY_SOCKET": "/nowhere/at/all"}).ready("x")


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_managers_patience_is_read(environment: dict[str, str], seconds: float | None) -> None:
    assert ServiceLink(environment).watchdog_s == seconds


def test_a_gateway_that_listens_and_stores_is_alive(manager: socket.socket) -> None:
    assert asyncio.run(Pulse(link(manager), list, answers).beat())
    assert told(manager) == ["WATCHDOG=1"]


def test_a_store_that_refuses_is_alive_because_a_restart_frees_no_disk(manager: socket.socket) -> None:
    async def refuses() -> None:
        raise StoreUnavailable("disk full")

    assert asyncio.run(Pulse(link(manager), list, refuses).beat())
    assert told(manager) == ["WATCHDOG=1"]


def test_a_hung_radio_or_store_is_not_alive(manager: socket.socket) -> None:
    async def hangs() -> None:
        await asyncio.sleep(60)

    async def look() -> None:
        soon = link(manager, WATCHDOG_USEC="30000")
        assert not await Pulse(soon, lambda: ["ch1"], answers).beat()
        assert not await Pulse(soon, list, hangs).beat()

    asyncio.run(look())
    assert told(manager) == []
