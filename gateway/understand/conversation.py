"""The conversation on one radio: transmissions in, incidents with revisions and check-ins out.

A state machine without clock, threads or I/O. `Conversation` is its whole state and turns to JSON and back,
so that a restart goes on where it stopped. `hear` returns a new state and what changed:

- a report opens an incident, or joins the open one when it tells of the same thing: the same unit, nobody
  named, or a type that explains or follows from what is known. A unit that is known and
  different and reports something else has an incident of its own;
- the command post's words (by name, or unnamed orders and promises) acknowledge and promise; they never add a
  type or a need;
- 误报 cancels, 已扑灭 resolves, 更正 replaces; a drill opened by its phrase marks what follows as an exercise
  until it is closed, 不是演练 makes an incident actual;
- 3人在岗,一切正常 by a unit is a check-in.

Silence ends a turn, not an incident: `tick` closes nothing. An incident not spoken of for `warm_s` goes cold,
and then a report opens another.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from gateway.events import IncidentUnitData, LocationData, Model, StagesData
from gateway.model import UNKNOWN, Headcount, Resolution
from gateway.understand.incident import (
    IncidentState,
    Status,
    evidence_of,
    is_warm,
    merge_report,
    to_snapshot,
    type_data,
)
from gateway.understand.lexicon import Lexicon
from gateway.understand.turns import Floor, Utterance, advance
from gateway.understand.understand import Asked, Context

__all__ = ["Checkin", "Conversation", "Heard", "IncidentChange", "Rules", "Utterance", "to_snapshot"]

Verb = Literal["opened", "updated", "closed", "cancelled"]
MAX_INCIDENTS = 60
"""Open incidents that nobody ends are kept for people to close, but not without bound."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a conversation is held by. `new_id` makes incident ids; times are seconds.

    `asked_s` is how long a question of the command post waits for its answer, `drill_s` how long a drill that
    nobody closes goes on marking what is heard.
    """

    lexicon: Lexicon = field(repr=False)
    new_id: Callable[[], str] = field(repr=False)
    command_post: str = "指挥中心"
    warm_s: float = 600.0
    asked_s: float = 90.0
    drill_s: float = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """An incident after a change; `verb` names the event: incident.opened and so on."""

    verb: Verb
    incident: IncidentState


@dataclass(frozen=True, slots=True)
class Checkin:
    """A unit reported for duty. `normal` is None when it did not say so; `unit` may be unknown."""

    transmission_id: str
    radio: str
    at: datetime
    unit: Resolution
    headcount: Headcount
    normal: bool | None
    review_reasons: tuple[str, ...]


class Heard(NamedTuple):
    """A conversation after a transmission. `incident_id` is what it belongs to, changed or not."""

    conversation: "Conversation"
    changes: tuple[IncidentChange | Checkin, ...] = ()
    incident_id: str | None = None


class Conversation(Model):
    """One radio's conversation. Immutable; `model_dump_json` and `model_validate_json` survive a restart."""

    radio_id: str
    incidents: tuple[IncidentState, ...] = ()
    latest: str | None = None
    drill_opened_at: datetime | None = None
    asked: Asked | None = None
    asked_at: datetime | None = None
    command_spoke_last: bool = False

    def context(self, at: datetime, rules: Rules) -> Context:
        """What `understand` needs to know before a transmission that begins at `at`."""
        warm = self.floor(rules).open_warm(at)
        return Context(
            command_post=rules.command_post,
            exercise_open=self.in_drill(at, rules),
            open_incident=bool(warm),
            open_code=warm[0].code if warm else None,
            asked=self.asked if self.asked_at and _within(self.asked_at, at, rules.asked_s) else None,
        )

    def hear(self, utterance: Utterance, rules: Rules) -> Heard:
        """Take in one transmission. Never raises, whatever was understood."""
        before = self.tick(utterance.at, rules).marked(utterance)
        heard = _Turn(before, utterance, rules).heard()
        return heard._replace(conversation=heard.conversation.after(utterance, heard.incident_id))

    def tick(self, now: datetime, rules: Rules) -> "Conversation":
        """Forget what is over and cold. Closes nothing: silence ends a turn, not an incident."""
        kept = tuple(i for i in self.incidents if i.phase == "open" or is_warm(i, now, rules.warm_s))
        kept = kept[-MAX_INCIDENTS:]
        return self if len(kept) == len(self.incidents) else self.model_copy(update={"incidents": kept})

    def shifted(self, by: timedelta, since: datetime) -> "Conversation":
        """After the wall clock was set by so much: what was counted from since then counts on as before.

        Only what durations are measured from moves; what was told of stays as it was told.
        """

        def move(at: datetime) -> datetime:
            return at + by if at >= since else at

        return self.model_copy(
            update={
                "asked_at": self.asked_at and move(self.asked_at),
                "drill_opened_at": self.drill_opened_at and move(self.drill_opened_at),
                "incidents": tuple(i.with_(last_heard_at=move(i.last_heard_at)) for i in self.incidents),
            }
        )

    def acknowledge(self, incident_id: str, at: datetime, by: str) -> Heard:
        """Somebody at the station took note of the incident: `by` says who, for the timeline."""
        incident = self.named(incident_id)
        if incident is None or incident.phase != "open" or incident.stages.acknowledged_at:
            return Heard(self)
        noted = incident.staged("acknowledged_at", at).noted(at, f"acknowledged by {by}", None)
        return self.changed("updated", noted)

    def close(self, incident_id: str, at: datetime, by: str, *, cancelled: bool = False) -> Heard:
        """Somebody at the station ends the incident. Nothing changes when it is over or not known."""
        incident = self.named(incident_id)
        if incident is None or incident.phase != "open":
            return Heard(self)
        return self.over(incident.noted(at, f"closed by {by}", None), at, cancelled=cancelled)

    def end_exercises(self, at: datetime) -> Heard:
        """A drill is over: nobody will say that a pretended fire is out, and what comes now is meant."""
        heard = Heard(self.model_copy(update={"drill_opened_at": None}))
        for incident in self.incidents:
            if incident.phase == "open" and incident.status == "Exercise":
                noted = incident.noted(at, "drill over", None)
                ended = heard.conversation.over(noted, at, cancelled=False)
                heard = Heard(ended.conversation, (*heard.changes, *ended.changes), None)
        return heard

    def over(self, incident: IncidentState, at: datetime, *, cancelled: bool) -> Heard:
        """End an incident: cancelled releases everybody who was called."""
        if cancelled:
            incident = incident.needing(incident.pending("requested", "promised", "arrived"), "released", at)
        ended = incident.staged("closed_at", at).with_(phase="cancelled" if cancelled else "resolved")
        return self.changed("cancelled" if cancelled else "closed", ended)

    def changed(self, verb: Verb, incident: IncidentState) -> Heard:
        """Make `incident` the current revision and say so."""
        msg_type = {"opened": "Alert", "cancelled": "Cancel"}.get(verb, "Update")
        changed = incident.with_(revision=incident.revision + 1, msg_type=msg_type)
        return Heard(self.with_incident(changed), (IncidentChange(verb, changed),), changed.incident_id)

    def with_incident(self, incident: IncidentState) -> "Conversation":
        """With this state of an incident in place of the one before; it is now the latest spoken of."""
        others = tuple(i for i in self.incidents if i.incident_id != incident.incident_id)
        return self.model_copy(update={"incidents": (*others, incident), "latest": incident.incident_id})

    def named(self, incident_id: str) -> IncidentState | None:
        """The incident of that id, or None."""
        return next((i for i in self.incidents if i.incident_id == incident_id), None)

    def floor(self, rules: Rules) -> Floor:
        """The incidents as a speaker finds them."""
        return Floor(self.incidents, self.latest, rules.warm_s, rules.lexicon)

    def in_drill(self, at: datetime, rules: Rules) -> bool:
        """Whether a drill was opened on this radio and neither closed nor forgotten."""
        return self.drill_opened_at is not None and _within(self.drill_opened_at, at, rules.drill_s)

    def marked(self, utterance: Utterance) -> "Conversation":
        """With a drill open when the transmission opens one, or the command post plays one."""
        mark = utterance.understanding.exercise_mark
        if mark == "open" or (mark == "marker" and utterance.by_command):
            return self.model_copy(update={"drill_opened_at": utterance.at})
        return self

    def after(self, utterance: Utterance, incident_id: str | None) -> "Conversation":
        """With what the next transmission must know: who spoke, what was asked, whether the drill is over."""
        update: dict[str, object] = {"command_spoke_last": utterance.by_command}
        if utterance.understanding.exercise_mark == "close":
            update["drill_opened_at"] = None
        acts = utterance.acts
        if utterance.by_command and acts & {"ask_headcount", "ask_situation"}:
            update["asked"] = "headcount" if "ask_headcount" in acts else "situation"
            update["asked_at"] = utterance.at
        elif self.asked and (utterance.understanding.headcount != Headcount() or "report" in acts):
            update["asked"] = update["asked_at"] = None
        if incident_id is not None:
            update["latest"] = incident_id
        return self.model_copy(update=update)


@dataclass(frozen=True, slots=True)
class _Turn:
    """One transmission meeting one conversation."""

    conversation: Conversation
    utterance: Utterance
    rules: Rules

    def heard(self) -> Heard:
        u = self.utterance.understanding
        if u.incident.polarity in {"cancel", "resolve"}:
            heard = self._end()
        elif (
            u.incident.polarity == "report" and u.incident.code is not None and not self.utterance.by_command
        ):
            heard = self._report()
        elif self._is_checkin():
            heard = self._check_in()
        else:
            heard = self._follow()
        return self._end_drill(heard) if u.exercise_mark == "close" else heard

    def _floor(self) -> Floor:
        return self.conversation.floor(self.rules)

    def _report(self) -> Heard:
        incident, doubts = self._floor().reported(self.utterance)
        u = self.utterance.understanding
        if incident is None:
            return self._open(doubts)
        incident = _named_by(incident, self.utterance)
        incident, changed = merge_report(
            incident, u.incident, self.utterance.at, self.rules.lexicon, correction="correction" in u.acts
        )
        incident, more = advance(incident, self.utterance, after_command=self.conversation.command_spoke_last)
        if u.exercise_mark == "live":
            incident = incident.with_(status="Actual")
        elif u.exercise and incident.status == "Actual":
            doubts = [*doubts, "exercise_mark_in_actual"]
        what = "; ".join([*changed, *more]) or "reported again"
        return self._add(incident.doubted([*doubts, *u.review_reasons]), what)

    def _open(self, doubts: list[str]) -> Heard:
        u, at = self.utterance.understanding, self.utterance.at
        caller = u.caller if u.caller.kind == "unit" else UNKNOWN
        unclear = [] if caller.status == "matched" else [f"caller_{caller.status}"]
        incident = IncidentState(
            incident_id=self.rules.new_id(),
            radio=self.conversation.radio_id,
            revision=0,
            msg_type="Alert",
            status=_status(self.utterance),
            phase="open",
            type=type_data(u.incident.code or "UNKNOWN", self.rules.lexicon),
            severity="Unknown",
            urgency="Unknown",
            certainty="Unknown",
            unit=IncidentUnitData(unit_id=caller.unit_id, name=caller.name, status=caller.status),
            location=LocationData(text=None, parts={}),
            stages=StagesData(reported_at=at),
            last_heard_at=at,
        )
        incident, _ = merge_report(incident, u.incident, at, self.rules.lexicon, correction=True)
        incident, more = advance(incident, self.utterance, after_command=True)
        incident = incident.doubted([*unclear, *doubts, *u.review_reasons])
        what = "; ".join([f"reported {incident.code}", *more])
        return self._add(incident, what, verb="opened")

    def _follow(self) -> Heard:
        incident = self._floor().followed(self.utterance)
        if incident is None:
            return Heard(self.conversation)
        hint = self.utterance.understanding.incident
        after, changed = incident, list[str]()
        if hint.polarity == "report" and not self.utterance.by_command:
            correction = "correction" in self.utterance.acts
            after, changed = merge_report(
                after, hint, self.utterance.at, self.rules.lexicon, correction=correction
            )
        after, more = advance(after, self.utterance, after_command=self.conversation.command_spoke_last)
        if self.utterance.understanding.exercise_mark == "live" and after.status == "Exercise":
            after, more = after.with_(status="Actual"), [*more, "declared actual"]
        if after == incident:
            touched = incident.with_(last_heard_at=max(incident.last_heard_at, self.utterance.at))
            return Heard(self.conversation.with_incident(touched), (), incident.incident_id)
        after = after.doubted(self.utterance.understanding.review_reasons)
        return self._add(after, "; ".join([*changed, *more]) or "followed up")

    def _end(self) -> Heard:
        incident, doubts = self._floor().ended(self.utterance)
        if incident is None:
            return Heard(self.conversation)
        u = self.utterance.understanding
        incident, _ = advance(incident, self.utterance, after_command=self.conversation.command_spoke_last)
        incident = incident.doubted([*doubts, *u.review_reasons])
        cancelled = u.incident.polarity == "cancel"
        incident = _with_evidence(incident, self.utterance, "cancelled" if cancelled else "resolved")
        return self.conversation.over(incident, self.utterance.at, cancelled=cancelled)

    def _end_drill(self, heard: Heard) -> Heard:
        """The closing phrase ends what was played: nobody will say that a pretended fire is out."""
        for incident in heard.conversation.incidents:
            if incident.phase == "open" and incident.status == "Exercise":
                noted = _with_evidence(incident, self.utterance, "drill closed")
                over = heard.conversation.over(noted, self.utterance.at, cancelled=False)
                heard = Heard(over.conversation, (*heard.changes, *over.changes), over.incident_id)
        return heard

    def _is_checkin(self) -> bool:
        acts = self.utterance.acts
        if self.utterance.by_command or not acts & {"present", "all_normal"}:
            return False
        counted = self.utterance.understanding.headcount.present is not None
        if not self.utterance.somebody_named and not (counted and "present" in acts):
            return False
        busy = bool(self._floor().open_warm(self.utterance.at))
        return not busy or not acts & {"ack_wilco", "arrived", "handling"}

    def _check_in(self) -> Heard:
        u = self.utterance.understanding
        unclear = [] if u.caller.status == "matched" else [f"caller_{u.caller.status}"]
        checkin = Checkin(
            self.utterance.transmission_id,
            self.conversation.radio_id,
            self.utterance.at,
            u.caller,
            u.headcount,
            normal=True if "all_normal" in u.acts else None,
            review_reasons=tuple(dict.fromkeys([*unclear, *u.review_reasons])),
        )
        return Heard(self.conversation, (checkin,))

    def _add(self, incident: IncidentState, what: str, *, verb: Verb = "updated") -> Heard:
        return self.conversation.changed(verb, _with_evidence(incident, self.utterance, what))


def _with_evidence(incident: IncidentState, utterance: Utterance, what: str) -> IncidentState:
    evidence = evidence_of(
        utterance.transmission_id, utterance.text, utterance.raw, utterance.confidence, utterance.audio
    )
    return incident.heard(evidence, utterance.at).noted(utterance.at, what, utterance.transmission_id)


def _named_by(incident: IncidentState, utterance: Utterance) -> IncidentState:
    """Fill in who reports, once known; another unit that joins takes part."""
    caller = utterance.understanding.caller
    if utterance.unit_id is None:
        return incident
    if incident.unit.unit_id is None:
        unit = IncidentUnitData(unit_id=caller.unit_id, name=caller.name, status="matched")
        reasons = tuple(r for r in incident.review_reasons if r not in {"caller_unknown", "caller_ambiguous"})
        return incident.with_(unit=unit, review_reasons=reasons)
    if utterance.unit_id in {incident.unit.unit_id, *incident.participants}:
        return incident
    return incident.with_(participants=(*incident.participants, utterance.unit_id))


def _status(utterance: Utterance) -> Status:
    u = utterance.understanding
    if u.exercise:
        return "Exercise"
    return "Test" if "test_only" in u.acts else "Actual"


def _within(earlier: datetime, at: datetime, seconds: float) -> bool:
    return abs(at - earlier) <= timedelta(seconds=seconds)
