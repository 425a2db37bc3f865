"""`radio-gateway review`: what a person should look at, and what they say about it."""

from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from gateway import reviewing
from gateway.cli.drawing import draw, reasons_told
from gateway.cli.options import ConfigFile
from gateway.errors import UsageError
from gateway.reviewing import NOBODY, Correction
from gateway.store.reviews import ReviewItem
from gateway.watch.screen import printable

app = typer.Typer(name="review", help="What a person should look at; corrections.", no_args_is_help=True)

TransmissionId = typer.Argument(
    help="A transmission's id, or the beginning of it, as `review list` shows it."
)
By = typer.Option(..., "--by", help="Who says so; it is published with what is said.")
Note = typer.Option("", "--note", help="Anything to add.")


@app.command("list")
def list_reviews(
    config: Path = ConfigFile,
    with_done: bool = typer.Option(False, "--all", help="Also what somebody has looked at."),
    limit: int = typer.Option(50, min=1, help="At most this many, newest first."),
) -> None:
    """Show what a person should look at, newest first."""
    items = reviewing.review_items(config, limit, with_done=with_done)
    names = reviewing.names_of(config)
    console = Console(highlight=False)
    for item in items:
        data = printable(item.received.data)
        line = Text().append(data["transmission_id"], style="bold")
        line.append(f"  {item.received.time.astimezone():%m-%d %H:%M:%S}  {data['radio']}  ", style="dim")
        line.append(_caller(data["caller"]), style="cyan").append(_said(item), style="green")
        console.print(line)
        console.print(Padding(Text(f"“{data['transcript']['text']}”"), (0, 0, 0, 4)))
        console.print(Padding(reasons_told(data["review"]["reasons"], names), (0, 0, 0, 4)))
    console.print(f"{len(items)} to look at" if items else "nothing to look at", style="dim")


@app.command()
def show(transmission_id: str = TransmissionId, config: Path = ConfigFile) -> None:
    """Show one transmission: its words, why they were understood so, its audio, what was said about it."""
    shown = reviewing.review_item(config, transmission_id)
    console = Console(highlight=False)
    for part in draw(shown.item.received.model_dump(mode="json"), names=reviewing.names_of(config)):
        console.print(part)
    where = "never kept" if shown.audio is None else str(shown.audio)
    gone = "" if shown.audio is None or shown.audio_is_there else "  (no longer there)"
    console.print(Text().append("\nAUDIO  ", style="bold").append(where + gone), soft_wrap=True)
    for verdict in shown.item.verdicts:
        text = Text().append(f"\n{verdict.kind.removeprefix('review.').upper()} ", style="bold")
        text.append(f"by {printable(verdict.data['by'])}, {verdict.data['at']}")
        for name in verdict.data["changed"]:
            before, after = (printable(verdict.data[side][name]) for side in ("before", "after"))
            text.append(f"\n  {name}: {before} → {after}", style="cyan")
        if verdict.data["note"]:
            text.append(f"\n  {printable(verdict.data['note'])}", style="dim")
        console.print(text)


@app.command()
def correct(
    transmission_id: str = TransmissionId,
    caller: str | None = typer.Option(None, "--caller", help=f"The unit's id, or {NOBODY}."),
    headcount: int | None = typer.Option(None, "--headcount", min=0, max=9999, help="People on duty."),
    incident: str | None = typer.Option(None, "--incident", help=f"The incident's code, or {NOBODY}."),
    text: str | None = typer.Option(None, "--text", help="What was really said."),
    note: str = Note,
    by: str = By,
    config: Path = ConfigFile,
) -> None:
    """Say what was really meant. The correction is published, and kept for training; see export."""
    said = Correction(text=text, caller=caller, headcount=headcount, incident=incident)
    if said.says_nothing:
        raise UsageError(
            "nothing is corrected; give --caller, --headcount, --incident or --text, or accept it"
        )
    now = reviewing.correct(config, transmission_id, said, by, note)
    print(f"noted: {_in_words(now.model_dump())}")


@app.command()
def accept(
    transmission_id: str = TransmissionId, note: str = Note, by: str = By, config: Path = ConfigFile
) -> None:
    """Say that it was understood as it was meant."""
    now = reviewing.correct(config, transmission_id, Correction(), by, note)
    print(f"accepted: {_in_words(now.model_dump())}")


@app.command()
def export(
    folder: Path = typer.Argument(help="Where to write audio and manifest.csv; made when it is missing."),
    config: Path = ConfigFile,
) -> None:
    """Write what people accepted or corrected as a corpus for training: audio and manifest.csv."""
    exported = reviewing.export_corpus(config, folder)
    recordings = "1 recording" if exported.written == 1 else f"{exported.written} recordings"
    print(f"{recordings} and {reviewing.MANIFEST} written to {folder}")
    if exported.without_audio:
        gone = ", ".join(exported.without_audio)
        print(f"left out, their audio is no longer kept: {gone}")


def _caller(caller: dict[str, Any]) -> str:
    if caller["status"] == "matched":
        return str(caller["name"])
    return " / ".join(one["name"] for one in caller["candidates"][:2]) + " ?" if caller["candidates"] else "—"


def _said(item: ReviewItem) -> str:
    if not item.verdicts:
        return ""
    last = item.verdicts[-1]
    return f"  [{last.kind.removeprefix('review.')} by {printable(last.data['by'])}]"


def _in_words(now: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in now.items() if value is not None)
