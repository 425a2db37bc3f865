"""Who called and what was said, on the second corpus: sentences, units and voices that nothing was tuned on.

The corpus is spoken by `python -m tools.corpus make --city` (an hour on two cores) into `.cache/corpus/city`,
the splits that judge by `make --judge NAME` into `.cache/corpus/NAME`; without them this benchmark says so
and measures nothing. Each call goes through the radio channel and the product's own path as a conversation of
its own, against its split's 2,702 units of `tools.cityregistry`.
"""

import itertools
import math
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import soundfile
from rich.table import Table

from bench import recordings as sound
from bench.accuracy import split_figures
from bench.figure import WORK, Figure, Options, Report
from bench.listening import Heard, listen
from bench.remembered import remembered
from gateway.understand.registry import units_to_csv
from tools.calls import Call, read_manifest
from tools.channel import CLEAN, Channel, Samples, transmit
from tools.cityregistry import city_units
from tools.corpus import CITY_SEED, JUDGES, city_folder

TARGETS = {20: (0.99, 0.005, 0.98, 0.98), 12: (0.95, 0.01, 0.92, 0.92), 8: (0.85, 0.02, None, None)}
"""By SNR: caller right at least, caller wrong at most, incident code and headcount right at least."""
JUDGED = ("test", "blind", *JUDGES)
"""Splits that are run once, when all is decided; all of these have been, and are worked on by now."""
SNRS_DB = (20, 12, 8)
SAMPLED = {"clean": None, "25": 25.0, "15": 15.0}
SAMPLE_EVERY = 5
BINS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


def understanding(options: Options) -> Report:
    """The city corpus; every fifth call also on other channels."""
    unspoken = sorted(
        {city_folder(s).name for s in options.splits if not (city_folder(s) / "manifest.csv").exists()}
    )
    if unspoken:
        told = f"no {' and '.join(unspoken)} corpus: see tools/corpus.py"
        return Report((Figure.noted("understanding.skipped", None, "", told),))
    figures: list[Figure] = []
    tables: list[Table] = []
    for split in options.splits:
        calls = [c for c in read_manifest(city_folder(split) / "manifest.csv") if c.split == split]
        units = WORK / f"city-{split}.csv"
        units.write_text(units_to_csv(city_units(CITY_SEED[split])), encoding="utf-8")
        by_snr = hear(calls[:: options.every], units, {str(snr): float(snr) for snr in SNRS_DB})
        judged = {int(name): found for name, found in by_snr.items()}
        more, table = split_figures(split, judged, "understanding")
        figures += more
        tables.append(table)
        for snr_db, found in judged.items():
            figures += _against_targets(split, snr_db, found) if split in JUDGED else ()
            figures.append(_confusions(split, snr_db, found))
        tables.append(_calibration(split, judged))
        if split in JUDGED:
            sampled = hear(calls[:: SAMPLE_EVERY * options.every], units, SAMPLED)
            figures += [
                _caller_figure(f"understanding.{split}.{name}", found) for name, found in sampled.items()
            ]
    return Report(tuple(figures), tuple(tables))


def hear(
    calls: Sequence[Call], units: Path, channels: Mapping[str, float | None]
) -> dict[str, list[tuple[Call, Heard]]]:
    """Each call on each channel through the product's path."""
    folder = WORK / "city"
    shutil.rmtree(folder, ignore_errors=True)
    recorded: dict[str, tuple[str, Call]] = {}
    for name, snr_db in channels.items():
        for call in calls:
            stem = f"{call.file.removesuffix('.flac')}@{name}"
            sound.record([aired(call, snr_db)], folder / f"{stem}.wav")
            recorded[stem] = (name, call)
    with remembered():
        heard = listen(sorted(folder.glob("*.wav")), units)
    return {
        name: [(call, heard[stem]) for stem, (at, call) in recorded.items() if at == name]
        for name in channels
    }


def aired(call: Call, snr_db: float | None) -> Samples:
    """The call as a receiver hands it over."""
    speech, _ = soundfile.read(city_folder(call.split) / call.file, dtype="float32")
    channel = CLEAN if snr_db is None else Channel(snr_db=snr_db)
    return transmit(speech, channel, sound.seed(f"{call.file}/{snr_db}"))


def caller_outcomes(found: Sequence[tuple[Call, Heard]]) -> Counter[str]:
    """right, wrong, ambiguous or unknown of those who told; false of those who did not."""
    count: Counter[str] = Counter()
    for call, heard in found:
        matched = {p["unit_id"] for p in _callers(heard) if p["status"] == "matched" and p["kind"] == "unit"}
        if not call.caller_id:
            count["false" if matched else "nobody"] += 1
        elif matched:
            count["right" if matched == {call.caller_id} else "wrong"] += 1
        else:
            vague = any(p["status"] == "ambiguous" for p in _callers(heard))
            count["ambiguous" if vague else "unknown"] += 1
    return count


def _callers(heard: Heard) -> list[dict[str, Any]]:
    return [data["caller"] for data in heard.received]


def _caller_figure(name: str, found: Sequence[tuple[Call, Heard]]) -> Figure:
    count = caller_outcomes(found)
    told = count.total() - count["false"] - count["nobody"]
    return Figure.noted(
        f"{name}.caller.right", count["right"] / max(told, 1), "share", f"of {told}; {dict(count)}", **count
    )


def _against_targets(split: str, snr_db: int, found: Sequence[tuple[Call, Heard]]) -> list[Figure]:
    right, wrong, _, _ = TARGETS[snr_db]
    count = caller_outcomes(found)
    told = count.total() - count["false"] - count["nobody"]
    name = f"understanding.{split}.{snr_db}db.caller"
    rest = ", ".join(f"{n} {k}" for k, n in count.items())
    return [
        Figure.at_least(f"{name}.told_right", count["right"] / told, "share", right, rest),
        Figure.at_most(
            f"{name}.told_wrong", count["wrong"] / told, "share", wrong, f"{count['wrong']} of {told}"
        ),
    ]


def _confusions(split: str, snr_db: int, found: Sequence[tuple[Call, Heard]]) -> Figure:
    """Who was taken for whom, surely or as the best guess."""
    pairs: Counter[str] = Counter()
    best = 0
    for call, heard in found:
        if not call.caller_id:
            continue
        guesses = [c["candidates"][0] for c in _callers(heard) if c["candidates"]]
        best += any(guess["unit_id"] == call.caller_id for guess in guesses)
        pairs.update(f"{call.caller}→{g['name']}" for g in guesses if g["unit_id"] != call.caller_id)
    told = sum(bool(call.caller_id) for call, _ in found)
    return Figure.noted(
        f"understanding.{split}.{snr_db}db.caller.best_guess", best / max(told, 1), "share",
        f"{best} of {told} callers", confused=dict(pairs.most_common()),
    )  # fmt: skip


def _calibration(split: str, judged: Mapping[int, Sequence[tuple[Call, Heard]]]) -> Table:
    """How often a best guess of a given score is right: what the score says it should be."""
    table = Table(title=f"{split}: score of the best guess and how often it is right", title_justify="left")
    for column in ("score", "calls", "mean score", "right"):
        table.add_column(column, justify="right")
    guesses = [
        (float(c["candidates"][0]["score"]), c["candidates"][0]["unit_id"] == call.caller_id)
        for found in judged.values()
        for call, heard in found
        for c in _callers(heard)
        if c["candidates"]
    ]
    for low, high in itertools.pairwise(BINS):
        inside = [(s, right) for s, right in guesses if low <= s < high or s == high == 1.0]
        if inside:
            mean = math.fsum(s for s, _ in inside) / len(inside)
            share = sum(right for _, right in inside) / len(inside)
            table.add_row(f"{low:g} to {high:g}", str(len(inside)), f"{mean:.3f}", f"{share:.3f}")
    return table
