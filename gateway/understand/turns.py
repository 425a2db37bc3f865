"""Which incident a transmission is about, and what a transmission that reports nothing new does to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.events import AudioRef
from gateway.model import Understanding
from gateway.understand.incident import IncidentState, is_warm
from gateway.understand.lexicon import Lexicon
from gateway.understand.lexicon_rules import UNKNOWN_CODE
from gateway.understand.understand import is_command

OPEN_KEPT_S: Final = 24 * 3600.0
"""How long a unit's cold incident can still be ended by the same unit."""
_ACKS: Final = frozenset({"ack_received", "ack_wilco", "go_ahead", "promise", "instruct", "ask_situation"})
_TAKES_PART: Final = frozenset({"ack_wilco", "arrived", "handling"})
_FOLLOWS_UP: Final = _ACKS | _TAKES_PART | {"correction", "await_orders"}
_SUPPORT: Final = ("支援", "增援", "救援力量")


@dataclass(frozen=True, slots=True)
class Utterance:
    """One transmission as a conversation hears it. `at` is when it began on the air, with its UTC offset."""

    transmission_id: str
    at: datetime
    duration_s: float
    understanding: Understanding
    text: str = ""
    raw: str = ""
    confidence: float | None = None
    audio: AudioRef | None = field(default=None, repr=False)

    @property
    def acts(self) -> frozenset[str]:
        """The dialogue acts."""
        return frozenset(self.understanding.acts)

    @property
    def unit_id(self) -> str | None:
        """The unit that speaks, when it is known for certain."""
        return self.understanding.caller.unit_id if self.understanding.caller.kind == "unit" else None

    @property
    def somebody_named(self) -> bool:
        """Whether a unit named itself, clearly or not."""
        caller = self.understanding.caller
        return caller.kind == "unit" and caller.status != "unknown"

    @property
    def hails_command(self) -> bool:
        """Whether the command post is called, as at the beginning of a report."""
        return self.understanding.callee.kind == "command"

    @property
    def by_command(self) -> bool:
        """Whether the command post speaks."""
        return is_command(self.understanding)


@dataclass(frozen=True, slots=True)
class Floor:
    """The incidents of one radio, as they stand when somebody speaks. `latest` was spoken of last."""

    incidents: tuple[IncidentState, ...]
    latest: str | None
    warm_s: float
    lexicon: Lexicon

    def open_warm(self, at: datetime) -> list[IncidentState]:
        """Open incidents spoken of lately, the latest first."""
        warm = [i for i in self.incidents if i.phase == "open" and is_warm(i, at, self.warm_s)]
        return sorted(warm, key=lambda i: (i.incident_id == self.latest, i.last_heard_at), reverse=True)

    def reported(self, utterance: Utterance) -> tuple[IncidentState | None, list[str]]:
        """The incident that a report with a type belongs to, or None for a new one, and doubts about it."""
        hint = utterance.understanding.incident
        warm = self.open_warm(utterance.at)
        if "correction" in utterance.acts and (own := self._own(warm, utterance)):
            return own, []
        found, doubts = (
            self._by_unit(warm, utterance) if utterance.unit_id else self._by_nobody(warm, utterance)
        )
        if found is None and hint.urgency == "Past":
            found = next(self._just_ended(utterance), None)
        return found, doubts

    def ended(self, utterance: Utterance) -> tuple[IncidentState | None, list[str]]:
        """The incident that 误报 or 已扑灭 ends, or None when it cannot be told."""
        code = utterance.understanding.incident.code
        warm = self.open_warm(utterance.at)
        fitting = [i for i in warm if self.lexicon.related(i.code, code)]
        exact = [i for i in fitting if i.code == code]
        if utterance.unit_id is None:
            return next(iter(exact or fitting), None), []
        mine = [i for i in self._recent_open(utterance.at) if self._takes_part(i, utterance)]
        for one in (*[i for i in mine if i.code == code], *mine):
            doubts = [] if self.lexicon.related(one.code, code) else ["ends_another_type"]
            return one, doubts
        nameless = [i for i in fitting if i.unit.unit_id is None]
        there = fitting if utterance.acts & _TAKES_PART or code is not None else []
        return next(iter(nameless or exact or there), None), []

    def followed(self, utterance: Utterance) -> IncidentState | None:
        """The incident that an acknowledgement, an arrival or an addition belongs to."""
        hint = utterance.understanding.incident
        adds = bool(hint.promised or hint.arrived) or hint.polarity == "report"
        if not (utterance.acts & _FOLLOWS_UP or adds):
            return None
        warm = self.open_warm(utterance.at)
        if utterance.by_command:
            called = utterance.understanding.callee.unit_id
            return next((i for i in warm if called and i.unit.unit_id == called), next(iter(warm), None))
        if not utterance.somebody_named:
            return next(iter(warm), None)
        own = next((i for i in warm if utterance.unit_id and self._takes_part(i, utterance)), None)
        helps = utterance.acts & _TAKES_PART or hint.arrived
        return own or (next(iter(warm), None) if helps else None)

    def _by_unit(
        self, warm: Sequence[IncidentState], utterance: Utterance
    ) -> tuple[IncidentState | None, list[str]]:
        code = utterance.understanding.incident.code
        mine = [i for i in warm if self._takes_part(i, utterance)]
        for one in mine:
            if self.lexicon.related(one.code, code):
                return one, []
        if mine and not utterance.hails_command:
            return mine[0], []
        nameless = [i for i in warm if i.unit.unit_id is None and self.lexicon.related(i.code, code)]
        if nameless:
            return nameless[0], []
        if code in self.lexicon.consequences and not utterance.hails_command and warm:
            return warm[0], []
        same = [i for i in warm if i.code == code and code != UNKNOWN_CODE]
        if same and not _elsewhere(same[0], utterance):
            return same[0], ["same_type_by_another_unit"]
        return None, []

    def _by_nobody(
        self, warm: Sequence[IncidentState], utterance: Utterance
    ) -> tuple[IncidentState | None, list[str]]:
        code = utterance.understanding.incident.code
        for one in warm:
            if self.lexicon.related(one.code, code):
                return one, []
        live = utterance.understanding.exercise_mark == "live"
        if not warm or live or utterance.understanding.exercise != (warm[0].status == "Exercise"):
            return None, []
        if utterance.hails_command or utterance.somebody_named or _another_place(warm[0], utterance):
            return None, ["second_incident_by_unclear_caller"]
        return warm[0], []

    def _own(self, warm: Sequence[IncidentState], utterance: Utterance) -> IncidentState | None:
        mine = [i for i in warm if self._takes_part(i, utterance)]
        return next(iter(mine or ([] if utterance.unit_id else warm)), None)

    def _takes_part(self, incident: IncidentState, utterance: Utterance) -> bool:
        unit_id = utterance.unit_id
        return unit_id is not None and (incident.unit.unit_id == unit_id or unit_id in incident.participants)

    def _recent_open(self, at: datetime) -> list[IncidentState]:
        kept = [i for i in self.incidents if i.phase == "open" and is_warm(i, at, OPEN_KEPT_S)]
        return sorted(kept, key=lambda i: i.last_heard_at, reverse=True)

    def _just_ended(self, utterance: Utterance) -> Iterator[IncidentState]:
        for one in reversed(self.incidents):
            same = one.code == utterance.understanding.incident.code
            mine = utterance.unit_id in {None, one.unit.unit_id}
            if one.phase != "open" and same and mine and is_warm(one, utterance.at, self.warm_s):
                yield one


def _elsewhere(incident: IncidentState, utterance: Utterance) -> bool:
    parts = dict(utterance.understanding.incident.location_parts)
    return any(incident.location.parts.get(key, value) != value for key, value in parts.items())


def _another_place(incident: IncidentState, utterance: Utterance) -> bool:
    """Whether a place is named that is not the incident's own."""
    parts = dict(utterance.understanding.incident.location_parts)
    return bool(parts and incident.location.parts) and not parts.items() <= incident.location.parts.items()


def advance(
    incident: IncidentState, utterance: Utterance, *, after_command: bool
) -> tuple[IncidentState, list[str]]:
    """What acts do to an incident: acknowledged, promised, arrived, handled. With words for the timeline.

    `after_command` when the command post spoke last: then an unnamed 收到 is the unit's and means nothing.
    """
    changed: list[str] = []
    at = utterance.at
    hint = utterance.understanding.incident
    acts = utterance.acts
    station = utterance.by_command or not (utterance.somebody_named or hint.polarity == "report")
    acknowledges = utterance.by_command or (station and not after_command)
    if acts & _ACKS and acknowledges and incident.stages.acknowledged_at is None:
        incident = incident.staged("acknowledged_at", at)
        changed.append("acknowledged")
    if "promise" in acts and station and (asked_for := incident.pending("requested")):
        incident = incident.needing(asked_for, "promised", at)
        changed.append("promised " + ",".join(asked_for))
    promised = [a for a in hint.promised if a not in incident.pending("promised", "arrived", "released")]
    if promised:
        incident = incident.needing(promised, "promised", at)
        changed.append("promised " + ",".join(promised))
    incident, more = _arrivals(incident, utterance)
    return incident, changed + more


def _arrivals(incident: IncidentState, utterance: Utterance) -> tuple[IncidentState, list[str]]:
    hint, at = utterance.understanding.incident, utterance.at
    changed: list[str] = []
    agencies = [a for a in hint.arrived if a not in incident.pending("arrived", "released")]
    pending = incident.pending("requested", "promised")
    arrived = "arrived" in utterance.acts and not utterance.by_command
    if arrived and not hint.arrived and not utterance.somebody_named:
        if len(pending) == 1 or (pending and any(word in utterance.text for word in _SUPPORT)):
            agencies = list(pending)
        elif pending:
            incident = incident.doubted(["arrival_unattributed"])
            changed.append("somebody arrived")
    if agencies:
        incident = incident.needing(agencies, "arrived", at).staged("reinforcement_at", at)
        return incident, [*changed, "arrived " + ",".join(agencies)]
    acts_on_it = arrived or ("handling" in utterance.acts and not utterance.by_command)
    if not acts_on_it or hint.arrived:
        return _on_the_way(incident, utterance, changed)
    return _rescue(incident, utterance, changed)


def _on_the_way(
    incident: IncidentState, utterance: Utterance, changed: list[str]
) -> tuple[IncidentState, list[str]]:
    unit_id = utterance.unit_id
    if unit_id is None or "ack_wilco" not in utterance.acts or unit_id in incident.participants:
        return incident, changed
    if unit_id == incident.unit.unit_id:
        return incident, changed
    joined = incident.with_(participants=(*incident.participants, unit_id))
    return joined, [*changed, f"on the way {unit_id}"]


def _rescue(
    incident: IncidentState, utterance: Utterance, changed: list[str]
) -> tuple[IncidentState, list[str]]:
    """Somebody is there and acts: the reporting unit helps itself, any other unit helps it."""
    unit_id = utterance.unit_id
    if utterance.somebody_named and unit_id != incident.unit.unit_id:
        if unit_id and unit_id not in incident.participants:
            incident = incident.with_(participants=(*incident.participants, unit_id))
        if incident.stages.mutual_aid_at is None:
            return incident.staged("mutual_aid_at", utterance.at), [*changed, f"mutual aid {unit_id or '?'}"]
        return incident, [*changed, f"also there {unit_id or '?'}"]
    handles = "handling" in utterance.acts or utterance.somebody_named
    if handles and incident.stages.self_rescue_at is None:
        return incident.staged("self_rescue_at", utterance.at), [*changed, "self-rescue"]
    return incident, changed
