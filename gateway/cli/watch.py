"""`radio-gateway watch`: all gateways live in a dispatcher's terminal, or as a feed for other systems."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from gateway.clock import SystemClock
from gateway.config import MqttSettings
from gateway.errors import BadConfig, MissingInput, UsageError
from gateway.knowledge import read_lexicon
from gateway.log import configure_log
from gateway.publish.broker import Broker
from gateway.watch.lines import csv_header, csv_line, json_line
from gateway.watch.memory import Event
from gateway.watch.scope import scope_of
from gateway.watch.screen import Screen
from gateway.watch.watcher import Watcher
from gateway.watch.webhook import Endpoint, Webhook


def watch(
    url: list[str] = typer.Option(
        ..., "--url", help="A broker: mqtt://HOST[:PORT], or mqtts:// for TLS. Several to follow several."
    ),
    jsonl: bool = typer.Option(False, "--jsonl", help="Print each event once, as a JSON line, and no more."),
    as_csv: bool = typer.Option(False, "--csv", help="Print each event once, as a CSV line, and no more."),
    webhook: str | None = typer.Option(
        None, "--webhook", help="Post each event as JSON to this URL until it is taken, in order."
    ),
    webhook_secret_file: Path | None = typer.Option(
        None, "--webhook-secret-file", help="File whose first line signs what is posted (HMAC-SHA256)."
    ),
    state: Path | None = typer.Option(
        None, "--state", help="File to remember in, so that nothing is missed or repeated after a restart."
    ),
    root: str = typer.Option("rg/v1/#", "--root", help="Topics to follow: all gateways, or rg/v1/gz/#."),
    repair: bool = typer.Option(
        True, "--repair/--no-repair", help="Ask gateways for what is missing (publishes to their cmd/)."
    ),
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
    if jsonl and as_csv:
        raise UsageError("--jsonl and --csv both want the output; start two watches with a --state each")
    scope_of(root)
    endpoint = Endpoint.parse(webhook) if webhook is not None else None
    secret = _secret(webhook_secret_file) if webhook_secret_file is not None else None
    if secret is not None and endpoint is None:
        raise UsageError("--webhook-secret-file signs what --webhook posts; name that too")
    given = {
        "username": username, "password_file": password_file, "ca_file": ca_file, "cert_file": cert_file,
        "key_file": key_file,
    }  # fmt: skip
    brokers = [_broker(one, given) for one in url]
    configure_log("error")
    screen = Watch(style="jsonl" if jsonl else "csv" if as_csv else "terminal")
    asyncio.run(screen.run(
        lambda: Watcher(
            brokers, state=state, root=root, repair=repair, on_state=screen.state, on_note=screen.note
        ),
        count,
        None if endpoint is None else Webhook(endpoint, SystemClock(), secret=secret, on_note=screen.note),
    ))  # fmt: skip


def _broker(url: str, given: Mapping[str, Any]) -> Broker:
    try:
        return Broker.from_settings(MqttSettings.model_validate({"url": url, **given}))
    except (ValueError, BadConfig) as error:
        raise UsageError(_first_fault(error)) from None


def _first_fault(error: Exception) -> str:
    """Say what is wrong with the options, without the key they have in a configuration file."""
    faults = error.errors() if hasattr(error, "errors") else []
    text = str(faults[0]["msg"]) if faults else str(error)
    return text.removeprefix("Value error, ").removeprefix("mqtt.url: ")


def _secret(path: Path) -> bytes:
    try:
        secret = path.read_bytes().splitlines()
    except OSError as error:
        raise MissingInput(f"{path}: the secret cannot be read ({error.strerror})") from None
    if not secret or not secret[0].strip():
        raise UsageError(f"{path}: its first line is empty; put the secret there")
    return secret[0].strip()


class Watch:
    """One dispatcher's output. Events go to stdout; as lines, everything else goes to stderr."""

    def __init__(self, *, style: str) -> None:
        """Take the style: terminal, jsonl or csv."""
        self._style = style
        self._as_lines = style != "terminal"
        self._out = Console(highlight=False, soft_wrap=True)
        self._aside = Console(stderr=True, highlight=False, soft_wrap=True)
        agencies = read_lexicon().agencies
        self._screen = Screen({code: agency.label for code, agency in agencies.items()})

    async def run(self, make: Callable[[], Watcher], count: int | None, webhook: Webhook | None) -> None:
        """Show what comes until `count` events were shown, for ever when None; post each, if asked to."""
        async with make() as watcher:
            work: list[Coroutine[Any, Any, None]] = [self._show(watcher, count)]
            if webhook is not None:
                work.append(_post(watcher, webhook, count))
            tasks = [asyncio.create_task(one) for one in work]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                if webhook is not None:
                    webhook.close()

    async def _show(self, watcher: Watcher, count: int | None) -> None:
        if self._style == "csv":
            print(csv_header(), flush=True)
        shown = 0
        stream = watcher.follow(self._style)
        try:
            async for event in stream:
                self._event(event)
                shown += 1
                if count is not None and shown >= count:
                    watcher.handled(self._style)
                    return
        finally:
            await stream.aclose()

    def _event(self, event: Event) -> None:
        if self._style == "jsonl":
            print(json_line(event), flush=True)
        elif self._style == "csv":
            print(csv_line(event), flush=True)
        else:
            self._out.print(self._screen.event(event))

    def state(self, topic: str, document: Mapping[str, Any] | None, retained: bool) -> None:
        """Show a state document, on a terminal only."""
        if self._as_lines:
            return
        line = self._screen.state(topic, document, retained=retained)
        if line is not None:
            self._out.print(line)

    def note(self, about: str, words: str) -> None:
        """Show what the dispatcher's own end has to say; of a broker on stderr in any case."""
        if "://" in about:
            print(f"{about}: {words}", file=sys.stderr, flush=True)
            return
        (self._aside if self._as_lines else self._out).print(self._screen.note(about, words))


async def _post(watcher: Watcher, webhook: Webhook, count: int | None) -> None:
    posted = 0
    stream = watcher.follow("webhook")
    try:
        async for event in stream:
            await webhook.deliver(event)
            posted += 1
            if count is not None and posted >= count:
                watcher.handled("webhook")
                return
    finally:
        await stream.aclose()
