"""The daemon killed again and again: nothing may be lost, nothing may be wrong.

Two thousand kills take the better part of an hour, fifty of them with the real recogniser. Each station's
verdict is kept in `.cache/bench` as it ends, so that a run cut short goes on where it was when it is started
again at the same commit. What was found is kept there too, folder and all.
"""

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bench.figure import WORK, Figure, Options, Report, commit
from bench.station import folder, mosquitto
from tools.crashes import run_crashes
from tools.crashjudge import Verdict

REAL_SHARE = 0.025
WORKERS = 1
"""Lives wait for the disk most of their time; a second worker on a small machine only makes them longer."""


def crashes(options: Options) -> Report:
    """Kill lives of the daemon at every step and at any moment; see tools.crashes."""
    real = round(options.kills * REAL_SHARE)
    parts = WORK / f"crashes-{options.kills}-{commit()}.jsonl"
    done = _read(parts)
    if done:
        print(f"going on after {len(done)} stations of an earlier run, see {parts}")
    with folder() as where, mosquitto(where) as url:

        def keep(name: str, verdict: Verdict) -> None:
            if verdict.lost or verdict.wrong:
                shutil.copytree(where / name, parts.with_suffix("") / name, dirs_exist_ok=True)
            with parts.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"name": name} | vars(verdict)) + "\n")

        verdict = run_crashes(
            options.kills - real, workers=WORKERS, real=real, seed=f"bench-{options.kills}", folder=where,
            port=int(url.rpartition(":")[2]), done=done, keep=keep, tell=lambda line: print(line, flush=True),
        )  # fmt: skip
    parts.unlink(missing_ok=True)
    return Report(_figures(verdict, options.kills))


def _read(parts: Path) -> Mapping[str, Verdict]:
    if not parts.exists():
        return {}
    told = [json.loads(line) for line in parts.read_text(encoding="utf-8").splitlines()]
    return {one.pop("name"): Verdict(**one | {"killed_at": Counter(one["killed_at"])}) for one in told}


def _figures(verdict: Verdict, kills: int) -> tuple[Figure, ...]:
    detail = {
        "killed_at": dict(sorted(verdict.killed_at.items())),
        "real_recogniser": verdict.real_kills,
        "calls_heard_whole": verdict.calls_over,
        "calls_cut_by_a_kill": verdict.calls_cut,
        "events": verdict.events,
        "repeats": verdict.repeats,
        "set_aside_after_two_crashes": verdict.quarantined,
    }
    return (
        Figure.at_least("crashes.kills", verdict.kills, "kills", kills, str(verdict), **detail),
        Figure.at_most("crashes.lost", len(verdict.lost), "", 0, "; ".join(verdict.lost[:5])),
        Figure.at_most("crashes.wrong", len(verdict.wrong), "", 0, "; ".join(verdict.wrong[:5])),
    )
