"""`radio-gateway watch`: a dispatcher's live view of all gateways in a terminal."""

import asyncio
import json
import sys
from pathlib import Path
from uuid import uuid4

import typer
from rich.console import Console

from gateway.config import MqttSettings
from gateway.errors import BadConfig, UsageError
from gateway.knowledge import read_lexicon
from gateway.log import configure_log
from gateway.publish.broker import Broker
from gateway.publish.subscribe import Received, Subscriber
from gateway.watch.gaps import Gaps
from gateway.watch.screen import Screen


def watch(
    url: str = typer.Option(..., "--url", help="The broker: mqtt://HOST[:PORT], or mqtts:// for TLS."),
    jsonl: bool = typer.Option(False, "--jsonl", help="Print each event once, as a JSON line, and no more."),
    root: str = typer.Option("rg/v1/#", "--root", help="Topics to follow: all gateways, or rg/v1/gz/#."),
    count: int | None = typer.Option(None, "--count", min=1, help="End after this many events."),
    username: str | None = typer.Option(None, "--username", help="Who to be at the broker."),
    password_file: Path | None = typer.Option(
        None, "--password-file", help="File whose first line is the password."
    ),
    ca_file: Path | None = typer.Option(None, "--ca-file", help="Whom to trust, for mqtts://."),
    cert_file: Path | None = typer.Option(None, "--cert-file", help="Our own certificate, for mqtts://."),
    key_file: Path | None = typer.Option(None, "--key-file", help="The key to --cert-file."),
) -> None:
    """Show what happens at all gateways as it happens: every event once, and what is missing."""
    try:
        settings = MqttSettings(
            url=url,
            username=username,
            password_file=password_file,
            ca_file=ca_file,
            cert_file=cert_file,
            key_file=key_file,
        )
        broker = Broker.from_settings(settings)
    except (ValueError, BadConfig) as error:
        raise UsageError(_first_fault(error)) from None
    configure_log("error")
    asyncio.run(Watch(broker, root, as_lines=jsonl).follow(count))


def _first_fault(error: Exception) -> str:
    """Say what is wrong with the options, without the key they have in a configuration file."""
    faults = error.errors() if hasattr(error, "errors") else []
    text = str(faults[0]["msg"]) if faults else str(error)
    return text.removeprefix("Value error, ").removeprefix("mqtt.url: ")


class Watch:
    """One dispatcher's terminal. Events go to stdout; with `as_lines` everything else goes to stderr."""

    def __init__(self, broker: Broker, root: str, *, as_lines: bool) -> None:
        self._as_lines = as_lines
        self._url = str(broker.address)
        self._out = Console(highlight=False, soft_wrap=True)
        self._aside = Console(stderr=True, highlight=False, soft_wrap=True)
        self._gaps = Gaps()
        agencies = read_lexicon().agencies
        self._screen = Screen({code: agency.label for code, agency in agencies.items()})
        self._trouble: str | None = "not connected yet"
        # Under an id of its own: two watchers with the same one would push each other off the broker.
        self._subscriber = Subscriber(
            broker, f"watch-{uuid4().hex[:12]}", [root], on_trouble=self._tell_trouble
        )

    async def follow(self, count: int | None = None) -> None:
        """Show what comes until `count` events have been shown, for ever when None."""
        shown = 0
        async with self._subscriber:
            async for received in self._subscriber:
                shown += self._show(received)
                if count is not None and shown >= count:
                    return

    def _show(self, received: Received) -> bool:
        """Show a message; return whether it was an event."""
        event = received.document
        if event is None or not received.is_event:
            if "/state/" in received.topic and not self._as_lines:
                line = self._screen.state(received.topic, event, retained=received.retained)
                if line is not None:
                    self._out.print(line)
            return False
        if self._as_lines:
            print(json.dumps(event, ensure_ascii=False, separators=(",", ":")), flush=True)
        else:
            self._out.print(self._screen.event(event))
        source = str(event["source"])
        gap = self._gaps.changed(source, self._subscriber.sieve.missing(source))
        if gap is not None:
            (self._aside if self._as_lines else self._out).print(self._screen.note(source, gap))
        return True

    def _tell_trouble(self, trouble: str | None) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            words = f"{trouble}; trying again" if trouble else f"{self._url}: connected"
            print(words, file=sys.stderr, flush=True)
