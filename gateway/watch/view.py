"""How one event reads to a dispatcher in a terminal. Pure: an event's JSON in, styled text out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.text import Text

PHASE_STYLE = {
    "open": "bold white on red",
    "resolved": "bold black on green",
    "cancelled": "bold black on yellow",
}
OUTCOME_STYLE = {
    "answered": "bold black on green",
    "answered_late": "bold black on yellow",
    "answered_by_other": "bold black on yellow",
    "unreadable": "bold black on yellow",
    "no_answer": "bold white on red",
}
"""What is not here says nothing about the unit."""
NEED_MARK = {"requested": "?", "promised": "→", "arrived": "✓", "released": "·"}
INDENT = " " * 10


def describe(event: Mapping[str, Any], agency_labels: Mapping[str, str] | None = None) -> Text:
    """Word one CloudEvent for a person; events of a kind not known here get their type and subject."""
    family, _, verb = str(event["type"]).removeprefix("radiogateway.").partition(".")
    text = Text().append(f"{_clock_time(event['time'])}  ", style="dim")
    data = event["data"]
    if family == "transmission":
        text.append_text(_transmission(data))
    elif family == "incident":
        text.append_text(_incident(data, verb, agency_labels or {}))
    elif family == "checkin":
        text.append_text(_checkin(data))
    elif family == "rollcall":
        text.append_text(_rollcall(data, verb))
    elif family == "review":
        text.append_text(_review(data, verb))
    elif family == "drill":
        text.append_text(_drill(data, verb))
    elif family == "gateway":
        text.append(f"{verb} ", style="bold red" if verb == "fault" else "bold green")
        text.append(f"{data['what']}: {data['message']}", style="default")
    else:
        text.append(f"{family}.{verb} {event['subject']}", style="default")
    if data.get("replayed"):
        text.append("  (sent late)", style="dim italic")
    return text


def _clock_time(stamp: str) -> str:
    return datetime.fromisoformat(stamp).strftime("%H:%M:%S")


def _party(party: Mapping[str, Any]) -> Text:
    if party["status"] == "matched":
        style = "bold cyan" if party["kind"] == "unit" else "cyan"
        return Text(str(party["name"] or "command post"), style=style)
    if party["status"] == "ambiguous":
        names = " / ".join(candidate["name"] for candidate in party["candidates"][:2])
        return Text(f"{names} ?", style="yellow")
    return Text("—", style="dim")


def _transmission(data: Mapping[str, Any]) -> Text:
    text = Text().append(f"{data['radio']}  ", style="blue")
    if data["class"] != "speech":
        text.append(f"{data['class']} ({data['duration_s']:.1f} s)", style="dim")
        return text
    text.append_text(_party(data["caller"])).append(" ▸ ", style="dim").append_text(_party(data["callee"]))
    text.append(f"  “{data['transcript']['text']}”", style="default")
    if data["review"]["required"]:
        text.append(f"  ⚑ {', '.join(data['review']['reasons'])}", style="yellow")
    return text


def _incident(data: Mapping[str, Any], verb: str, labels: Mapping[str, str]) -> Text:
    kind = data["type"]
    text = Text().append(f" {verb.upper()} ", style=PHASE_STYLE[data["phase"]])
    if data["status"] != "Actual":
        text.append(f" {data['status']} ", style="bold black on bright_cyan")
    text.append(f" {kind['label']} ", style="bold").append(f"{kind['code']}", style="dim")
    text.append(f"  by {data['unit']['name'] or 'unknown unit'}", style="cyan")
    if data["location"]["text"]:
        text.append(f"  at {data['location']['text']}", style="bold magenta")
    text.append(f"\n{INDENT}revision {data['revision']}, {data['severity']}, {data['urgency']}", style="dim")
    if data["needs"]:
        needs = ", ".join(
            f"{NEED_MARK[need['state']]} {labels.get(need['agency'], need['agency'])}"
            for need in data["needs"]
        )
        text.append(f"; needs {needs}", style="default")
    if data["stages"]["acknowledged_at"]:
        text.append("; acknowledged", style="green")
    return text


def _checkin(data: Mapping[str, Any]) -> Text:
    text = (
        Text().append(" ON DUTY ", style="bold black on green").append(" ").append_text(_party(data["unit"]))
    )
    if data["headcount"]["present"] is not None:
        text.append(f"  {data['headcount']['present']} present", style="bold")
    if data["normal"]:
        text.append(", all normal", style="green")
    return text


def _review(data: Mapping[str, Any], verb: str) -> Text:
    text = Text().append(f" {verb.upper()} ", style="bold black on bright_cyan")
    text.append(f" by {data['by']}: transmission {data['transmission_id']}", style="default")
    for name in data["changed"]:
        text.append(f"; {name} {data['before'][name]} → {data['after'][name]}", style="cyan")
    return text


def _rollcall(data: Mapping[str, Any], verb: str) -> Text:
    name = "SCRAMBLE" if data.get("kind") == "drill" else "ROLL-CALL"
    text = Text().append(f"{data['radio']}  ", style="blue")
    if verb == "started":
        planned = f", {data['units']} units" if data["units"] is not None else ""
        return text.append(f" {name} ", style="bold black on bright_cyan").append(f" begins{planned}")
    if verb == "finished":
        text.append(f" {name} ", style="bold black on bright_cyan").append(f" over ({data['ended']}): ")
        told = [f"{count} {outcome.replace('_', ' ')}" for outcome, count in data["outcomes"].items()]
        text.append(", ".join(told) or "nobody was called", style="bold")
        return text.append(f"; {data['present']} people on duty")
    outcome = data["outcome"]
    if verb == "called":
        text.append(" CALLED ", style="bold black on white")
    else:
        words = str(outcome).upper().replace("_", " ")
        text.append(f" {words} ", style=OUTCOME_STYLE.get(outcome, "bold black on white"))
    text.append(f" {data['unit_name'] or data['unit_id']}", style="bold cyan")
    return text.append_text(_answer(data))


def _answer(data: Mapping[str, Any]) -> Text:
    text = Text()
    if data["answer_latency_s"] is not None:
        text.append(f"  after {data['answer_latency_s']:.1f} s")
    if data["call_count"] > 1:
        text.append(f", {data['call_count']} calls", style="dim")
    if data["headcount"]["present"] is not None:
        text.append(f", {data['headcount']['present']} present", style="bold")
    if data["all_normal"]:
        text.append(", all normal", style="green")
    if data["reasons"]:
        text.append(f"  ({', '.join(data['reasons'])})", style="dim")
    if data["review"]["required"]:
        text.append(f"  ⚑ {', '.join(data['review']['reasons'])}", style="yellow")
    return text


DRILL_STYLE = {
    "arrived": "bold black on green",
    "arrived_late": "bold white on red",
    "not_reported": "bold white on red",
    "unreadable": "bold black on yellow",
    "arrived_ungraded": "bold black on yellow",
}


def _drill(data: Mapping[str, Any], verb: str) -> Text:
    text = Text("EXERCISE ", style="bold black on yellow")
    if verb == "arrived":
        return text.append_text(_drill_step(data))
    text.append(f" drill {verb}", style="bold")
    scenario = data["scenario"]
    if scenario["label"]:
        text.append(f"  {scenario['label']} at {scenario['place']}")
    if verb == "started":
        told = ", ".join(f"{len(ids)} {role}" for role, ids in data["units"].items())
        return text.append(f"  {told}" if told else "", style="dim")
    words = {True: "kept", False: "missed", None: "not known"}
    grades = ", ".join(f"{name} {words[kept]}" for name, kept in data["grades_135"].items())
    return text.append(f"  {grades}; {data['linked_units']} other units answered, {data['present']} people")


def _drill_step(data: Mapping[str, Any]) -> Text:
    step, arrival = data["step"], data["arrival"]
    shown = arrival if step in {"arrived", "settled"} and arrival else step
    text = Text(
        f" {str(shown).upper().replace('_', ' ')} ", style=DRILL_STYLE.get(shown, "bold black on white")
    )
    text.append(f" {data['unit_name'] or data['unit_id']}", style="bold cyan")
    text.append(f" ({data['role']})", style="dim")
    after = {
        "acknowledged": data["ack_latency_s"],
        "departed": data["depart_latency_s"],
        "arrived": data["arrive_latency_s"],
    }.get(step)
    if after is not None:
        text.append(f"  after {after:.1f} s")
    if step == "arrived":
        text.append(f" of {data['limit_s']:g}", style="dim")
    if data["headcount"]["present"] is not None:
        text.append(f", {data['headcount']['present']} present", style="bold")
    if data["reasons"]:
        text.append(f"  ({', '.join(data['reasons'])})", style="dim")
    if data["review"]["required"]:
        text.append(f"  ⚑ {', '.join(data['review']['reasons'])}", style="yellow")
    return text
