"""`radio-gateway watch`: all gateways live in a dispatcher's terminal, or as a feed for other systems."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from gateway.clock import SystemClock
from gateway.config import MqttSettings
from gateway.errors import BadConfig, BadInput, MissingInput, UsageError
from gateway.knowledge import read_lexicon
from gateway.log import configure_log
from gateway.publish.broker import Broker
from gateway.watch.cap import alert_file_name, cap_alert
from gateway.watch.document import Event
from gateway.watch.lines import csv_header, csv_line, json_line
from gateway.watch.onemap import MapServer, listen_address, serve
from gateway.watch.scope import scope_of, shared
from gateway.watch.screen import Screen
from gateway.watch.watcher import WORKING, Watcher
from gateway.watch.webhook import Endpoint, Webhook

MAP_EVERY_S = 1.0

Feed = Callable[[Watcher], Coroutine[Any, Any, None]]


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
    http: str | None = typer.Option(
        None,
        "--http",
        help="Serve /map.geojson of all gateways on this port, of this machine unless HOST:PORT.",
    ),
    cap: Path | None = typer.Option(
        None, "--cap", help="Write each change of an incident into this folder as a CAP 1.2 alert."
    ),
    state: Path | None = typer.Option(
        None, "--state", help="File to remember in, so that nothing is missed or repeated after a restart."
    ),
    share: str | None = typer.Option(
        None, "--share", help="Work as one of a group of this name: each event goes to one of them."
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
    shared(scope_of(root).filters, share or "none")
    if share is not None and state is None:
        raise UsageError("--share: the workers of a group keep their order in one file; name it with --state")
    if share is not None and webhook is not None and cap is not None:
        raise UsageError("--share: a worker handles each event in one way; --webhook or --cap")
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
    feeds: list[Feed] = []
    if endpoint is not None:
        hook = Webhook(endpoint, SystemClock(), secret=secret, on_note=screen.note)
        feeds.append(lambda watcher: _post(watcher, hook, count))
    if cap is not None:
        feeds.append(lambda watcher: _write_cap(watcher, cap, count))
    address = listen_address(http) if http is not None else None
    asyncio.run(screen.run(
        lambda: Watcher(
            brokers, state=state, root=root, share=share, repair=repair, on_state=screen.state,
            on_note=screen.note,
        ),
        count,
        feeds,
        None if address is None else lambda watcher: _serve_map(watcher, address),
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

    async def run(
        self, make: Callable[[], Watcher], count: int | None, feeds: Sequence[Feed], served: Feed | None
    ) -> None:
        """Show what comes until `count` events were shown, for ever when None; feed and serve others."""
        async with make() as watcher:
            work = [feed(watcher) for feed in feeds]
            if not (watcher.is_worker and feeds):
                work.append(self._show(watcher, count))
            ended: asyncio.Future[Any] = asyncio.gather(*work)
            # the map is served for as long as the rest goes on; a port that cannot be had ends all of it
            serving: set[asyncio.Future[Any]] = set()
            if served is not None:
                serving.add(asyncio.ensure_future(served(watcher)))
            try:
                await asyncio.wait({ended, *serving}, return_when=asyncio.FIRST_COMPLETED)
                for task in serving:
                    if task.done():
                        task.result()
                await ended
            finally:
                for future in (ended, *serving):
                    future.cancel()
                await asyncio.gather(ended, *serving, return_exceptions=True)

    async def _show(self, watcher: Watcher, count: int | None) -> None:
        if self._style == "csv":
            print(csv_header(), flush=True)

        async def show(event: Event) -> None:
            self._event(event)

        await _each(watcher, self._style, count, show)

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
    try:
        await _each(watcher, "webhook", count, webhook.deliver)
    finally:
        webhook.close()


async def _serve_map(watcher: Watcher, address: tuple[str, int]) -> None:
    with MapServer(address) as server:
        while True:
            serve(server, watcher.memory)
            await asyncio.sleep(MAP_EVERY_S)


async def _write_cap(watcher: Watcher, folder: Path, count: int | None) -> None:
    """Write each change of an incident to a file of its own, whole or not at all."""

    async def write(event: Event) -> None:
        if not event["type"].startswith("radiogateway.incident."):
            return
        known = [one for one in watcher.memory.about(event["subject"]) if one["id"] != event["id"]]
        _write_alert(folder, [*known, event])

    await _each(watcher, "cap", count, write)


def _write_alert(folder: Path, events: Sequence[Event]) -> None:
    path = folder / alert_file_name(events[-1])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part")
        beside.write_bytes(cap_alert(events))
        beside.replace(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from None


async def _each(
    watcher: Watcher, consumer: str, count: int | None, handle: Callable[[Event], Coroutine[Any, Any, object]]
) -> None:
    """Have each event handled, at most `count` of them; one that is not handled comes again."""
    done = 0
    stream = watcher.work() if watcher.is_worker else watcher.follow(consumer)
    try:
        async for event in stream:
            await handle(event)
            done += 1
            if count is not None and done >= count:
                watcher.handled(WORKING if watcher.is_worker else consumer)
                return
    finally:
        await stream.aclose()
