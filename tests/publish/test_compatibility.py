"""What was built on the last release works with this one: nothing of it is gone, renamed or narrowed."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.publish import asyncapi
from tests.support.compatibility import breaks

RELEASES = sorted((Path(__file__).parents[1] / "data" / "contract").glob("asyncapi-*.json"))
Document = dict[str, Any]


@pytest.fixture(scope="module")
def now() -> Document:
    return asyncapi.document("now")


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
def test_nothing_that_a_release_promised_is_broken(release: Path, now: Document) -> None:
    promised = json.loads(release.read_text(encoding="utf-8"))
    assert list(breaks(promised, now)) == []


def test_there_is_a_release_to_hold_to() -> None:
    assert RELEASES


def _schemas(document: Document) -> Document:
    schemas: Document = document["components"]["schemas"]
    return schemas


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda s: s["PartyData"]["properties"].pop("margin"), "margin"),
        (lambda s: s["PartyData"]["required"].remove("margin"), "margin"),
        (lambda s: s["IncidentSnapshot"]["properties"]["revision"].update(type="string"), "revision"),
        (lambda s: s["IncidentSnapshot"]["properties"]["severity"]["enum"].remove("Minor"), "Minor"),
        (lambda s: s["AudioRef"]["properties"].pop("sha256"), "sha256"),
        (lambda s: s["event.incident.opened"]["properties"]["sequence"].update(pattern="^x$"), "pattern"),
        (lambda s: s["Ping"].update(required=["by"]), "is asked for now"),
        (lambda s: s["Health"]["properties"].pop("outbox"), "outbox"),
    ],
)
def test_what_would_break_a_subscriber_is_seen(
    change: Callable[[Document], object], word: str, now: Document
) -> None:
    broken = copy.deepcopy(now)
    change(_schemas(broken))
    assert word in " ".join(breaks(now, broken))


def test_a_topic_that_goes_or_moves_is_seen(now: Document) -> None:
    broken = copy.deepcopy(now)
    del broken["channels"]["evt.incident.opened"]
    broken["channels"]["state.health"]["address"] += "/more"
    del broken["operations"]["receive.cmd.resync"]
    assert len(list(breaks(now, broken))) == 3


def test_what_is_added_breaks_nobody(now: Document) -> None:
    more = copy.deepcopy(now)
    party = _schemas(more)["PartyData"]
    party["properties"]["mood"] = {"type": "string"}
    party["required"].append("mood")
    _schemas(more)["IncidentSnapshot"]["properties"]["severity"]["enum"].append("Absurd")
    more["channels"]["evt.new"] = copy.deepcopy(more["channels"]["evt.incident.opened"])
    assert list(breaks(now, more)) == []
