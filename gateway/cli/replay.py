"""`radio-gateway replay`: what the gateway would publish for recordings."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TextIO

import typer
from rich.console import Console

from gateway.config import DEFAULT_COMMAND_POST, load_config
from gateway.errors import BadInput
from gateway.events import CloudEvent
from gateway.log import configure_log
from gateway.replay import ReplaySettings, settings_of
from gateway.replay import replay as replay_recordings
from gateway.watch.view import describe


class Engine(StrEnum):
    """Which speech engine to use."""

    AUTO = "auto"
    WHISPER = "whisper"
    VOSK = "vosk"


def replay(
    recordings: list[Path] = typer.Argument(help="WAV or FLAC files, each one radio's audio."),
    units: Path | None = typer.Option(None, "--units", help="The unit registry (CSV)."),
    engine: Engine | None = typer.Option(None, "--engine", help="Speech engine; auto when left out."),
    jsonl: Path | None = typer.Option(
        None, "--jsonl", help="Write one CloudEvents document per line; - is stdout."
    ),
    config: Path | None = typer.Option(None, "-c", "--config", help="A station whose settings to use."),
    command_post: str | None = typer.Option(
        None,
        "--command-post",
        help=f"How the station is called on the air; {DEFAULT_COMMAND_POST} when left out.",
    ),
) -> None:
    """Run recordings through the daemon's own path and show what it would publish. No broker, no network."""
    configure_log("warning")
    settings = settings_of(
        load_config(config) if config is not None else None,
        units=units,
        engine=engine.value if engine is not None else None,
        command_post=command_post,
    )
    if jsonl is not None and str(jsonl) != "-":
        try:
            with jsonl.open("w", encoding="utf-8") as file:
                _to_lines(recordings, settings, file)
        except OSError as error:
            raise BadInput(f"{jsonl}: cannot be written: {error.strerror}") from None
    elif jsonl is not None or not sys.stdout.isatty():
        _to_lines(recordings, settings, sys.stdout)
    else:
        _to_terminal(recordings, settings)


def _to_lines(recordings: list[Path], settings: ReplaySettings, file: TextIO) -> None:
    def write(event: CloudEvent) -> None:
        print(event.to_json(), file=file, flush=True)

    replay_recordings(recordings, settings, write)


def _to_terminal(recordings: list[Path], settings: ReplaySettings) -> None:
    console = Console()

    def write(event: CloudEvent) -> None:
        console.print(describe(event.model_dump(mode="json"), settings.names.agencies))

    replay_recordings(recordings, settings, write)
