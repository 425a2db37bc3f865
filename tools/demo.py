"""`make demo`: the main job on real audio with nothing else installed.

A virtual radio plays a conversation (an incident in two transmissions, acknowledged, two roll-call
answers, chatter) through a 300 to 3,000 Hz channel at 20 dB. The daemon itself listens to it, recognises it
with a real speech model, and publishes to a broker in this process; a subscriber prints what a dispatcher
would see. The exit code is 1 when something expected did not come.
"""

import asyncio
import logging
import socket
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile
from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule

from gateway.app import Daemon
from gateway.config import load_config
from gateway.errors import GatewayError
from gateway.knowledge import read_lexicon
from gateway.log import configure_log
from gateway.publish.broker import Address, Broker
from gateway.publish.subscribe import Subscriber
from gateway.publish.topics import events_filter
from gateway.watch.view import describe
from tools.channel import RATE_HZ, Channel, transmit

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
SNR_DB = 20.0
GAP_S = 1.6
LIMIT_S = 170.0
LATE_S = 60.0
SCENE = (
    "scripted-jump-1",
    "scripted-jump-2",
    "scripted-jump-3",
    "scripted-jump-4",
    "scripted-chatter-1",
    "scripted-roll-1",
    "scripted-roll-2",
    "scripted-roll-3",
    "scripted-roll-4",
    "scripted-chatter-2",
)
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    """Something a dispatcher must see in this conversation."""

    what: str
    is_seen_in: Callable[[list[Event]], bool]


def incident_of(events: list[Event], code: str) -> list[Event]:
    return [e for e in events if ".incident." in e["type"] and e["data"]["type"]["code"] == code]


def on_duty(events: list[Event], unit_id: str, present: int) -> bool:
    return any(
        e["type"].endswith("checkin.received")
        and e["data"]["unit"]["unit_id"] == unit_id
        and e["data"]["headcount"]["present"] == present
        for e in events
    )


def asks_for(event: Event, *agencies: str) -> bool:
    return set(agencies) <= {need["agency"] for need in event["data"]["needs"]}


EXPECTED = (
    Expected(
        "an emergency is announced by 华夏A区 and opened at once",
        lambda seen: any(
            e["type"].endswith("incident.opened") and e["data"]["unit"]["unit_id"] == "u001" for e in seen
        ),
    ),
    Expected(
        "it becomes 跳楼轻生 at 6号楼楼顶, with fire, police and ambulance asked for",
        lambda seen: any(
            "6号楼" in (e["data"]["location"]["text"] or "") and asks_for(e, "FIRE", "POLICE", "EMS")
            for e in incident_of(seen, "SUICIDE_JUMP")
        ),
    ),
    Expected(
        "the command post's acknowledgement joins the same incident",
        lambda seen: any(e["data"]["stages"]["acknowledged_at"] for e in incident_of(seen, "SUICIDE_JUMP")),
    ),
    Expected("千耀酒店 answers with 3 on duty", lambda seen: on_duty(seen, "u003", 3)),
    Expected("黄石中学 answers with 2 on duty", lambda seen: on_duty(seen, "u004", 2)),
    Expected(
        "chatter opens nothing: one incident in all",
        lambda seen: len({e["subject"] for e in seen if ".incident." in e["type"]}) == 1,
    ),
)


def write_station(folder: Path, port: int) -> Path:
    """Write the recordings, the radio's script and the station's config; return the config."""
    calls, at_s = [], 1.0
    for seed, name in enumerate(SCENE):
        speech, _ = soundfile.read(DATA / "calls" / f"{name}.flac", dtype="float32")
        heard = transmit(speech, Channel(snr_db=SNR_DB), seed)
        soundfile.write(folder / f"{seed}.wav", heard, RATE_HZ)
        calls.append(f'[[call]]\nat_s = {at_s:.2f}\nfile = "{seed}.wav"\n')
        at_s += len(heard) / RATE_HZ + GAP_S
    (folder / "air.toml").write_text("noise_dbfs = -75.0\n\n" + "\n".join(calls), encoding="utf-8")
    config = folder / "station.toml"
    config.write_text(
        f"""
[gateway]
org = "demo"
district = "tianhe"
id = "shipai"
command_post = "指挥中心"
data_dir = "data"
[units]
csv = "{DATA / "units.csv"}"
[mqtt]
url = "mqtt://127.0.0.1:{port}"
connect_timeout_s = 0.5
[log]
level = "error"
[[radio]]
id = "ch1"
source = {{ kind = "virtual", script = "air.toml" }}
""",
        encoding="utf-8",
    )
    return config


@asynccontextmanager
async def broker_in_process(port: int) -> AsyncIterator[Any]:
    """Run amqtt, which speaks MQTT 3.1.1 only: the daemon falls back to it by itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from amqtt.broker import Broker as Amqtt  # noqa: PLC0415 - slow to import
    logging.disable(logging.CRITICAL)
    broker = Amqtt(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    try:
        yield
    finally:
        await broker.shutdown()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def watch(subscriber: Subscriber, seen: list[Event], console: Console) -> None:
    lexicon = read_lexicon()
    labels = {code: agency.label for code, agency in lexicon.agencies.items()}
    async for received in subscriber:
        if received.is_event and received.document is not None:
            seen.append(received.document)
            console.print(describe(received.document, labels), soft_wrap=True)


async def play(folder: Path, console: Console) -> list[Event]:
    """Run broker, subscriber and daemon until the conversation is over; return what the subscriber saw."""
    port, seen = free_port(), list[Event]()
    config = load_config(write_station(folder, port))
    configure_log(config.log.level)
    broker = Broker(Address("127.0.0.1", port, tls=False))
    async with (
        broker_in_process(port),
        Subscriber(broker, "dispatcher", [events_filter(config.gateway.topic_root)]) as subscriber,
    ):
        await subscriber.subscribed()
        watching = asyncio.create_task(watch(subscriber, seen, console))
        daemon = Daemon(config)
        try:
            await daemon.start()
            async with asyncio.timeout(LIMIT_S):
                await daemon.wait(exit_when_idle=True)
            await asyncio.sleep(0.5)
        finally:
            await daemon.stop()
            watching.cancel()
    return seen


def main() -> int:
    console = Console(highlight=False)
    console.print(
        Panel(
            "A virtual intercom radio plays a real conversation. radio-gateway\n"
            "listens, recognises Mandarin on this machine and publishes over MQTT.\n"
            "Below is what a dispatcher sees, as it happens (about 80 seconds).",
            title="radio-gateway demo",
            expand=False,
        )
    )
    with tempfile.TemporaryDirectory(prefix="radio-gateway-demo-") as folder:
        try:
            seen = asyncio.run(play(Path(folder), console))
        except TimeoutError:
            console.print(f"[bold red]not over after {LIMIT_S:.0f} s; is this machine very busy?[/]")
            return 1
        except GatewayError as error:
            console.print(f"[bold red]{error}[/]")
            return error.exit_code
    console.print(Rule("summary"))
    missing = 0
    for one in EXPECTED:
        came = one.is_seen_in(seen)
        missing += not came
        console.print("[bold green]✓[/]" if came else "[bold red]✗[/]", one.what)
    console.print(
        f"{len(seen)} events delivered; {'all that was expected' if not missing else f'{missing} missing'}"
    )
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
