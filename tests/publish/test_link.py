"""The link on real brokers: mosquitto for MQTT 5, amqtt for 3.1.1, and rude loopback stubs."""

import asyncio
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.config import MqttSettings
from gateway.errors import BadConfig
from gateway.publish.broker import Address, Broker
from gateway.publish.connection import LinkDown
from gateway.publish.link import Accepted, BackOff, Link, LinkState, PahoLink, Rejected
from gateway.publish.memory import MemoryLink
from gateway.publish.subscribe import Subscriber

ROOT = "rg/v1/gz/tianhe/shipai"
AVAILABILITY = f"{ROOT}/state/availability"
MakeBroker = Callable[..., Any]
TopicList = list[tuple[str, Any]]


def make_link(url: str, states: list[LinkState] | None = None, **more: Any) -> PahoLink:
    session = iter(range(1, 1000))

    async def next_session() -> int:
        return next(session)

    broker = Broker(Address.parse(url), **more.pop("broker", {}))
    return PahoLink(
        broker,
        ROOT,
        SystemClock(),
        next_session,
        on_change=(states if states is not None else []).append,
        back_off=BackOff(0.05, 0.2),
        **more,
    )


@asynccontextmanager
async def linked(url: str, states: list[LinkState] | None = None, **more: Any) -> AsyncIterator[PahoLink]:
    link = make_link(url, states, **more)
    link.start()
    try:
        yield link
    finally:
        await link.stop()


async def soon(awaitable: Awaitable[Any], seconds: float = 20.0) -> Any:
    async with asyncio.timeout(seconds):
        return await awaitable


async def until(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - polls what another process does
            await asyncio.sleep(0.01)


@asynccontextmanager
async def listening(url: str, *filters: str) -> AsyncIterator[TopicList]:
    """Collect what arrives, as (topic, document)."""
    got: TopicList = []
    async with Subscriber(Broker(Address.parse(url)), "test-listener", filters) as subscriber:

        async def collect() -> None:
            async for received in subscriber:
                got.append((received.topic, received.document))

        collecting = asyncio.create_task(collect())
        await soon(subscriber.subscribed())
        yield got
        collecting.cancel()


# One contract for every link -------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "mosquitto"])
def open_link(request: pytest.FixtureRequest, make_broker: MakeBroker) -> Callable[[], Any]:
    @asynccontextmanager
    async def memory() -> AsyncIterator[tuple[Link, Callable[[], None]]]:
        link = MemoryLink(SystemClock())
        yield link, link.go_down

    @asynccontextmanager
    async def real() -> AsyncIterator[tuple[Link, Callable[[], None]]]:
        broker = make_broker()
        async with linked(broker.url) as link:
            yield link, broker.kill

    return memory if request.param == "memory" else real


def test_contract_a_connected_link_accepts_and_says_how_it_is(open_link: Any) -> None:
    async def scenario() -> None:
        async with open_link() as (link, _):
            await soon(link.connected())
            assert link.state.is_connected
            assert link.state.session >= 1
            assert link.state.trouble is None
            assert link.receive_maximum >= 16
            verdicts = await soon(asyncio.gather(*(link.publish(f"{ROOT}/t", b"x") for _ in range(50))))
            assert all(isinstance(verdict, Accepted) for verdict in verdicts)

    asyncio.run(scenario())


def test_contract_a_broken_link_refuses_at_once_and_says_so(open_link: Any) -> None:
    async def scenario() -> None:
        async with open_link() as (link, break_it):
            await soon(link.connected())
            break_it()
            await soon(link.disconnected())
            assert not link.state.is_connected
            assert link.state.trouble
            with pytest.raises(LinkDown):
                await soon(link.publish(f"{ROOT}/t", b"x"), 1)

    asyncio.run(scenario())


# The real one ----------------------------------------------------------------------------------------------


@pytest.mark.broker
def test_availability_goes_online_and_offline_with_the_same_session(make_broker: MakeBroker) -> None:
    async def scenario() -> TopicList:
        broker = make_broker()
        async with listening(broker.url, AVAILABILITY) as got:
            async with linked(broker.url) as link:
                await soon(link.connected())
                await until(lambda: len(got) == 1)
            await until(lambda: len(got) == 2)
            return got

    (_, online), (_, offline) = asyncio.run(scenario())
    assert (online["state"], online["session"]) == ("online", 1)
    assert (offline["state"], offline["session"]) == ("offline", 1)
    assert offline["since"] >= online["since"]


@pytest.mark.broker
def test_the_last_will_says_offline_when_the_gateway_is_gone_without_a_goodbye(
    make_broker: MakeBroker,
) -> None:
    async def scenario() -> TopicList:
        broker = make_broker()
        async with listening(broker.url, AVAILABILITY) as got, linked(broker.url) as link:
            await soon(link.connected())
            await until(lambda: len(got) == 1)
            assert link._connection is not None
            sock = link._connection._client.socket()
            assert sock is not None
            sock.shutdown(2)
            await until(lambda: len(got) == 3)
            return got[:3]

    documents = [document for _, document in asyncio.run(scenario())]
    assert [(d["state"], d["session"]) for d in documents] == [("online", 1), ("offline", 1), ("online", 2)]


@pytest.mark.broker
def test_mqtt_5_is_spoken_first_and_tells_when_nobody_listens(make_broker: MakeBroker) -> None:
    async def scenario() -> None:
        broker = make_broker()
        async with linked(broker.url) as link:
            await soon(link.connected())
            assert link.state.protocol == "5"
            assert await link.publish(f"{ROOT}/t", b"x") == Accepted(nobody_listens=True)
            async with listening(broker.url, f"{ROOT}/#"):
                assert await link.publish(f"{ROOT}/t", b"{}") == Accepted()

    asyncio.run(scenario())


@pytest.mark.broker
def test_an_acl_refusal_is_a_verdict_and_not_a_success(make_broker: MakeBroker, tmp_path: Path) -> None:
    acl = tmp_path / "acl"
    acl.write_text(f"topic readwrite {AVAILABILITY}\ntopic readwrite {ROOT}/evt/allowed\n", encoding="utf-8")

    async def scenario() -> None:
        broker = make_broker(f"acl_file {acl}")
        async with linked(broker.url) as link:
            await soon(link.connected())
            verdict = await link.publish(f"{ROOT}/evt/forbidden", b"x")
            assert verdict == Rejected(0x87, retryable=False)
            assert str(verdict) == "not authorized (0x87)"
            # mosquitto 2.0.11 says so and then hangs up, later versions stay.
            await asyncio.sleep(0.1)
            await soon(link.connected())
            assert isinstance(await link.publish(f"{ROOT}/evt/allowed", b"x"), Accepted)

    asyncio.run(scenario())


@pytest.mark.broker
def test_a_message_larger_than_the_broker_takes_is_refused_without_breaking_the_link(
    make_broker: MakeBroker,
) -> None:
    async def scenario() -> None:
        broker = make_broker("max_packet_size 20000")
        async with linked(broker.url) as link:
            await soon(link.connected())
            assert await link.publish(f"{ROOT}/t", b"x" * 30_000) == Rejected(0x95, retryable=False)
            assert isinstance(await link.publish(f"{ROOT}/t", b"x" * 10_000), Accepted)
            assert link.state.session == 1

    asyncio.run(scenario())


@pytest.mark.broker
def test_a_broker_that_is_away_is_tried_again_until_it_comes(make_broker: MakeBroker) -> None:
    async def scenario() -> list[LinkState]:
        broker = make_broker(start=False)
        states: list[LinkState] = []
        async with linked(broker.url, states) as link:
            await until(lambda: states)
            with pytest.raises(LinkDown):
                await link.publish(f"{ROOT}/t", b"x")
            await asyncio.to_thread(broker.start)
            await soon(link.connected())
            broker.kill()
            await soon(link.disconnected())
            await asyncio.to_thread(broker.start)
            await soon(link.connected())
            assert isinstance(await link.publish(f"{ROOT}/t", b"x"), Accepted)
        return states

    states = asyncio.run(scenario())
    assert "nobody listens there; start the broker, or correct the address" in (states[0].trouble or "")
    sessions = [state.session for state in states if state.is_connected]
    assert sessions == sorted(set(sessions))


@pytest.mark.broker
def test_a_wrong_password_is_said_in_words_and_the_right_one_works_without_a_restart(
    make_broker: MakeBroker, tmp_path: Path
) -> None:
    users, secret = tmp_path / "users", tmp_path / "secret"
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", users, "shipai", "right"], check=True, capture_output=True
    )
    secret.write_text("wrong\n", encoding="utf-8")

    async def scenario() -> str | None:
        broker = make_broker("allow_anonymous false", f"password_file {users}")
        access = {"username": "shipai", "password_file": secret}
        async with linked(broker.url, broker=access) as link:
            await until(lambda: "let us in" in (link.state.trouble or ""))
            said = link.state.trouble
            secret.write_text("right\n", encoding="utf-8")
            await soon(link.connected())
            secret.unlink()
        return said

    said = asyncio.run(scenario())
    assert said is not None
    assert "check mqtt.username and mqtt.password_file" in said
    assert "wrong" not in said


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True)

    for name in ("ca", "stranger"):
        openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}"),
        )
    (tmp_path / "san").write_text("subjectAltName=IP:127.0.0.1\n", encoding="utf-8")
    for name, more in (("server", ("-extfile", "san")), ("gateway", ())):
        openssl(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}"),
        )
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-out", f"{name}.pem", "-days", "2", *more),
        )
    return tmp_path


@pytest.mark.broker
def test_tls_with_a_client_certificate_and_what_is_said_when_the_ca_is_not_ours(
    make_broker: MakeBroker, certificates: Path
) -> None:
    async def scenario() -> str | None:
        broker = make_broker(
            f"cafile {certificates}/ca.pem",
            f"certfile {certificates}/server.pem",
            f"keyfile {certificates}/server.key",
            "require_certificate true",
        )
        url = broker.url.replace("mqtt://", "mqtts://")
        ours = {"cert_file": certificates / "gateway.pem", "key_file": certificates / "gateway.key"}
        async with linked(url, broker={**ours, "ca_file": certificates / "ca.pem"}) as link:
            await soon(link.connected())
            assert isinstance(await link.publish(f"{ROOT}/t", b"x"), Accepted)
        async with linked(url, broker={**ours, "ca_file": certificates / "stranger.pem"}) as link:
            await until(lambda: "certificate" in (link.state.trouble or ""))
            return link.state.trouble

    said = asyncio.run(scenario())
    assert said is not None
    assert "is not trusted" in said
    assert "check mqtt.ca_file" in said


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1(make_broker: MakeBroker, amqtt_broker: Any) -> None:
    async def scenario() -> None:
        port = make_broker(start=False).port
        url = f"mqtt://127.0.0.1:{port}"
        async with amqtt_broker(port):
            quickly = {"connect_timeout_s": 0.5}
            async with listening(url, f"{ROOT}/#") as got, linked(url, broker=quickly) as link:
                await soon(link.connected())
                assert link.state.protocol == "3.1.1"
                verdict = await link.publish(f"{ROOT}/t", b'{"a":1}', content_type="application/json")
                assert verdict == Accepted()
                await until(lambda: (f"{ROOT}/t", {"a": 1}) in got)
                assert got[0][1]["state"] == "online"

    asyncio.run(scenario())


@asynccontextmanager
async def rude_broker(
    answer: Callable[[bytes, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A loopback server that gets each CONNECT's protocol level and may do what it likes."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while packet := await reader.read(4096):
                await answer(packet, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def protocol_level(connect: bytes) -> int | None:
    """The byte behind the name MQTT in a CONNECT packet, None for other packets."""
    return connect[connect.index(b"MQTT") + 4] if connect[0] == 0x10 else None


def test_a_broker_that_hangs_up_on_mqtt_5_is_spoken_to_in_3_1_1() -> None:
    levels: list[int] = []

    async def answer(packet: bytes, writer: asyncio.StreamWriter) -> None:
        level = protocol_level(packet)
        if level is not None:
            levels.append(level)
            writer.write(b"\x20\x02\x00\x00") if level == 4 else writer.close()

    async def scenario() -> None:
        async with rude_broker(answer) as url, linked(url) as link:
            await soon(link.connected())
            assert link.state.protocol == "3.1.1"

    asyncio.run(scenario())
    assert levels == [5, 4]


def test_a_broker_that_stops_acknowledging_is_left_and_tried_anew() -> None:
    connects: list[int] = []

    async def answer(packet: bytes, writer: asyncio.StreamWriter) -> None:
        level = protocol_level(packet)
        if level is not None:
            connects.append(level)
            writer.write(b"\x20\x03\x00\x00\x00")

    async def scenario() -> None:
        states: list[LinkState] = []
        async with rude_broker(answer) as url, linked(url, states, ack_timeout_s=0.3) as link:
            await soon(link.connected())
            with pytest.raises(LinkDown, match="no acknowledgement within"):
                await soon(link.publish(f"{ROOT}/t", b"x"))
            await soon(link.disconnected())
            await until(lambda: len(connects) >= 2)

    asyncio.run(scenario())


def test_something_that_is_no_broker_is_said_in_words() -> None:
    async def answer(packet: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async def scenario() -> str | None:
        async with rude_broker(answer) as url, linked(url) as link:
            await until(lambda: (link.state.trouble or "").startswith("mqtt://"))
            return link.state.trouble

    assert "without an answer" in (asyncio.run(scenario()) or "")


@pytest.mark.broker
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_network_thread_is_noticed_and_replaced(make_broker: MakeBroker) -> None:
    async def scenario() -> list[LinkState]:
        broker = make_broker()
        states: list[LinkState] = []
        async with linked(broker.url, states, ack_timeout_s=2.0) as link:
            await soon(link.connected())
            assert link._connection is not None

            def fall_over(*_: object) -> None:
                raise SystemError("as if paho had a bug")

            link._connection._client._loop = fall_over  # type: ignore[assignment]
            await soon(link.disconnected())
            await soon(link.connected())
            assert isinstance(await link.publish(f"{ROOT}/t", b"x"), Accepted)
        return states

    states = asyncio.run(scenario())
    assert any("network thread died" in (state.trouble or "") for state in states)


@pytest.mark.broker
def test_stopping_leaves_no_thread_even_with_messages_unacknowledged() -> None:
    async def answer(packet: bytes, writer: asyncio.StreamWriter) -> None:
        if protocol_level(packet) is not None:
            writer.write(b"\x20\x03\x00\x00\x00")

    async def scenario() -> None:
        async with rude_broker(answer) as url:
            link = make_link(url)
            link.start()
            await soon(link.connected())
            owed = asyncio.create_task(link.publish(f"{ROOT}/t", b"x"))
            await asyncio.sleep(0.05)
            await soon(link.stop(), 10)
            with pytest.raises(LinkDown):
                await owed
            await link.stop()
        assert not [t for t in threading.enumerate() if t.name.startswith("paho")]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("mqtt://127.0.0.1", ("127.0.0.1", 1883, False)),
        ("mqtts://broker.example", ("broker.example", 8883, True)),
        ("mqtt://[::1]:2000/", ("::1", 2000, False)),
    ],
)
def test_an_address_is_read(url: str, meant: tuple[str, int, bool]) -> None:
    address = Address.parse(url)
    assert (address.host, address.port, address.tls) == meant
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://x", "must start with mqtt:// or mqtts://"),
        ("mqtt://", "names no host"),
        ("mqtt://x:0", "not a number from 1 to 65535"),
        ("mqtt://x:99999", "not a number from 1 to 65535"),
        ("mqtt://x:port", "not a number from 1 to 65535"),
        ("mqtt://user:secret@x", "use username and password_file"),
        ("mqtt://x/topic", "something after the port"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        Address.parse(url)
    assert "secret" not in str(refusal.value)
    with pytest.raises((BadConfig, ValueError)):
        Broker.from_settings(MqttSettings(url=url))


def test_certificates_without_tls_are_a_fault_in_the_config() -> None:
    with pytest.raises(BadConfig, match=r"mqtt\.url: ca_file"):
        Broker.from_settings(MqttSettings(url="mqtt://x", ca_file=Path("ca.pem")))


def test_waits_double_up_to_the_cap_and_start_over() -> None:
    back_off = BackOff(1.0, 30.0)
    waits = [back_off.next_s() for _ in range(8)]
    for n, wait in enumerate(waits):
        assert min(30.0, 2.0**n) <= wait <= min(30.0, 1.5 * 2.0**n)
    back_off.reset()
    assert back_off.next_s() <= 1.5


def test_tls_always_verifies(certificates: Path) -> None:
    context = Broker(Address.parse("mqtts://x"), ca_file=certificates / "ca.pem").tls_context()
    assert context is not None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
