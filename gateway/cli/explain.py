"""`radio-gateway explain`: why a recording or a sentence is understood as it is."""

from pathlib import Path

import typer
from rich.console import Console

from gateway.cli.drawing import draw
from gateway.cli.replay import Engine
from gateway.config import DEFAULT_COMMAND_POST, load_config
from gateway.explain import Explained, explain_recording, explain_text, names_a_recording
from gateway.log import configure_log
from gateway.replay import settings_of
from gateway.watch.view import describe


def explain(
    what: str = typer.Argument(help="A recording (WAV, FLAC), or a sentence as a recogniser would write it."),
    units: Path | None = typer.Option(None, "--units", help="The unit registry (CSV)."),
    engine: Engine | None = typer.Option(None, "--engine", help="Speech engine; auto when left out."),
    config: Path | None = typer.Option(None, "-c", "--config", help="A station whose settings to use."),
    command_post: str | None = typer.Option(
        None,
        "--command-post",
        help=f"How the station is called on the air; {DEFAULT_COMMAND_POST} when left out.",
    ),
) -> None:
    """Show why: candidates with what each evidence added, names beside text and audio, the words found."""
    configure_log("warning")
    settings = settings_of(
        load_config(config) if config is not None else None,
        units=units,
        engine=engine.value if engine is not None else None,
        command_post=command_post,
    )
    console = Console(highlight=False)
    told = 0

    def tell(explained: Explained) -> None:
        nonlocal told
        if told:
            console.rule(style="dim")
        told += 1
        for part in draw(explained.event, explained.phones, settings.names):
            console.print(part)
        if explained.caused:
            console.print("\n[bold]CAUSED[/]")
        for event in explained.caused:
            console.print(describe(event, settings.names.agencies))

    if names_a_recording(what):
        explain_recording(Path(what), settings, tell)
    else:
        tell(explain_text(what, settings))
    if not told:
        console.print("nothing was heard: the squelch never opened", style="yellow")
