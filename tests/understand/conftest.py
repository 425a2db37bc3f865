"""Speech without audio: sentences understood with the shipped lexicon, and conversations on one radio."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from gateway.model import Resolution, Transcript, Understanding
from gateway.understand.conversation import (
    Checkin,
    Conversation,
    IncidentChange,
    IncidentState,
    Rules,
    Utterance,
)
from gateway.understand.lexicon import Lexicon
from gateway.understand.normalise import normalise
from gateway.understand.resolve import Parties
from gateway.understand.understand import Context, understand

LEXICON_FILE = Path(__file__).parents[2] / "config" / "lexicon.yaml"
EIGHT_O_CLOCK = datetime(2025, 3, 1, 8, 0, tzinfo=timezone(timedelta(hours=8)))


def unit(unit_id: str, name: str) -> Resolution:
    return Resolution("matched", unit_id, name, 0.99, 0.9, name, ("speech",))


COMMAND = Resolution("matched", None, "指挥中心", 0.99, 0.9, "指挥中心", ("speech",), (), "command")


@dataclass
class Talk:
    """A conversation held sentence by sentence, fifteen seconds apart."""

    lexicon: Lexicon
    conversation: Conversation = field(default_factory=lambda: Conversation(radio_id="ch1"))
    now: datetime = EIGHT_O_CLOCK
    changes: list[IncidentChange | Checkin] = field(default_factory=list)
    last_incident_id: str | None = None

    def __post_init__(self) -> None:
        ids = (f"incident-{n}" for n in itertools.count(1))
        self.rules = Rules(lexicon=self.lexicon, new_id=lambda: next(ids))
        self._transmissions = itertools.count(1)

    def say(
        self, text: str, caller: Resolution | None = None, callee: Resolution | None = None
    ) -> Sequence[IncidentChange | Checkin]:
        self.now += timedelta(seconds=15)
        parties = Parties(*(p or Resolution("unknown") for p in (caller, callee)))
        context = self.conversation.context(self.now, self.rules)
        spoken = transcript(text)
        understanding = understand(spoken, parties, context, self.lexicon)
        utterance = Utterance(
            f"tx-{next(self._transmissions)}", self.now, 4.0, understanding, spoken.text, spoken.raw, 0.9
        )
        heard = self.conversation.hear(utterance, self.rules)
        self.conversation, self.last_incident_id = heard.conversation, heard.incident_id
        self.changes += heard.changes
        return heard.changes

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def incident(self, number: int = 1) -> IncidentState:
        return next(i for i in self.conversation.incidents if i.incident_id == f"incident-{number}")

    @property
    def verbs(self) -> list[str]:
        return [change.verb for change in self.changes if isinstance(change, IncidentChange)]


def transcript(text: str) -> Transcript:
    return Transcript(
        text=normalise(text), raw=text, engine="test", model="test", decode_s=0.0, confidence=0.9
    )


@pytest.fixture(scope="session")
def lexicon_text() -> str:
    return LEXICON_FILE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def lexicon(lexicon_text: str) -> Lexicon:
    return Lexicon.parse(lexicon_text, "config/lexicon.yaml")


Say = Callable[..., Understanding]


@pytest.fixture(scope="session")
def say(lexicon: Lexicon) -> Say:
    def understood(
        text: str,
        context: Context | None = None,
        caller: Resolution | None = None,
        callee: Resolution | None = None,
    ) -> Understanding:
        parties = Parties(*(p or Resolution("unknown") for p in (caller, callee)))
        return understand(transcript(text), parties, context or Context(), lexicon)

    return understood


@pytest.fixture
def talk(lexicon: Lexicon) -> Talk:
    return Talk(lexicon)


@pytest.fixture(scope="session")
def units() -> dict[str, Resolution]:
    return {
        "A": unit("u1", "华夏A区"),
        "B": unit("u2", "千耀酒店"),
        "C": unit("u3", "黄石中学"),
        "post": COMMAND,
    }
