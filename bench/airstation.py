"""A daemon's virtual radios, how a person starts something on it, and who listens to what it publishes."""

import contextlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.figure import ROOT


def radios_of(where: Path, streets: Sequence[str]) -> str:
    """The configuration of a virtual radio for each street, cut by level and by the carrier in turn."""
    text = ""
    for number, street in enumerate(streets):
        kind = squelch_of(f"ch{number}")
        radio = f'radio = "{where}/{number}"'
        text += (
            f'[[radio]]\nid = "ch{number}"\nstreets = ["{street}"]\n'
            f'source = {{ kind = "virtual", {radio}, noise_dbfs = -70.0 }}\n'
            f'sink = {{ kind = "virtual", {radio} }}\ncontrol = {{ kind = "virtual", {radio} }}\n'
            f'squelch = {{ kind = "{kind}" }}\ntransmit = {{ lead_s = 0.1, tail_s = 0.0 }}\n'
        )
    return text


def squelch_of(radio: str) -> str:
    """What cuts the transmissions of a radio made by `radios_of`."""
    return "vox" if int(radio.removeprefix("ch")) % 2 else "carrier"


def begin(config: Path, *asked: str) -> None:
    """Start a roll-call, or what else is `asked`, as a person does.

    Raises:
        RuntimeError: it was refused.
    """
    run = "from gateway.cli.main import main; main()"
    words = asked or ("rollcall", "start")
    command = [".venv/bin/python", "-c", run, *words, "-c", str(config), "--no-watch"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr}")


@contextlib.contextmanager
def subscriber(where: Path, url: str) -> Iterator[Any]:
    """Somebody else's subscriber; gives what returns the events so far, each once."""
    path = where / "heard.jsonl"
    port = url.rpartition(":")[2]
    command = ["mosquitto_sub", "-p", port, "-V", "5", "-q", "1", "-i", "dispatcher", "-c", "-x", "3600",
               "-t", "rg/v1/+/+/+/evt/#", "-F", "%p"]  # fmt: skip

    def heard() -> list[dict[str, Any]]:
        seen: dict[str, dict[str, Any]] = {}
        whole, _, _ = path.read_bytes().rpartition(b"\n")  # the last line may be half written
        for line in whole.splitlines():
            event = json.loads(line)
            seen.setdefault(event["id"], event)
        return list(seen.values())

    with path.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(command, stdout=out)
        try:
            yield heard
        finally:
            process.terminate()
            process.wait(timeout=10)
