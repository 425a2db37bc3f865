"""`radio-gateway models`: which speech models there are, fetching and verifying them."""

from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from gateway.errors import BadInput
from gateway.recognise import models
from gateway.recognise.catalogue import CATALOGUE

app = typer.Typer(name="models", help="Speech models: list, fetch, verify.", no_args_is_help=True)

Into = typer.Option(None, "--into", help="Directory that holds models; by default the first writable one.")


@app.command("list")
def list_models() -> None:
    """List the models this gateway knows and where each is installed."""
    there = models.installed()
    # Names and paths go out whole, so that they can be copied.
    console = Console(soft_wrap=True, highlight=False)
    for model in CATALOGUE:
        place = there.get(model.name)
        console.print(f"[bold]{model.name}[/]  {model.engine}, {model.language}: {model.about}")
        console.print(f"  {place}" if place else "  not installed", style="green" if place else "dim")
    console.print("searched: " + ", ".join(str(place) for place in models.places()), style="dim")


@app.command()
def fetch(
    name: str = typer.Argument(help="A model's name, as `models list` prints it."),
    source: Path | None = typer.Option(
        None, "--from", help="A local zip, wheel or directory to install from."
    ),
    into: Path | None = Into,
) -> None:
    """Install a model, checking every file before it becomes visible."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(step: str, done: int, total: int | None) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], completed=done, total=total)

        place = models.fetch(name, source, into, show)
    print(f"{name} is installed in {place}")


@app.command()
def verify(
    name: str | None = typer.Argument(None, help="A model's name; every installed one when left out."),
) -> None:
    """Check every file of installed models against its SHA-256."""
    names = [name] if name is not None else list(models.installed())
    faults = [fault for one in names for fault in models.verify(one)]
    if faults:
        raise BadInput("\n".join(faults))
    for one in names:
        print(f"{one}: every file is as it should be")
    if not names:
        print("no model is installed")
