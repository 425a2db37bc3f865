"""What a person should do about a fault of a radio, and which faults end by themselves when they are over."""

from collections.abc import Collection

SOURCE_ACTION = "check cable and device name, or the file's path; the gateway tries again by itself"
RIVAL_ACTION = "stop the other gateway, or give one of the two another gateway.id and data_dir"
HUNG_ACTION = "if it happens again, verify the model: radio-gateway models verify"
RELOAD_ACTION = "radio-gateway models verify; calls wait until the model can be loaded"
SPOOL_ACTION = "free disk space in data_dir"
LOCKED_ACTION = "end the program that works with the database, or wait for it"
_ACTIONS = {
    "spool": SPOOL_ACTION,
    "store": SPOOL_ACTION,
    "control": "check the control's cable and port; until it is back, the sound's level opens the squelch",
    "squelch": "check the radio's squelch and carrier line; radio-gateway doctor --levels shows the noise",
    "transmit": "check sink and control; radio-gateway doctor tries both",
    "hum": "put an isolating transformer into the audio line; see radio-gateway doctor --levels",
    "clipping": "turn down the radio's volume or the card's capture level; radio-gateway doctor --levels",
    "level": "turn up the radio's volume or the card's capture level; radio-gateway doctor --levels",
    "silence": "check that the radio is on, tuned and plugged in; radio-gateway doctor",
}
_WATCHED = frozenset(
    {"source", "control", "transmit", "spool", "squelch", "hum", "clipping", "level", "silence"}
)
_WATCHED_ELSEWHERE = frozenset(
    {"mqtt", "mqtt/rival", "outbox", "store", "housekeeping", "disk", "watchdog", "prompts", "sending"}
)


def action_for(what: str) -> str:
    """Return what to do when that part of a radio is at fault."""
    return _ACTIONS.get(what, SOURCE_ACTION)


def is_watched(what: str, radios: Collection[str]) -> bool:
    """Whether somebody tells when this fault is over: `radio/ID/PART` of a radio there is, or a service."""
    kind, _, rest = what.partition("/")
    radio_id, _, part = rest.rpartition("/")
    if kind == "radio":
        return radio_id in radios and part in _WATCHED
    return what in _WATCHED_ELSEWHERE
