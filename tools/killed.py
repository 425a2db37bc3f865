"""A roll-call on a real daemon that is killed again and again, and what came of it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROMPT_S, DELAY_S = 0.3, 0.2
_LISTENS_FIRST = 0.75


@dataclass
class Outcome:
    """What the subscriber and the store know when it is over. `violations` is empty when all is well."""

    units: int
    kills: int
    events: list[dict[str, Any]]
    crew: list[dict[str, Any]]
    seconds: float
    violations: list[str] = field(default_factory=list)


def write_station(folder: Path, broker_url: str, units: int, silent: int = 0) -> tuple[Path, Path]:
    """Write a station of `units` units whose radios send digits, and its crew; return both files.

    The last `silent` units never answer.
    """
    rows = ["unit_id,name,aliases,unit_class,street,lat,lon,duty_headcount,state,radio_id"]
    answers: dict[str, Any] = {}
    for number in range(units):
        name = f"单元{_digits(number)}号"
        rows.append(f"k{number:03d},{name},,C,石牌街,,,3,active,dtmf:{1000 + number}")
        is_silent = number >= units - silent
        answers[name] = [None if is_silent else {"dtmf": str(1000 + number), "delay_s": DELAY_S}]
    (folder / "units.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    crew = folder / "crew.json"
    crew.write_text(json.dumps({"prompt_s": PROMPT_S, "answers": answers}), encoding="utf-8")
    config = folder / "station.toml"
    config.write_text(
        f"""
[gateway]
org = "gz"
district = "tianhe"
id = "shipai"
command_post = "指挥中心"
data_dir = "data"
[units]
csv = "units.csv"
[mqtt]
url = "{broker_url}"
[rollcall]
calls = 1
wait_s = 2.0
last_call_s = 0.0
ask_headcount = false
[rollcall.phrases]
open = ""
close = ""
acknowledge = ""
[[radio]]
id = "ch1"
source = {{ kind = "virtual", radio = "{folder}", noise_dbfs = -70.0 }}
sink = {{ kind = "virtual", radio = "{folder}" }}
control = {{ kind = "virtual", radio = "{folder}" }}
squelch = {{ kind = "carrier" }}
transmit = {{ lead_s = 0.0, tail_s = 0.0 }}
""",
        encoding="utf-8",
    )
    return config, crew


def write_drill_station(folder: Path, broker_url: str, units: int, silent: int = 0) -> tuple[Path, Path]:
    """Write a station whose unit k000 has all others as its line; return its file and its crew's.

    Everybody acknowledges an order and is there a little later; the last `silent` units never answer. With
    one unit nobody else can be in its way, and everything goes faster.
    """
    there_s, gather_s = (8.0, 8) if units > 1 else (2.5, 2)
    config, crew = write_station(folder, broker_url, units)
    story = json.loads(crew.read_text(encoding="utf-8"))
    names = list(story["answers"])
    story["gap_s"] = 0.3
    story["drill"] = {
        name: [
            {"dtmf": str(1000 + number), "delay_s": 0.3 + 1.7 * (number % 4), "step": "acknowledged"},
            {
                "dtmf": str(1000 + number),
                "delay_s": there_s + 4.5 * (number % 4),
                "tail_s": 2.0,
                "step": "arrived",
            },
        ]
        for number, name in enumerate(names[: units - silent])
    }
    crew.write_text(json.dumps(story), encoding="utf-8")
    path = folder / "units.csv"
    rows = path.read_text(encoding="utf-8").splitlines()
    beside = "|".join(f"k{number:03d}" for number in range(1, units))
    lines = [f"{rows[0]},neighbours", f"{rows[1]},{beside}", *(f"{row}," for row in rows[2:])]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = config.read_text(encoding="utf-8")
    limits = (
        f"self_rescue_s = 40\nmutual_aid_s = 60\ngather_s = {gather_s}\ngrace_s = 5\nnames_per_order = 4\n"
    )
    phrases = 'open = "演练开始"\nclose = "演练结束"\nacknowledge = ""\nresume = ""\n'
    drill = f"[drill]\n{limits}ask_report = false\n[drill.phrases]\n{phrases}[[radio]]"
    config.write_text(text.replace("[[radio]]", drill, 1), encoding="utf-8")
    return config, crew


def _digits(number: int) -> str:
    return "".join("零一二三四五六七八九"[int(digit)] for digit in str(number))


class Process:
    """The daemon with its crew, one run of it after the other."""

    def __init__(self, config: Path, crew: Path) -> None:
        self._command = [sys.executable, "-m", "tools.crewstation", str(config), str(crew)]
        self._out = config.with_name("crew.jsonl")
        self._log = config.with_name("daemon.log")
        self._running: subprocess.Popen[bytes] | None = None
        self._runs = 0

    def start(self) -> None:
        """Start it."""
        self._runs = min(self.log_text.count("broker connected"), self.log_text.count(" listening ")) + 1
        with self._out.open("ab") as out, self._log.open("ab") as log:
            self._running = subprocess.Popen(
                self._command, cwd=ROOT, stdout=out, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT)}
            )

    def listens(self, within_s: float = 120.0) -> None:
        """Wait until it says that it listens.

        Raises:
            TimeoutError: it does not.
        """
        until_s = time.monotonic() + within_s
        while min(self.log_text.count("broker connected"), self.log_text.count(" listening ")) < self._runs:
            if time.monotonic() > until_s:
                raise TimeoutError(f"the daemon does not listen:\n{self.log_text[-2000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._running is not None
        self._running.send_signal(signal.SIGKILL)
        self._running.wait(timeout=10)

    def stop(self) -> None:
        """End it in good order, if it runs."""
        if self._running is not None and self._running.poll() is None:
            self._running.terminate()
            self._running.wait(timeout=30)

    @property
    def log_text(self) -> str:
        """Everything logged so far."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    def crew(self) -> list[dict[str, Any]]:
        """What the crew noted; a line cut by a kill is left out."""
        noted = []
        for line in self._out.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                noted.append(json.loads(line))
            except ValueError:
                continue
        return noted


def hold_while_killing(
    config: Path, crew: Path, heard: Any, start: Any, kills: int, seed: int, most_s: float
) -> Outcome:
    """Hold one roll-call, kill the daemon `kills` times meanwhile, and see what is published.

    Args:
        config: the station's file.
        crew: its crew's.
        heard: gives the events a subscriber has heard so far, each once.
        start: begins the roll-call; called once the daemon runs.
        kills: how often the daemon is killed, spread over the units still to come.
        seed: draws the moments.
        most_s: gives up after this long.
    """
    draw = random.Random(seed)
    process = Process(config, crew)
    began = time.monotonic()
    process.start()
    done = 0
    try:
        process.listens()
        start()
        units = len(json.loads(crew.read_text(encoding="utf-8"))["answers"])
        steps = sorted(draw.uniform(0, units * 0.9) for _ in range(kills))
        while not _finished(events := heard()) and time.monotonic() - began < most_s:
            decided = sum(e["type"].endswith((".answered", ".missed")) for e in events)
            if done < kills and decided >= int(steps[done]):
                time.sleep(draw.uniform(0.0, 2.0))
                process.kill()
                done += 1
                process.start()
                time.sleep(draw.uniform(0.5, 3.5))
            time.sleep(0.05)
        time.sleep(1.0)
    finally:
        process.stop()
    outcome = Outcome(units, done, heard(), process.crew(), time.monotonic() - began)
    outcome.violations = _violations(outcome, process.log_text)
    return outcome


def drill_while_killing(
    config: Path, crew: Path, heard: Any, start: Any, kills: int, seed: int, most_s: float, live_s: float
) -> Outcome:
    """Hold one drill, kill the daemon `kills` times at any moment, and see what is published.

    A life of it is up to `live_s` seconds long; the other arguments are those of `hold_while_killing`.
    """
    draw = random.Random(seed)
    process = Process(config, crew)
    began = time.monotonic()
    process.start()
    done = 0
    try:
        process.listens()
        start()
        while not _finished(heard()) and time.monotonic() - began < most_s:
            if done < kills:
                # Some are killed as they start; the others once they speak and listen again.
                if draw.random() < _LISTENS_FIRST:
                    process.listens()
                time.sleep(draw.uniform(0.2, live_s))
                if _finished(heard()):
                    break
                process.kill()
                done += 1
                process.start()
            time.sleep(0.1)
        time.sleep(1.0)
    finally:
        process.stop()
    units = len(json.loads(crew.read_text(encoding="utf-8"))["answers"])
    outcome = Outcome(units, done, heard(), process.crew(), time.monotonic() - began)
    outcome.violations = _drill_violations(outcome, process.log_text)
    return outcome


def _drill_violations(outcome: Outcome, log_text: str) -> list[str]:
    """Say what is wrong: a unit undecided, a step told twice, an order to who is there, silence made up."""
    of = {verb: [e for e in outcome.events if e["type"].endswith(f"drill.{verb}")] for verb in (
        "started", "arrived", "finished")}  # fmt: skip
    if len(of["started"]) != 1 or len(of["finished"]) != 1:
        return [f"{len(of['started'])} began, {len(of['finished'])} finished"]
    found = []
    by_unit: dict[str, list[dict[str, Any]]] = {}
    for event in sorted(of["arrived"], key=lambda e: int(e["sequence"])):
        by_unit.setdefault(event["subject"], []).append(event["data"])
    if len(by_unit) != outcome.units:
        found.append(f"{outcome.units - len(by_unit)} units were never told of")
    answers = {one["unit"] for one in outcome.crew if "unit" in one}
    for unit_id, lines in by_unit.items():
        last, steps = lines[-1], [line["step"] for line in lines]
        revisions = [line["revision"] for line in lines]
        if revisions != sorted(set(revisions)):
            found.append(f"{unit_id}: revisions {revisions}")
        twice = [step for step in ("acknowledged", "arrived", "settled") if steps.count(step) > 1]
        found += [f"{unit_id}: {step} was told twice" for step in twice]
        if "arrived" in steps and "ordered" in steps[steps.index("arrived") :]:
            found.append(f"{unit_id} was ordered again when it was there")
        if last["outcome"] is None or last["arrival"] is None:
            found.append(f"{unit_id} has no outcome")
        silent = last["unit_name"] not in answers
        if silent and last["outcome"] not in {"no_answer", "not_observed"}:
            found.append(f"{unit_id} was silent and is {last['outcome']}")
        if not silent and last["outcome"] in {"no_answer", "not_observed"}:
            found.append(f"{unit_id} answers each order and is {last['outcome']}")
    return found + _in_general(outcome, log_text)


def _finished(events: list[dict[str, Any]]) -> bool:
    return any(event["type"].endswith(("rollcall.finished", "drill.finished")) for event in events)


def _in_general(outcome: Outcome, log_text: str) -> list[str]:
    found = []
    sequences = sorted(int(event["sequence"]) for event in outcome.events)
    if sequences != list(range(sequences[0], sequences[0] + len(sequences))):
        found.append("sequence numbers are not contiguous")
    if "Traceback" in log_text:
        found.append("a traceback in the log")
    return found


def _violations(outcome: Outcome, log_text: str) -> list[str]:
    """Say what is wrong: a unit without an outcome, recorded twice, or called again once it was."""
    found = []
    of = {verb: [e for e in outcome.events if e["type"].endswith(f"rollcall.{verb}")] for verb in (
        "started", "called", "answered", "missed", "finished")}  # fmt: skip
    if len(of["started"]) != 1 or len(of["finished"]) != 1:
        found.append(f"{len(of['started'])} began, {len(of['finished'])} finished")
        return found
    own = [e for e in of["answered"] if e["data"]["outcome"] != "unreadable"]
    recorded = Counter(e["subject"] for e in (*own, *of["missed"]))
    recorded.update({e["subject"] for e in of["answered"]} - recorded.keys())
    found += [f"{unit_id} is recorded {count} times" for unit_id, count in recorded.items() if count > 1]
    if len(recorded) != outcome.units:
        found.append(f"{outcome.units - len(recorded)} units have no outcome")
    since: dict[str, int] = {}
    for event in sorted(outcome.events, key=lambda e: int(e["sequence"])):
        unit_id = event["subject"]
        if event in own:
            since[unit_id] = int(event["sequence"])
        elif event["type"].endswith("rollcall.called") and unit_id in since:
            found.append(f"{unit_id} was called again after it was recorded")
    wrong = [
        e["subject"] for e in of["missed"] if e["data"]["outcome"] == "no_answer" and _answers(e, outcome)
    ]
    found += [f"{unit_id} had answered and is no_answer" for unit_id in wrong]
    return found + _in_general(outcome, log_text)


def _answers(event: dict[str, Any], outcome: Outcome) -> bool:
    return any(one.get("unit") == event["data"]["unit_name"] for one in outcome.crew)
