"""The daemon killed again and again: nothing may be lost, nothing may be wrong."""

from bench.figure import Figure, Options, Report
from bench.station import folder, mosquitto
from tools.crashes import run_crashes

REAL_SHARE = 0.025
WORKERS = 2


def crashes(options: Options) -> Report:
    """Kill lives of the daemon at every step and at any moment; see tools.crashes."""
    real = round(options.kills * REAL_SHARE)
    with folder() as where, mosquitto(where) as url:
        verdict = run_crashes(
            options.kills - real, workers=WORKERS, real=real, seed=f"bench-{options.kills}", folder=where,
            port=int(url.rpartition(":")[2]),
        )  # fmt: skip
    detail = {
        "killed_at": dict(sorted(verdict.killed_at.items())),
        "real_recogniser": verdict.real_kills,
        "calls_heard_whole": verdict.calls_over,
        "calls_cut_by_a_kill": verdict.calls_cut,
        "events": verdict.events,
        "repeats": verdict.repeats,
        "set_aside_after_two_crashes": verdict.quarantined,
    }
    return Report(
        (
            Figure.at_least("crashes.kills", verdict.kills, "kills", options.kills, str(verdict), **detail),
            Figure.at_most("crashes.lost", len(verdict.lost), "", 0, "; ".join(verdict.lost[:5])),
            Figure.at_most("crashes.wrong", len(verdict.wrong), "", 0, "; ".join(verdict.wrong[:5])),
        )
    )
