"""Commands over a real mosquitto, asked by mosquitto's own client programs; and over a link in memory."""

import asyncio
import json
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.clock import SystemClock
from gateway.errors import StoreUnavailable
from gateway.publish.broker import Address, Broker
from gateway.publish.commandport import REFUSALS_AT_ONCE, WAITING_ORDERS, CommandPort
from gateway.publish.commands import Gatekeeper, RefusedCommand
from gateway.publish.connection import Connection, Message, Refused
from gateway.publish.link import Accepted, BackOff, PahoLink
from gateway.publish.memory import MemoryLink
from gateway.publish.requests import REQUESTS, CommandRequest, IncidentAck, Ping, Say

ROOT = "rg/v1/gz/tianhe/shipai"
SOURCE = "urn:radio-gateway:gz:tianhe:shipai"
MakeBroker = Callable[..., Any]


@dataclass
class Carriers:
    """Stands for the desk: notes what it was asked."""

    done: list[CommandRequest] = field(default_factory=list)

    async def carry(self, request: CommandRequest) -> Mapping[str, Any]:
        if isinstance(request, IncidentAck):
            match request.incident_id:
                case "unknown":
                    raise RefusedCommand("not_found", "no such incident")
                case "full":
                    raise StoreUnavailable("disk full")
                case "bug":
                    raise ZeroDivisionError
                case "slow":
                    await asyncio.sleep(1.2)
        self.done.append(request)
        return {"n": len(self.done)}


def make_port(link: Any, carriers: Carriers, **more: Any) -> CommandPort:
    gatekeeper = Gatekeeper(frozenset(REQUESTS), **more)
    carry = {name: carriers.carry for name in REQUESTS if name != "resync"}
    return CommandPort(link, ROOT, SOURCE, SystemClock(), gatekeeper, carry)


@asynccontextmanager
async def gateway_on(url: str, carriers: Carriers) -> AsyncIterator[PahoLink]:
    session = iter(range(1, 1000))

    async def next_session() -> int:
        return next(session)

    broker = Broker(Address.parse(url), connect_timeout_s=0.5)
    link = PahoLink(broker, ROOT, SystemClock(), next_session, back_off=BackOff(0.05, 0.2))
    port = make_port(link, carriers)
    link.start()
    port.start()
    try:
        async with asyncio.timeout(20):
            await link.connected()
        await asyncio.sleep(0.2)
        yield link
    finally:
        await port.stop()
        await link.stop()


async def tool(*arguments: object) -> str:
    done = await asyncio.to_thread(
        subprocess.run, [*map(str, arguments)], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def ask(broker: Any, name: str, payload: str) -> dict[str, Any]:
    """Ask with MQTT 5's Response Topic and Correlation Data, as any requester would."""
    line = await tool(
        "mosquitto_rr", "-p", broker.port, "-V", "5", "-q", "1", "-W", "10", "-t", f"{ROOT}/cmd/{name}",
        "-e", "desk/answers", "-D", "publish", "correlation-data", "c-17", "-m", payload, "-F", "%j",
    )  # fmt: skip
    message: dict[str, Any] = json.loads(line)
    assert message["topic"] == "desk/answers"
    assert message["properties"]["correlation-data"] == "c-17"
    assert message["properties"]["content-type"] == "application/json"
    answer: dict[str, Any] = json.loads(message["payload"])
    assert (answer["command"], answer["gateway"]) == (name, SOURCE)
    return answer


@pytest.mark.broker
def test_mqtt_5_requests_are_answered_on_the_response_topic(make_broker: MakeBroker) -> None:
    async def scenario() -> None:
        broker, carriers = make_broker(), Carriers()
        async with gateway_on(broker.url, carriers):
            pong = await ask(broker, "ping", '{"id": "r-1"}')
            assert (pong["ok"], pong["id"], pong["result"]) == (True, "r-1", {"n": 1})
            again = await ask(broker, "ping", '{"id": "r-1"}')
            assert (again["ok"], again["code"]) == (False, "replayed")
            assert (await ask(broker, "reboot", ""))["code"] == "unknown"
            assert (await ask(broker, "ping", "{{"))["code"] == "malformed"
            assert (await ask(broker, "say", "{}"))["code"] == "malformed"
            assert len(carriers.done) == 1

    asyncio.run(scenario())


async def listen(broker: Any, *arguments: object) -> asyncio.Task[str]:
    task = asyncio.create_task(
        tool("mosquitto_sub", "-p", broker.port, "-q", "1", "-W", "10", *arguments), name="listen"
    )
    await asyncio.sleep(0.4)
    return task


@pytest.mark.broker
def test_mqtt_3_requests_are_answered_where_they_say(make_broker: MakeBroker) -> None:
    async def scenario() -> None:
        broker, carriers = make_broker(), Carriers()
        async with gateway_on(broker.url, carriers):
            answers = await listen(broker, "-V", "311", "-t", f"{ROOT}/rsp/#", "-C", "2", "-F", "%t %p")
            for payload in ('{"id": "a", "reply_to": "desk-1"}', "not json"):
                await tool(
                    "mosquitto_pub", "-p", broker.port, "-V", "311", "-q", "1", "-t", f"{ROOT}/cmd/ping",
                    "-m", payload,
                )  # fmt: skip
            lines = [line.partition(" ") for line in (await answers).splitlines()]
        assert [topic for topic, _, _ in lines] == [f"{ROOT}/rsp/desk-1", f"{ROOT}/rsp/ping"]
        first, second = (json.loads(document) for _, _, document in lines)
        assert (first["ok"], first["id"]) == (True, "a")
        assert (second["ok"], second["code"], second["id"]) == (False, "malformed", None)

    asyncio.run(scenario())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_broker_without_mqtt_5_carries_commands_too(make_broker: MakeBroker, amqtt_broker: Any) -> None:
    async def scenario() -> None:
        nobody, carriers = make_broker(start=False), Carriers()
        async with amqtt_broker(nobody.port), gateway_on(nobody.url, carriers) as link:
            assert link.state.protocol == "3.1.1"
            answers = await listen(nobody, "-V", "311", "-t", f"{ROOT}/rsp/desk-1", "-C", "1")
            await tool(
                "mosquitto_pub", "-p", nobody.port, "-V", "311", "-q", "1", "-t", f"{ROOT}/cmd/ping",
                "-m", '{"id": "a", "reply_to": "desk-1"}',
            )  # fmt: skip
            answer = json.loads(await answers)
        assert (answer["ok"], answer["id"]) == (True, "a")

    asyncio.run(scenario())


@pytest.mark.broker
def test_a_command_left_on_the_broker_is_refused_and_not_done(make_broker: MakeBroker) -> None:
    async def scenario() -> None:
        broker, carriers = make_broker(), Carriers()
        await tool(
            "mosquitto_pub", "-p", broker.port, "-V", "5", "-q", "1", "-r", "-t", f"{ROOT}/cmd/unit-set",
            "-m", '{"action": "停用", "unit_id": "u1"}',
        )  # fmt: skip
        answers = await listen(broker, "-t", f"{ROOT}/rsp/unit-set", "-C", "1")
        async with gateway_on(broker.url, carriers):
            answer = json.loads(await answers)
        assert answer["code"] == "retained"
        assert carriers.done == []

    asyncio.run(scenario())


@pytest.mark.broker
def test_a_restarted_broker_is_listened_to_again(make_broker: MakeBroker) -> None:
    async def scenario() -> None:
        broker, carriers = make_broker(), Carriers()
        async with gateway_on(broker.url, carriers) as link:
            await asyncio.to_thread(broker.kill)
            await link.disconnected()
            await asyncio.to_thread(broker.start)
            async with asyncio.timeout(20):
                await link.connected()
            await asyncio.sleep(0.3)
            assert (await ask(broker, "ping", ""))["ok"]

    asyncio.run(scenario())


@pytest.mark.broker
def test_an_answer_cannot_be_sent_as_an_event(make_broker: MakeBroker) -> None:
    async def scenario() -> None:
        broker, carriers = make_broker(), Carriers()
        async with gateway_on(broker.url, carriers):
            answers = await listen(
                broker, "-t", f"{ROOT}/rsp/#", "-t", f"{ROOT}/evt/#", "-C", "1", "-F", "%t %p"
            )
            await tool(
                "mosquitto_pub", "-p", broker.port, "-V", "5", "-q", "1", "-t", f"{ROOT}/cmd/ping", "-n",
                "-D", "publish", "response-topic", f"{ROOT}/evt/incident/opened",
            )  # fmt: skip
            topic, _, document = (await answers).partition(" ")
        assert topic == f"{ROOT}/rsp/ping"
        assert json.loads(document)["code"] == "malformed"
        assert carriers.done == []

    asyncio.run(scenario())


@pytest.mark.broker
def test_a_retained_command_is_refused_also_when_it_comes_live(make_broker: MakeBroker) -> None:
    async def scenario() -> None:
        broker, carriers = make_broker(), Carriers()
        async with gateway_on(broker.url, carriers):
            answers = await listen(broker, "-t", f"{ROOT}/rsp/ping", "-C", "1")
            await tool(
                "mosquitto_pub", "-p", broker.port, "-V", "5", "-q", "1", "-r", "-t", f"{ROOT}/cmd/ping",
                "-m", "{}",
            )  # fmt: skip
            assert json.loads(await answers)["code"] == "retained"
        assert carriers.done == []

    asyncio.run(scenario())


@pytest.mark.broker
def test_without_leave_to_subscribe_events_still_get_through(
    make_broker: MakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_self: Connection, *filters: str, **_: Any) -> None:
        raise Refused(f"may not subscribe to {filters[0]} (0x87)")

    monkeypatch.setattr(Connection, "subscribe", refuse)

    async def scenario() -> None:
        broker = make_broker()
        with capture_logs() as lines:
            async with gateway_on(broker.url, Carriers()) as link:
                verdict = await link.publish(f"{ROOT}/evt/gateway/fault", b"{}")
        assert isinstance(verdict, Accepted)
        (line,) = [line for line in lines if line["event"].startswith("subscription refused")]
        assert "0x87" in line["reason"]

    asyncio.run(scenario())


# In memory -------------------------------------------------------------------------------------------------


class HearingLink(MemoryLink):
    """A memory link that may be subscribed on; the test is the broker."""

    def hear(self, topic_filter: str, on_message: Callable[[Message], None]) -> None:
        assert topic_filter == f"{ROOT}/cmd/+"


async def answers_of(messages: list[Message], **more: Any) -> tuple[list[dict[str, Any]], Carriers]:
    link, carriers = HearingLink(SystemClock()), Carriers()
    port = make_port(link, carriers, **more)
    for message in messages:
        port.receive(message)
    port.start()
    expected = min(len(messages), WAITING_ORDERS + REFUSALS_AT_ONCE)
    async with asyncio.timeout(10):
        while len(link.published) < expected:  # noqa: ASYNC110 - polls the link
            await asyncio.sleep(0.01)
    await port.stop()
    return [json.loads(published.payload) for published in link.published], carriers


def message(name: str, document: object, **more: Any) -> Message:
    return Message(f"{ROOT}/cmd/{name}", json.dumps(document).encode(), retained=False, **more)


def test_whatever_goes_wrong_the_next_command_is_done() -> None:
    async def scenario() -> None:
        asked = [message("incident-ack", {"incident_id": one}) for one in ("unknown", "full", "bug", "fine")]
        with capture_logs() as lines:
            answers, carriers = await answers_of(asked)
        assert [answer.get("code") for answer in answers] == ["not_found", "unavailable", "failed", None]
        assert "disk full" in answers[1]["reason"]
        assert carriers.done == [IncidentAck(incident_id="fine")]
        audit = [line for line in lines if line["event"] in {"command refused", "command done"}]
        assert [line["log_level"] for line in audit] == ["warning"] * 3 + ["info"]
        assert (audit[3]["command"], audit[3]["incident_id"], audit[3]["by"]) == (
            "incident-ack",
            "fine",
            "dispatcher",
        )

    asyncio.run(scenario())


def test_what_could_not_be_done_may_be_asked_again_under_its_id() -> None:
    async def scenario() -> None:
        again = message("incident-ack", {"incident_id": "full", "id": "r-1"})
        answers, _ = await answers_of([again, again])
        assert [answer["code"] for answer in answers] == ["unavailable", "unavailable"]

    asyncio.run(scenario())


def test_a_known_command_that_nobody_carries_is_refused() -> None:
    answers, _ = asyncio.run(answers_of([message("resync", {"from_sequence": 1})]))

    assert answers[0]["code"] == "not_in_this_version"


def test_what_expires_while_it_waits_is_not_done() -> None:
    late = message("incident-ack", {"incident_id": "late"}, expiry_s=1)

    answers, carriers = asyncio.run(answers_of([message("incident-ack", {"incident_id": "slow"}), late]))

    assert [answer.get("code") for answer in answers] == [None, "expired"]
    assert len(carriers.done) == 1


@pytest.mark.parametrize("beyond", [20, REFUSALS_AT_ONCE + 20])
def test_a_flood_is_bounded_and_the_excess_refused_as_busy(beyond: int) -> None:
    async def scenario() -> None:
        with capture_logs() as lines:
            flood = [message("ping", {"id": f"p{n}"}) for n in range(WAITING_ORDERS + beyond)]
            answers, carriers = await answers_of(flood, per_minute=10)
        assert len(carriers.done) == 10
        codes = Counter(answer.get("code") for answer in answers)
        refused = min(beyond, REFUSALS_AT_ONCE)
        assert codes == {None: 10, "too_many": WAITING_ORDERS - 10, "busy": refused}
        first = next(answer for answer in answers if answer.get("code") == "busy")
        assert (first["id"], first["ok"]) == (f"p{WAITING_ORDERS}", False)
        assert "ask again" in first["reason"]
        assert sum(line["event"].startswith("command refused: too many") for line in lines) == beyond

    asyncio.run(scenario())


@pytest.mark.broker
def test_what_takes_its_time_holds_nobody_up(make_broker: MakeBroker) -> None:
    async def scenario() -> None:
        broker, said = make_broker(), asyncio.Event()

        class Slow(Carriers):
            async def carry(self, request: CommandRequest) -> Mapping[str, Any]:
                if isinstance(request, Say):
                    await said.wait()
                return await super().carry(request)

        carriers = Slow()
        async with gateway_on(broker.url, carriers):
            told = ["-p", str(broker.port), "-t", f"{ROOT}/cmd/say", "-m", '{"text": "收到"}']
            await (await asyncio.create_subprocess_exec("mosquitto_pub", *told)).wait()
            assert (await ask(broker, "ping", "{}"))["ok"]
            assert [type(one) for one in carriers.done] == [Ping]
            said.set()
            assert (await ask(broker, "ping", "{}"))["ok"]
            assert [type(one) for one in carriers.done] == [Ping, Say, Ping]

    asyncio.run(scenario())
