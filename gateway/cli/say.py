"""`radio-gateway say`: has the daemon that runs here say something on the air, over its broker."""

from pathlib import Path

import typer

from gateway.cli.conduct import result_of, run_asking
from gateway.cli.options import ConfigFile
from gateway.config import load_config
from gateway.publish.ask import Asker

RENDERING_S = 30.0
"""How long a slow voice may take for what nobody has prepared."""


def say(
    text: str = typer.Argument(..., help="What is said, e.g. 收到，请讲"),
    config: Path = ConfigFile,
    radio: str | None = typer.Option(None, "--radio", help="On which radio; needed where several can speak."),
    urgent: bool = typer.Option(False, "--urgent", help="Before everything that waits to be said."),
) -> None:
    """Say something on the air once the channel is free; ends when the key is released."""
    given = {"text": text, "radio": radio, "priority": "urgent" if urgent else "routine"}
    waits_s = [one.transmit.busy_wait_s + one.transmit.max_s for one in load_config(config).radio]

    async def work(asker: Asker) -> None:
        request = {key: value for key, value in given.items() if value is not None}
        answer = await asker.ask("say", request, within_s=max(waits_s, default=0.0) + RENDERING_S)
        result = result_of(answer)
        print(f"said on {result['radio']} in {result['duration_s']:.1f} s by {result['voice']}: {text}")
        print(f"transmission {result['transmission_id']}, keyed at {result['started_at']}")

    run_asking(config, (), work)
