"""The sheet of a roll-call: who was called when, who answered what, and what that comes to. Pure.

Both ways of holding a roll-call fill the same sheet: the gateway calling by itself (`engine`) and an officer
who calls by voice while the gateway listens (`listening`). All times are those of the audio on the air; how
long recognition took does not enter.

An item's outcome is None until something was heard, and improves: an own answer replaces an answer that
somebody else gave, which replaces one that could not be read. What is still undecided when the sheet is
settled becomes `no_answer` only if at least one call was followed by a stretch that the gateway listened to
undisturbed, `not_observed` otherwise: silence counts against a unit only where it was really heard.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from gateway.events import Model, RollcallOutcome, Timestamp

Kind = Literal["rollcall", "drill"]
Mode = Literal["conducted", "listened"]
Ended = Literal["closed", "superseded", "fell_silent", "cancelled"]

OWN_ANSWERS: Final = frozenset({"answered", "answered_late"})
_RANK: Final = {"unreadable": 1, "answered_by_other": 2, "answered_late": 3, "answered": 3}
OVERLAP_S: Final = 0.5
"""A reply may begin this much before the call was heard to end: two squelches, one channel."""


class CallMade(Model):
    """One call of a unit. `obstructed` says what kept the gateway from hearing an answer to it."""

    began_at: Timestamp
    ended_at: Timestamp
    obstructed: tuple[str, ...] = ()


class Reply(Model):
    """A transmission taken as an answer; the times are of its carrier.

    `readable` is false when somebody spoke and it could not be understood. `present`, `expected` and
    `all_normal` are None when not said. `report` says which elements of a report it holds.
    """

    transmission_id: str | None
    began_at: Timestamp
    ended_at: Timestamp
    readable: bool = True
    text: str = ""
    confidence: float | None = None
    present: int | None = None
    expected: int | None = None
    all_normal: bool | None = None
    report: dict[str, bool] = Field(default_factory=dict)
    review_reasons: tuple[str, ...] = ()
    corrects: bool = False


class Item(Model):
    """One unit's line on the sheet. `revision` counts what was published about it."""

    unit_id: str
    name: str
    calls: tuple[CallMade, ...] = ()
    outcome: RollcallOutcome | None = None
    answered_at: Timestamp | None = None
    answer_latency_s: float | None = None
    first_call_to_answer_s: float | None = None
    calls_until_answer: int | None = None
    answered_by: str | None = None
    transmission_id: str | None = None
    text: str = ""
    confidence: float | None = None
    present: int | None = None
    expected: int | None = None
    all_normal: bool | None = None
    report_complete: dict[str, bool] = Field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    review_reasons: tuple[str, ...] = ()
    revision: int = 0

    @property
    def has_answered(self) -> bool:
        """Whether the unit itself has answered."""
        return self.outcome in OWN_ANSWERS

    @property
    def call_count(self) -> int:
        """How often it was called until it answered itself, or in all when it did not."""
        if self.has_answered and self.calls_until_answer is not None:
            return self.calls_until_answer
        return len(self.calls)

    def with_(self, **changes: object) -> "Item":
        """A copy with fields replaced."""
        return self.model_copy(update=changes)

    def calls_before(self, at: datetime) -> tuple[CallMade, ...]:
        """The calls that were over when a reply began at `at`."""
        return tuple(c for c in self.calls if (at - c.ended_at).total_seconds() >= -OVERLAP_S)

    def answered(self, reply: Reply, outcome: RollcallOutcome, *, by: str | None = None) -> "Item":
        """With an answer taken in. A better outcome replaces; one as good adds what had not been said."""
        reasons = tuple(dict.fromkeys((*self.review_reasons, *reply.review_reasons)))
        if _RANK[outcome] <= _RANK.get(self.outcome or "", 0):
            return self._completed(reply) if outcome in OWN_ANSWERS else self
        before = self.calls_before(reply.began_at)
        return self.with_(
            outcome=outcome,
            answered_at=reply.began_at,
            answer_latency_s=_seconds(before[-1].ended_at, reply.began_at) if before else None,
            first_call_to_answer_s=_seconds(before[0].ended_at, reply.began_at) if before else None,
            calls_until_answer=len(before),
            answered_by=by,
            transmission_id=reply.transmission_id,
            text=reply.text,
            confidence=reply.confidence,
            present=reply.present,
            expected=reply.expected,
            all_normal=reply.all_normal,
            report_complete=dict(reply.report),
            review_reasons=tuple(r for r in reasons if r != "unreadable")
            if outcome in OWN_ANSWERS
            else reasons,
        )

    def _completed(self, reply: Reply) -> "Item":
        """With what a further answer adds: the first answer's time stands, a head count may be mended."""
        changes: dict[str, object] = {}
        for name in ("present", "expected", "all_normal"):
            said, known = getattr(reply, name), getattr(self, name)
            if said is None or said == known:
                continue
            changes[name] = said
            if known is not None and not reply.corrects:
                changes["review_reasons"] = (*self.review_reasons, f"{name}_changed")
        report = {k: v or self.report_complete.get(k, False) for k, v in reply.report.items()}
        if report and report != self.report_complete:
            changes["report_complete"] = report
        return self.with_(**changes) if changes else self

    def obstructed(self, reason: str) -> "Item":
        """With the last call marked as one whose answer could not have been heard."""
        if not self.calls or reason in self.calls[-1].obstructed:
            return self
        last = self.calls[-1]
        marked = last.model_copy(update={"obstructed": (*last.obstructed, reason)})
        return self.with_(calls=(*self.calls[:-1], marked))

    def settled(self) -> "Item":
        """With an outcome, whatever was heard."""
        if self.outcome is not None:
            return self
        if any(not call.obstructed for call in self.calls):
            return self.with_(outcome="no_answer")
        reasons = dict.fromkeys((*self.reasons, *(r for call in self.calls for r in call.obstructed)))
        return self.with_(outcome="not_observed", reasons=tuple(reasons) or ("never_called",))


class Sheet(Model):
    """The whole roll-call.

    `opened_by` is the transmission that opened it. `misheard_calls` counts calls whose unit, `stray_replies`
    answers whose giver was not understood.
    """

    rollcall_id: str
    radio: str
    kind: Kind
    mode: Mode
    started_at: Timestamp
    opened_by: str | None = None
    finished_at: Timestamp | None = None
    ended: Ended | None = None
    items: dict[str, Item] = Field(default_factory=dict)
    misheard_calls: int = 0
    stray_replies: int = 0
    pauses: int = 0

    def with_(self, **changes: object) -> "Sheet":
        """A copy with fields replaced."""
        return self.model_copy(update=changes)

    def item(self, unit_id: str, name: str = "") -> Item:
        """The line of a unit, a blank one when it has none."""
        return self.items.get(unit_id) or Item(unit_id=unit_id, name=name)

    def put(self, item: Item) -> "Sheet":
        """With this line in place of the unit's."""
        return self.with_(items={**self.items, item.unit_id: item})

    def published(self, item: Item) -> tuple["Sheet", Item]:
        """With the line counted as published once more."""
        counted = item.with_(revision=item.revision + 1)
        return self.put(counted), counted

    def called(self, unit_id: str, name: str, call: CallMade) -> tuple["Sheet", Item]:
        """With one more call of a unit."""
        item = self.item(unit_id, name)
        return self.published(item.with_(calls=(*item.calls, call)))

    def obstructed(self, unit_id: str, reason: str) -> "Sheet":
        """With a unit's last call marked as obstructed, unless it has answered."""
        item = self.items.get(unit_id)
        if item is None or item.outcome is not None:
            return self
        return self.put(item.obstructed(reason))

    def settled(self, at: datetime, ended: Ended) -> tuple["Sheet", tuple[Item, ...]]:
        """Finish: give every line its outcome; return the sheet and the lines nobody heard an own answer for.

        Cancelling leaves what is undecided as `cancelled`.
        """
        items, missed = dict(self.items), []
        for unit_id, item in self.items.items():
            if item.outcome is None:
                done = item.with_(outcome="cancelled") if ended == "cancelled" else item.settled()
                items[unit_id] = done.with_(revision=done.revision + 1)
                missed.append(items[unit_id])
        return self.with_(items=items, finished_at=at, ended=ended), tuple(missed)


def report_elements(*, named: bool, headcount: bool, normal: bool, others: Iterable[str]) -> dict[str, bool]:
    """Which elements of a full report were given; `others` may hold "equipment" and "position"."""
    told = set(others)
    return {
        "unit": named,
        "headcount": headcount,
        "situation": normal,
        "equipment": "equipment" in told,
        "position": "position" in told,
    }


def _seconds(since: datetime, at: datetime) -> float:
    return round(max(0.0, (at - since).total_seconds()), 3)
