"""Measure the product: `python -m bench.run [NAME...]`, see bench/README.md.

A benchmark is a function from Options to a Report; to add one, write it and put it into BENCHMARKS. All of
them together write bench/results.json; named ones are printed, and written only with --out.
"""

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.accuracy import accuracy, conversation, negatives
from bench.backlog import backlog
from bench.crashes import crashes
from bench.daemon import start_and_memory, store_and_publish
from bench.dispatcher import measure as measure_dispatcher
from bench.drills import crowded as drills_crowded
from bench.drills import killed as drill_killed
from bench.drills import on_the_air as drills_on_the_air
from bench.eventlife import event_life
from bench.figure import (
    ROOT,
    WORK,
    Benchmark,
    Figure,
    Options,
    Report,
    keep_results,
    machine,
    show,
    write_results,
)
from bench.fleet import measure as measure_fleet
from bench.fleet import measure_clusters
from bench.mixedanswers import mixed
from bench.path import whole_path
from bench.ptt import ptt
from bench.radios import first_syllable, idle, unplug, voice_detector
from bench.rollcall import days, killed, outcomes
from bench.rollcallair import on_the_air
from bench.signalling import CACHED_SPEECH, OWN_CALLS
from bench.signalling import measure as measure_signalling
from bench.soak import soak
from bench.speed import resolve, segment
from bench.understanding import understanding
from bench.voices import voices
from gateway.log import configure_log

RESULTS = ROOT / "bench" / "results.json"


def signalling(_options: Options) -> Report:
    """Callers' ids through the radio channel; see bench.signalling."""
    figures = []
    for name, value in measure_signalling(tries=300, folders=(OWN_CALLS, *CACHED_SPEECH)).items():
        if not isinstance(value, int | float):
            continue
        is_share = name.endswith(("_db", "_speech", "_time"))
        figure = f"signalling.{name}"
        if name.endswith("_read_at_12_db"):
            figures.append(Figure.at_least(figure, value, "share", 0.98))
        elif name == "speech_minutes":
            figures.append(Figure.at_least(figure, value, "min", 60))
        elif "wrong" in name or name == "false_ids":
            figures.append(Figure.at_most(figure, value, "ids", 0))
        else:
            figures.append(Figure.noted(figure, value, "share" if is_share else "min"))
    return Report(tuple(figures))


BENCHMARKS: dict[str, Benchmark] = {
    "resolve": resolve,
    "segment": segment,
    "daemon": store_and_publish,
    "backlog": backlog,
    "event_life": event_life,
    "crashes": crashes,
    "soak": soak,
    "start": start_and_memory,
    "path": whole_path,
    "signalling": signalling,
    "ptt": ptt,
    "voices": voices,
    "idle": idle,
    "unplug": unplug,
    "first-syllable": first_syllable,
    "vad": voice_detector,
    "dispatcher": measure_dispatcher,
    "fleet": measure_fleet,
    "fleet-clusters": measure_clusters,
    "conversation": conversation,
    "negatives": negatives,
    "rollcall": outcomes,
    "rollcall-mixed": mixed,
    "rollcall-days": days,
    "rollcall-air": on_the_air,
    "rollcall-killed": killed,
    "drill-air": drills_on_the_air,
    "drill-crowded": drills_crowded,
    "drill-killed": drill_killed,
    "accuracy": accuracy,
    "understanding": understanding,
}


def main() -> int:
    asked = _arguments()
    options = Options(
        snrs_db=tuple(asked.snr),
        splits=tuple(asked.split),
        human=asked.human,
        path_calls=asked.path_calls,
        every=asked.every,
        kills=asked.kills,
        soak_calls=asked.soak_calls,
        soak_minutes=asked.soak_minutes,
    )
    names = asked.names or list(BENCHMARKS)
    configure_log("error")
    WORK.mkdir(parents=True, exist_ok=True)
    console = Console(width=max(120, Console().width))
    header = machine() | {"options": _told(options)}
    started = time.monotonic()
    figures: list[Figure] = []
    took_s: dict[str, float] = {}
    for name in names:
        began = time.monotonic()
        report = _measured(name, options, console)
        took_s[name] = round(time.monotonic() - began, 1)
        console.rule(f"[bold]{name}[/]  {took_s[name]} s", align="left")
        show(report.figures, console)
        for table in report.tables:
            console.print(table)
        figures += report.figures
    header |= {
        "load_1_5_15_min_at_end": machine()["load_1_5_15_min"],
        "minutes": round((time.monotonic() - started) / 60, 1),
        "seconds_by_benchmark": took_s,
    }
    out = asked.out or (None if asked.names and not asked.keep else RESULTS)
    if out is not None:
        (keep_results if asked.keep else write_results)(out, header, figures)
        console.print(f"\nwritten to {out}")
    missed = [figure.name for figure in figures if figure.reached is False]
    console.print(f"targets: {sum(f.reached is True for f in figures)} reached, {len(missed)} missed")
    for name in missed:
        console.print(f"  [bold red]missed[/] {name}")
    return 1 if any(figure.value is None and figure.reached is False for figure in figures) else 0


def _measured(name: str, options: Options, console: Console) -> Report:
    """Run one benchmark; one that fails is a figure that says so, and the others go on."""
    try:
        return BENCHMARKS[name](options)
    except Exception as error:  # noqa: BLE001 - whatever it is, the quarter of an hour before is not lost
        console.print_exception(max_frames=4)
        failed = Figure(f"{name}.failed", None, "", reached=False, note=f"{type(error).__name__}: {error}")
        return Report((failed,))


def _told(options: Options) -> dict[str, Any]:
    """The options, for the header; a folder by its name, for paths are of one machine only."""
    return asdict(options) | {"human": options.human.name if options.human else None}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME", help=", ".join(BENCHMARKS)
    )
    parser.add_argument("--snr", type=int, nargs="+", default=[20, 12], help="dB; try also 8")
    parser.add_argument(
        "--split", nargs="+", choices=["dev", "test", "blind", "sealed", "vault", "cellar", "loft"],
        default=["test", "dev"], help="one that is to judge: once, when all is decided",
    )  # fmt: skip
    parser.add_argument("--human", type=Path, help="real people's speech: a folder with manifest.csv")
    parser.add_argument("--path-calls", type=int, default=10, help="calls for the whole path")
    parser.add_argument("--every", type=int, default=1, help="5: only each fifth call, for a quick look")
    parser.add_argument("--kills", type=int, default=2000, help="how often the daemon is killed")
    parser.add_argument("--soak-calls", type=int, default=5000, help="transmissions in the soak")
    parser.add_argument("--soak-minutes", type=float, default=60.0, help="the soak ends by then")
    parser.add_argument(
        "--keep", action="store_true", help="put these figures in the place of the older ones of their name"
    )
    parser.add_argument("--out", type=Path, help="write the results there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
