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
NEED_MARK = {"requested": "?", "promised": "→", "arrived": "✓", "released": "·"}
INDENT = " " * 10


def describe(event: Mapping[str, Any], agency_labels: Mapping[str, str] | None = None) -> Text:
    """Word one CloudEvent for a person; events of a kind not known here get their type and subject."""
    family, _, verb = str(event["type"]).removeprefix("radiogateway.").partition(".")
    text = Text(f"{_clock_time(event['time'])}  ", style="dim")
    data = event["data"]
    if family == "transmission":
        text.append_text(_transmission(data))
    elif family == "incident":
        text.append_text(_incident(data, verb, agency_labels or {}))
    elif family == "checkin":
        text.append_text(_checkin(data))
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
    text = Text(f"{data['radio']}  ", style="blue")
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
    text = Text(f" {verb.upper()} ", style=PHASE_STYLE[data["phase"]])
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
    text = Text(" ON DUTY ", style="bold black on green").append(" ").append_text(_party(data["unit"]))
    if data["headcount"]["present"] is not None:
        text.append(f"  {data['headcount']['present']} present", style="bold")
    if data["normal"]:
        text.append(", all normal", style="green")
    return text
