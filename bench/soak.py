"""A busy day in less than an hour: 24 h of air on each radio, thousands of calls, and what the daemon holds.

Virtual radios that hurry, the real segmenter on every second of the day, understanding, store, spool, pump
and mosquitto; only the recogniser is scripted. Memory must stay flat, and no thread, descriptor or task may
be left over. The daemon's own clocks are not hurried: what happens once an hour happens once.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import soundfile

from bench.figure import ROOT, Figure, Options, Report
from bench.soaklife import LINES
from bench.station import folder, mosquitto
from gateway.model import RATE_HZ
from tools.crashair import numbered

RADIOS = 2
DAY_S = 86_400.0
DAY_CALLS = 5000
"""Calls of a day; a run with fewer is as much shorter."""
FIRST_AT_S = 1.1
GAP_S = 0.8
WARM_SHARE = 0.25
"""Of the transmissions: by then caches are full and every kind of call has come by many times."""
END_SHARE = 0.85
MOST_GROWTH = 0.03


def soak(options: Options) -> Report:
    """Run the day, and compare what was held after the warm-up with what was held at its end."""
    with folder() as where, mosquitto(where) as url:
        config = write_day(where, url, options.soak_calls)
        said = run_day(config, options.soak_minutes * 60)
    return judge(said, options.soak_calls)


def write_day(where: Path, url: str, calls: int) -> Path:
    """Write the station, its recordings and each radio's script; return the configuration's file."""
    where = where.resolve()
    length_s = 0.0
    for number in range(len(LINES)):
        sound = numbered(number)
        length_s = len(sound) / RATE_HZ
        soundfile.write(where / f"{number}.wav", sound, RATE_HZ, subtype="PCM_16")
    step_s = max(length_s + GAP_S, DAY_S * RADIOS / DAY_CALLS)
    radios = []
    for radio in range(RADIOS):
        script = ["noise_dbfs = -80.0"]
        for call in range(calls // RADIOS + (radio < calls % RADIOS)):
            at_s = round(FIRST_AT_S + call * step_s, 2)
            script.append(f'[[call]]\nat_s = {at_s}\nfile = "{call % len(LINES)}.wav"\nlead_s = 0.06')
        (where / f"air-{radio}.toml").write_text("\n".join(script) + "\n", encoding="utf-8")
        radios.append(
            f'[[radio]]\nid = "ch{radio}"\n[radio.source]\nkind = "virtual"\nradio = "soak-{radio}"\n'
            f'script = "air-{radio}.toml"\npace = "fast"\nchunk_s = 0.2\n[radio.control]\nkind = "virtual"\n'
            f'radio = "soak-{radio}"\n[radio.squelch]\nkind = "carrier"\n'
        )
    config = where / "station.toml"
    config.write_text(
        '[gateway]\norg = "gz"\ndistrict = "tianhe"\nid = "soak"\ncommand_post = "指挥中心"\n'
        f'data_dir = "data"\n[units]\ncsv = "{ROOT / "tests" / "data" / "units.csv"}"\n'
        f'[mqtt]\nurl = "{url}"\n' + "".join(radios),
        encoding="utf-8",
    )
    return config


def run_day(config: Path, within_s: float) -> list[dict[str, Any]]:
    """Live the day in a process of its own; return what it said of itself.

    Raises:
        RuntimeError: it ended badly.
    """
    command = [sys.executable, "-m", "bench.soaklife", str(config), str(within_s)]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False, timeout=within_s + 120
    )
    if done.returncode:
        raise RuntimeError(f"the daemon ended with {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def judge(said: Sequence[dict[str, Any]], asked: int) -> Report:
    """Make figures of what the process said."""
    before, after = said[0], said[-1]
    heard = after["heard"]
    samples = [one for one in said if one["is"] == "sample"]
    warm = [one for one in samples if WARM_SHARE * heard <= one["heard"] <= 2 * WARM_SHARE * heard]
    end = [one for one in samples if END_SHARE * heard <= one["heard"] < heard]
    detail = {"samples": samples[:: max(1, len(samples) // 20)], "after": after}
    figures = [
        Figure.at_least("soak.transmissions", heard, "calls", asked, f"on {RADIOS} radios", **detail),
        Figure.noted(
            "soak.air", heard * DAY_S / DAY_CALLS / 3600, "h", "simulated on each radio, by the calls heard"
        ),
        Figure.noted(
            "soak.rate", heard / after["at_s"], "calls/s", "the gateway's own pace, fsyncs included"
        ),
    ]
    if warm and end:
        first, last = (_median(part, "resident_kib") for part in (warm, end))
        figures += [
            Figure.noted("soak.resident", last / 1024, "MiB", "at the end of the day"),
            Figure.at_most(
                "soak.growth", last / first - 1, "share", MOST_GROWTH,
                f"of resident memory, from the calls between {WARM_SHARE:.0%} and {2 * WARM_SHARE:.0%} to "
                f"the last {1 - END_SHARE:.0%}",
                warm_mib=round(first / 1024, 1), end_mib=round(last / 1024, 1),
            ),
        ]  # fmt: skip
        figures += [
            Figure.at_most(
                f"soak.more_{what}",
                _fewest(end, what) - _fewest(warm, what),
                what,
                0,
                "the fewest, warm-up to end",
            )
            for what in ("threads", "descriptors", "tasks")
        ]
    figures += [
        Figure.at_most(f"soak.left_{what}", after[what] - before[what], what, 0, "after the daemon stopped")
        for what in ("threads", "descriptors", "tasks")
    ]
    return Report(tuple(figures))


def _median(samples: Sequence[dict[str, Any]], what: str) -> float:
    return float(statistics.median(one[what] for one in samples))


def _fewest(samples: Sequence[dict[str, Any]], what: str) -> int:
    """The floor: a call that is open holds a file, which is no leak."""
    return int(min(one[what] for one in samples))
