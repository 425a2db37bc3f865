"""The broker configuration shipped in config/mosquitto, run as it is but for paths and port."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.errors import MissingInput
from gateway.publish.broker import Address, Broker
from gateway.publish.link import Accepted, BackOff, PahoLink, Rejected
from gateway.publish.subscribe import Subscriber

SHIPPED = Path(__file__).parents[2] / "config" / "mosquitto"
DISTRICT = "rg/v1/gz/tianhe"
ROOT = f"{DISTRICT}/shipai"


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """Certificates as the shipped script makes them."""
    script = [str(SHIPPED / "certificates.sh"), str(tmp_path), "127.0.0.1", "shipai", "dispatcher", "viewer"]
    subprocess.run(script, check=True, capture_output=True)
    return tmp_path


@pytest.fixture
def broker(make_broker: Callable[..., Any], papers: Path) -> Any:
    """Mosquitto on the shipped files."""
    mosquitto = make_broker(start=False)
    (papers / "store").mkdir()
    text = (SHIPPED / "mosquitto.conf").read_text(encoding="utf-8")
    for shipped, here in (
        ("listener 8883", f"user root\nlistener {mosquitto.port} 127.0.0.1"),
        ("/etc/mosquitto/certs", str(papers)),
        ("/etc/mosquitto/radio-gateway.acl", str(papers / "acl")),
        ("/var/lib/mosquitto", str(papers / "store")),
    ):
        assert shipped in text
        text = text.replace(shipped, here)
    acl = papers / "acl"
    acl.write_text((SHIPPED / "radio-gateway.acl").read_text(encoding="utf-8"), encoding="utf-8")
    acl.chmod(0o600)
    mosquitto._config.write_text(text, encoding="utf-8")
    mosquitto.start()
    mosquitto.url = mosquitto.url.replace("mqtt://", "mqtts://")
    return mosquitto


def access(papers: Path, url: str, name: str | None) -> Broker:
    own = {} if name is None else {"cert_file": papers / f"{name}.crt", "key_file": papers / f"{name}.key"}
    return Broker(Address.parse(url), ca_file=papers / "ca.crt", **own)


def linked(papers: Path, url: str, name: str | None, root: str = ROOT) -> PahoLink:
    async def next_session() -> int:
        return 1

    return PahoLink(access(papers, url, name), root, SystemClock(), next_session, back_off=BackOff(0.05, 0.2))


async def verdicts(link: PahoLink, *topics: str) -> list[Any]:
    link.start()
    try:
        async with asyncio.timeout(20):
            await link.connected()
            return [await link.publish(topic, b"{}") for topic in topics]
    finally:
        await link.stop()


def may(verdict: Any) -> bool:
    if isinstance(verdict, Rejected):
        assert verdict.reason_code == 0x87
    return isinstance(verdict, Accepted)


@pytest.mark.broker
def test_a_gateway_speaks_for_itself_only(broker: Any, papers: Path) -> None:
    said = asyncio.run(
        verdicts(
            linked(papers, broker.url, "shipai"),
            f"{ROOT}/evt/incident/opened",
            f"{ROOT}/state/health",
            f"{ROOT}/rsp/ping",
            f"{DISTRICT}/wushan/evt/incident/opened",
            f"{ROOT}/cmd/ping",
            "anything/else",
        )
    )

    assert [may(one) for one in said] == [True, True, True, False, False, False]


@pytest.mark.broker
def test_a_dispatcher_hears_and_commands_and_a_viewer_only_hears(broker: Any, papers: Path) -> None:
    async def scenario() -> tuple[str, list[bool], list[bool]]:
        async with Subscriber(access(papers, broker.url, "viewer"), "map", ["rg/v1/+/+/+/evt/#"]) as viewer:
            await viewer.subscribed()
            await verdicts(linked(papers, broker.url, "shipai"), f"{ROOT}/evt/incident/opened")
            async with asyncio.timeout(10):
                heard = await anext(aiter(viewer))
        asked = (f"{ROOT}/cmd/ping", f"{ROOT}/evt/incident/opened")
        elsewhere = f"{DISTRICT}/none"
        dispatcher = await verdicts(linked(papers, broker.url, "dispatcher", elsewhere), *asked)
        onlooker = await verdicts(linked(papers, broker.url, "viewer", elsewhere), *asked)
        return heard.topic, [may(one) for one in dispatcher], [may(one) for one in onlooker]

    topic, dispatcher, onlooker = asyncio.run(scenario())
    assert topic == f"{ROOT}/evt/incident/opened"
    assert dispatcher == [True, False]
    assert onlooker == [False, False]


@pytest.mark.broker
def test_nobody_comes_in_without_a_certificate(broker: Any, papers: Path) -> None:
    async def scenario() -> bool:
        link = linked(papers, broker.url, None)
        link.start()
        try:
            async with asyncio.timeout(1.0):
                await link.connected()
        except TimeoutError:
            return False
        finally:
            await link.stop()
        return True

    assert not asyncio.run(scenario())


def test_a_password_comes_from_a_systemd_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Broker(Address.parse("mqtt://x"), password_credential="mqtt-password")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(MissingInput, match="LoadCredential"):
        asked.password()

    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(MissingInput, match="cannot be read"):
        asked.password()

    (tmp_path / "mqtt-password").write_text("secret\n", encoding="utf-8")
    assert asked.password() == "secret"
