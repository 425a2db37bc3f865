"""`radio-gateway rollcall start|cancel|pause|resume`: asks the daemon that runs here, over its broker."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console, Group
from rich.live import Live

from gateway.cli.options import ConfigFile
from gateway.config import load_config
from gateway.errors import Unavailable, UsageError
from gateway.log import configure_log
from gateway.publish.ask import Asker
from gateway.publish.broker import Broker
from gateway.watch.board import Board
from gateway.watch.screen import printable
from gateway.watch.view import describe

HEARS: Final = ("evt/rollcall/#", "evt/transmission/#", "evt/incident/#", "state/rollcall/#")
REDRAWN_EVERY_S: Final = 0.5
_USAGE: Final = frozenset({"malformed", "not_found", "unknown"})
Which = typer.Argument(None, help="Its id or the beginning of it; not needed when only one goes on.")
OnRadio = typer.Option(None, "--radio", help="The radio it is held on.")


def start(
    config: Path = ConfigFile,
    radio: str | None = typer.Option(
        None, "--radio", help="One radio; every one its own streets if left out."
    ),
    street: list[str] = typer.Option([], "--street", help="Only units of this street; may be repeated."),
    unit_class: list[str] = typer.Option([], "--class", help="Only class A, B, C or D; may be repeated."),
    unit: list[str] = typer.Option([], "--unit", help="Only this unit id; may be repeated."),
    sample: int | None = typer.Option(None, "--sample", min=1, help="Draw so many units at random."),
    order: str | None = typer.Option(None, "--order", help="registry, as_listed or random."),
    calls: int | None = typer.Option(None, "--calls", min=1, help="Calls per unit and round."),
    wait: float | None = typer.Option(None, "--wait", help="Seconds a unit has to begin its answer."),
    rounds: int | None = typer.Option(None, "--rounds", min=1, help="How often the missing are called over."),
    last_call: float | None = typer.Option(None, "--last-call", help="Seconds after the last call; 0: none."),
    headcount: bool | None = typer.Option(None, "--headcount/--no-headcount", help="Ask how many are there."),
    watch: bool = typer.Option(True, "--watch/--no-watch", help="Show how it goes on until it is over."),
) -> None:
    """Hold a roll-call (点名) on the air now and show how it goes."""
    asked: dict[str, Any] = {
        "radio": radio, "streets": street, "classes": unit_class, "units": unit, "sample": sample,
        "order": order, "calls": calls, "wait_s": wait, "rounds": rounds, "last_call_s": last_call,
        "ask_headcount": headcount, "by": "rollcall start",
    }  # fmt: skip
    given = {name: value for name, value in asked.items() if value not in (None, [])}

    async def work(asker: Asker) -> None:
        await _follow(asker, result_of(await asker.ask("rollcall-start", given)), watch=watch)

    run_asking(config, HEARS if watch else (), work)


def cancel(rollcall_id: str | None = Which, radio: str | None = OnRadio, config: Path = ConfigFile) -> None:
    """End a roll-call now, held by the gateway or by an officer's voice."""
    _move(config, "rollcall-cancel", rollcall_id, radio, "cancelled")


def pause(rollcall_id: str | None = Which, radio: str | None = OnRadio, config: Path = ConfigFile) -> None:
    """Say nothing more in a roll-call until it is resumed."""
    _move(config, "rollcall-pause", rollcall_id, radio, "paused")


def resume(rollcall_id: str | None = Which, radio: str | None = OnRadio, config: Path = ConfigFile) -> None:
    """Go on with a roll-call that a person or an emergency has paused."""
    _move(config, "rollcall-resume", rollcall_id, radio, "goes on")


def _move(config: Path, name: str, rollcall_id: str | None, radio: str | None, words: str) -> None:
    given = {"rollcall_id": rollcall_id, "radio": radio, "by": "command line"}

    async def work(asker: Asker) -> None:
        answer = await asker.ask(name, {key: value for key, value in given.items() if value is not None})
        result = result_of(answer)
        print(f"{result['rollcall_id']} on {result['radio']}: {words}")

    run_asking(config, (), work)


def run_asking(config: Path, hears: Sequence[str], work: Callable[[Asker], Awaitable[None]]) -> None:
    """Do `work` with a caller connected to the station's broker, which hears `hears` meanwhile."""
    settings = load_config(config)
    configure_log("error")

    async def asking() -> None:
        broker = Broker.from_settings(settings.mqtt)
        async with Asker(broker, settings.gateway.topic_root, hears) as asker:
            await work(asker)

    asyncio.run(asking())


def result_of(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the result of an answer.

    Raises:
        UsageError, Unavailable: the gateway refused.
    """
    if answer["ok"]:
        result: Mapping[str, Any] = answer["result"]
        return result
    reason = str(answer["reason"])
    raise UsageError(reason) if answer["code"] in _USAGE else Unavailable(reason)


async def _follow(asker: Asker, result: Mapping[str, Any], *, watch: bool) -> None:
    """Say what has begun, and show it until all of it is over."""
    now = datetime.now(UTC)
    boards = []
    for one in result["rollcalls"]:
        print(f"{one['rollcall_id']} on {one['radio']}: {one['units']} units, {one['excused']} excused")
        total = one["units"] + one["excused"]
        boards.append(Board(one["rollcall_id"], one["radio"], total, now))
    if result["left_out"]:
        print(f"{result['left_out']} units are left out: no radio here is for their streets")
    for one in result.get("not_begun", ()):
        print(
            f"on {one['radio']} it could not begin ({one['units']} units): {one['reason']}", file=sys.stderr
        )
    if not watch:
        return
    console = Console(highlight=False)
    try:
        await (_draw if console.is_terminal else _tell)(asker, boards, console)
    except asyncio.CancelledError:
        print("the roll-call goes on; end it with: radio-gateway rollcall cancel -c FILE", file=sys.stderr)
        raise
    for board in boards:
        print(f"register: radio-gateway rollcall report {board.rollcall_id} -c FILE")


async def _draw(asker: Asker, boards: Sequence[Board], console: Console) -> None:
    """Redraw the boards as things happen, and their clocks twice a second."""

    def picture() -> Group:
        now, size = datetime.now(UTC), console.size
        rows = (size.height - 1) // len(boards)
        return Group(*(board.picture(now, size.width, rows) for board in boards))

    async def tick(live: Live) -> None:
        while True:
            await asyncio.sleep(REDRAWN_EVERY_S)
            live.update(picture(), refresh=True)

    with Live(picture(), console=console, auto_refresh=False) as live:
        ticking = asyncio.create_task(tick(live))
        try:
            async for received in asker:
                for board in boards:
                    board.take(received.topic, received.document or {})
                if all(board.is_over for board in boards):
                    break
        finally:
            ticking.cancel()
            live.update(picture(), refresh=True)


async def _tell(asker: Asker, boards: Sequence[Board], console: Console) -> None:
    """Print a line for each thing that happens: for a file, or a program that reads along."""
    async for received in asker:
        document = received.document or {}
        mine = [board.take(received.topic, document) for board in boards]
        if any(mine) and received.is_event:
            console.print(describe(printable(document)), soft_wrap=True)
        if all(board.is_over for board in boards):
            return
