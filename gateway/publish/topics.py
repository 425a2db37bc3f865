"""Where everything of one gateway lives on the broker. Pure."""

import re

from gateway.events import TYPE_PREFIX

_LEVELS = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*")


def event_topic(root: str, kind: str) -> str:
    """Return the topic of an event: `incident.opened` goes to `<root>/evt/incident/opened`."""
    return _joined(root, "evt", kind.removeprefix(TYPE_PREFIX).replace(".", "/"))


def events_filter(root: str) -> str:
    """Return the subscription that gets every event under `root`, which may hold wildcards itself."""
    return f"{root}/evt/#"


def state_topic(root: str, suffix: str) -> str:
    """Return the retained topic of a state document, such as `health`, `radio/ch1` or `incident/<id>`."""
    return _joined(root, "state", suffix)


def availability_topic(root: str) -> str:
    """Return the retained topic that says whether the gateway is there; also the last will's."""
    return state_topic(root, "availability")


def incident_suffix(incident_id: str) -> str:
    """Return the state suffix of an incident's last snapshot."""
    return f"incident/{incident_id}"


def rollcall_suffix(rollcall_id: str) -> str:
    """Return the state suffix of a roll-call's last snapshot."""
    return f"rollcall/{rollcall_id}"


def client_id(root: str) -> str:
    """Return the MQTT client id, the same at every start so that the broker drops a dead predecessor."""
    return root.replace("/", "-")


def _joined(root: str, branch: str, rest: str) -> str:
    topic = f"{root}/{branch}/{rest}"
    if not _LEVELS.fullmatch(topic):
        raise ValueError(
            f"topic {topic!r} may only hold lower-case letters, digits, dashes and single slashes"
        )
    return topic
