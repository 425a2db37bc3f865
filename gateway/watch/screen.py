"""What a dispatcher sees of many gateways, line by line. Pure: messages in, styled text out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.text import Text

from gateway.watch.view import describe

AVAILABILITY_STYLE = {"online": "bold green", "offline": "bold red"}
NOT_STORED = "told before it is stored: the gateway's disk refuses"
_UNPRINTABLE = {code: "�" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) != "\n"}
"""Control characters: what comes over the network must not drive the terminal."""


class Screen:
    """Words each message for a person. Remembers only what each gateway last said about being there."""

    def __init__(self, agency_labels: Mapping[str, str] | None = None) -> None:
        self._agency_labels = agency_labels
        self._availability: dict[str, tuple[str, int]] = {}

    def event(self, event: Mapping[str, Any]) -> Text:
        """Word an event; one that is not as it should be gets a line that says so."""
        line = _gateway(str(event.get("source", "")))
        clean = printable(event)
        try:
            return line.append_text(describe(clean, self._agency_labels))
        except (KeyError, TypeError, ValueError, AttributeError):
            return line.append(f"an event that cannot be read: {clean.get('type')}", style="yellow")

    def state(self, topic: str, document: Mapping[str, Any] | None, *, retained: bool) -> Text | None:
        """Word a state document, None when there is nothing to say about it.

        Of incidents only those found open on the broker are told, and those that their gateway cannot store
        yet; what happens to the others comes as events.
        """
        root, _, suffix = topic.partition("/state/")
        name = _gateway(root.replace("/", ":"))
        if document is None:
            return None
        if suffix == "availability":
            return self._available(name, root, document)
        unstored = document.get("stored") is False
        if suffix.startswith("incident/") and (retained or unstored):
            stages = document.get("stages")
            at = stages.get("reported_at") if isinstance(stages, Mapping) else None
            event = {"type": "radiogateway.incident.open", "time": at, "data": document}
            line = self.event({"source": f"x:{root.rpartition('/')[2]}", **event})
            return line.append(f" {NOT_STORED}", style="bold yellow") if unstored else line
        return None

    def _available(self, name: Text, root: str, document: Mapping[str, Any]) -> Text | None:
        word, session = document.get("state"), document.get("session")
        if not isinstance(word, str) or not isinstance(session, int):
            return None
        known = self._availability.get(root)
        # A will that comes after the next connection has begun belongs to the one before.
        if known is not None and (session < known[1] or known == (word, session)):
            return None
        self._availability[root] = (word, session)
        clean = printable({"state": word, "since": _at(document.get("since"))})
        style = AVAILABILITY_STYLE.get(word, "yellow")
        return name.append(clean["state"], style=style).append(f" since {clean['since']}", style="dim")

    @staticmethod
    def note(source: str, words: str) -> Text:
        """Word what the dispatcher's own end has to say about a gateway."""
        return _gateway(source).append(words, style="bold yellow")


def printable(value: Any) -> Any:
    """Return a document with every control character in its texts replaced."""
    if isinstance(value, str):
        return value.translate(_UNPRINTABLE)
    if isinstance(value, Mapping):
        return {printable(key): printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [printable(item) for item in value]
    return value


def _gateway(source: str) -> Text:
    """Name the gateway by the last part of its source or topic root."""
    return Text().append(f"{printable(source).rpartition(':')[2]:<10} ", style="bold blue")


def _at(stamp: object) -> str:
    """Return a time as people here read it; whatever else was sent, as it came."""
    try:
        at = datetime.fromisoformat(str(stamp))
        return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError):
        return str(stamp)
