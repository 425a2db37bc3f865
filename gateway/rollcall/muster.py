"""The sheet of a drill (拉动): who was ordered when, who acknowledged, set out and was there. Pure.

Both kinds of drill fill it: one that the gateway conducts (`drill`) and one an officer holds by voice
(`listening`). All times are those of the audio on the air. A unit's steps are timed from the end of the last
order that was over before it spoke; an arrival is what the unit claims.

Silence counts against a unit only where it was really listened to: `no_answer` needs one order after which
nothing can have hidden an answer, `not_reported` an undisturbed time from its last order to its limit.
What an interruption has made uncertain is not graded.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from pydantic import Field

from gateway.events import DrillArrival, DrillRole, DrillStep, Model, RollcallOutcome, Timestamp
from gateway.rollcall.sheet import OVERLAP_S, CallMade, Ended, Mode, Reply

ROLE_GRADES: Final[dict[DrillRole, str]] = {
    "point": "self_rescue_60s", "line": "mutual_aid_180s", "area": "reinforcement_300s",
}  # fmt: skip
LIMITS_S: Final[dict[DrillRole, float]] = {"point": 60.0, "line": 180.0, "area": 300.0}
STEPS: Final[tuple[DrillStep, ...]] = ("acknowledged", "departed", "arrived")
_THERE: Final = frozenset({"arrived", "arrived_late", "arrived_ungraded"})


class StepReport(Model):
    """When a unit said a step was reached: seconds from the end of its last and of its first order.

    Both are None when it was never ordered.
    """

    at: Timestamp
    latency_s: float | None = None
    first_latency_s: float | None = None
    transmission_id: str | None = None


class Member(Model):
    """One unit's line. `revision` counts what was published about it; `line` is whose line it belongs to."""

    unit_id: str
    name: str
    role: DrillRole
    line: str
    limit_s: float
    orders: tuple[CallMade, ...] = ()
    outcome: RollcallOutcome | None = None
    arrival: DrillArrival | None = None
    in_time: bool | None = None
    steps: dict[DrillStep, StepReport] = Field(default_factory=dict)
    answered_by: str | None = None
    transmission_id: str | None = None
    text: str = ""
    confidence: float | None = None
    present: int | None = None
    expected: int | None = None
    position: str | None = None
    report_complete: dict[str, bool] = Field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    review_reasons: tuple[str, ...] = ()
    revision: int = 0

    @property
    def has_answered(self) -> bool:
        """Whether the unit itself has answered the order."""
        return "acknowledged" in self.steps

    @property
    def is_there(self) -> bool:
        """Whether it has said that it arrived."""
        return "arrived" in self.steps

    @property
    def is_pending(self) -> bool:
        """Whether something is still expected of it."""
        return self.outcome != "excused" and not self.is_there

    def with_(self, **changes: object) -> "Member":
        """A copy with fields replaced."""
        return self.model_copy(update=changes)

    def orders_before(self, at: datetime) -> tuple[CallMade, ...]:
        """The orders that were over when a transmission began at `at`."""
        return tuple(o for o in self.orders if (at - o.ended_at).total_seconds() >= -OVERLAP_S)

    def reported(self, reply: Reply, steps: Iterable[DrillStep], position: str | None = None) -> "Member":
        """With what a transmission of the unit itself tells; a step reached keeps its first time."""
        before = self.orders_before(reply.began_at)
        told = StepReport(
            at=reply.began_at,
            latency_s=_seconds(before[-1], reply) if before else None,
            first_latency_s=_seconds(before[0], reply) if before else None,
            transmission_id=reply.transmission_id,
        )
        new = [step for step in ("acknowledged", *steps) if step not in self.steps]
        unread = {"unreadable", *(r for r in self.review_reasons if r == "caller_ambiguous")}
        kept = tuple(r for r in self.review_reasons if r not in unread)
        after = self.with_(
            outcome="answered",
            steps=self.steps | dict.fromkeys(new, told),
            answered_by=None,
            review_reasons=tuple(dict.fromkeys((*kept, *reply.review_reasons))),
            position=position or self.position,
            report_complete={
                k: v or self.report_complete.get(k, False)
                for k, v in (reply.report or self.report_complete).items()
            },
        )
        if new:
            after = after.with_(
                text=reply.text, confidence=reply.confidence, transmission_id=reply.transmission_id
            )
        after = after.counted(reply)
        return after.graded(told) if "arrived" in new else after

    def counted(self, reply: Reply) -> "Member":
        """With the head count: the latest said counts, as people still arrive."""
        if reply.present is None:
            return self
        return self.with_(present=reply.present, expected=reply.expected or self.expected)

    def graded(self, told: StepReport) -> "Member":
        """With its arrival judged. Between first and last order the truth lies when both were heard."""
        last, first = told.latency_s, told.first_latency_s
        if last is None or first is None:
            return self.with_(arrival="arrived_ungraded", in_time=None)
        acknowledged = self.steps["acknowledged"].at
        heard_first = any(acknowledged < order.ended_at for order in self.orders_before(told.at))
        if last > self.limit_s:
            return self.with_(arrival="arrived_late", in_time=False)
        if heard_first and first > self.limit_s:
            reasons = tuple(dict.fromkeys((*self.review_reasons, "ordered_again_under_way")))
            return self.with_(arrival="arrived_ungraded", in_time=None, review_reasons=reasons)
        return self.with_(arrival="arrived", in_time=True)

    def stood_in_for(self, reply: Reply, by: str | None) -> "Member":
        """With an answer that another unit gave, None when that is not known; it arrives for nobody."""
        if self.has_answered:
            return self
        return self.with_(
            outcome="answered_by_other", answered_by=by, text=reply.text, confidence=reply.confidence,
            transmission_id=reply.transmission_id,
            review_reasons=tuple(dict.fromkeys((*self.review_reasons, *reply.review_reasons))),
        )  # fmt: skip

    def unreadable(self, reply: Reply, reason: str) -> "Member":
        """With a transmission that may be its own and could not be understood, for a person to hear."""
        reasons = tuple(dict.fromkeys((*self.review_reasons, reason)))
        if self.has_answered:
            return self.obstructed(reason).with_(review_reasons=reasons)
        return self.with_(
            outcome="unreadable",
            text=reply.text,
            confidence=reply.confidence,
            transmission_id=reply.transmission_id,
            review_reasons=reasons,
        )

    def obstructed(self, reason: str) -> "Member":
        """With the last order marked as one whose answer could not have been heard."""
        if not self.is_pending or not self.orders or reason in self.orders[-1].obstructed:
            return self
        last = self.orders[-1]
        marked = last.model_copy(update={"obstructed": (*last.obstructed, reason)})
        return self.with_(orders=(*self.orders[:-1], marked))

    def settled(self, at: datetime, ended: Ended) -> "Member":
        """With an outcome and an arrival, whatever was heard until `at`."""
        if self.outcome == "excused":
            return self.with_(arrival="excused")
        cut = ended == "cancelled"
        hidden = dict.fromkeys((*self.reasons, *(r for o in self.orders for r in o.obstructed)))
        outcome = self.outcome
        if outcome is None:
            heard = any(not order.obstructed for order in self.orders)
            outcome = "cancelled" if cut else "no_answer" if heard else "not_observed"
        if self.arrival is not None:
            return self.with_(outcome=outcome)
        too_short = not self.orders or at < self.orders[-1].ended_at + timedelta(seconds=self.limit_s)
        arrival: DrillArrival = "not_reported"
        if outcome == "unreadable":
            arrival = "unreadable"
        elif cut:
            arrival = "cancelled"
        elif outcome == "not_observed" or too_short or self.orders[-1].obstructed:
            arrival = "not_observed"
            hidden |= {"closed_before_its_time": None} if too_short and self.orders else {}
        known = arrival == "not_observed" or outcome == "not_observed"
        return self.with_(
            outcome=outcome,
            arrival=arrival,
            in_time=False if arrival == "not_reported" else None,
            reasons=(tuple(hidden) or ("never_ordered",)) if known else self.reasons,
        )


class Muster(Model):
    """The whole drill. `opened_by` is the transmission that opened it, when an officer did."""

    drill_id: str
    radio: str
    mode: Mode
    scenario_code: str = ""
    scenario_label: str = ""
    scenario_text: str = ""
    place: str = ""
    reach: str | None = None
    by: str | None = None
    started_at: Timestamp
    opened_by: str | None = None
    finished_at: Timestamp | None = None
    ended: Ended | None = None
    members: dict[str, Member] = Field(default_factory=dict)
    stray_replies: int = 0
    pauses: int = 0

    def with_(self, **changes: object) -> "Muster":
        """A copy with fields replaced."""
        return self.model_copy(update=changes)

    def put(self, member: Member) -> "Muster":
        """With this line in place of the unit's."""
        return self.with_(members={**self.members, member.unit_id: member})

    def published(self, member: Member) -> tuple["Muster", Member]:
        """With the line counted as published once more."""
        counted = member.with_(revision=member.revision + 1)
        return self.put(counted), counted

    def ordered(self, unit_ids: Iterable[str], order: CallMade) -> "Muster":
        """With one more order to these units."""
        members = dict(self.members)
        for unit_id in unit_ids:
            one = members[unit_id]
            members[unit_id] = one.with_(orders=(*one.orders, order))
        return self.with_(members=members)

    def obstructed(self, reason: str, at: datetime | None = None) -> "Muster":
        """With the last order of everybody who is still expected marked as obstructed.

        Who was first ordered after `at` is left alone; None for now.
        """
        return self.with_(
            members={
                unit_id: one.obstructed(reason) if at is None or one.orders_before(at) else one
                for unit_id, one in self.members.items()
            }
        )

    def settled(self, at: datetime, ended: Ended) -> tuple["Muster", tuple[Member, ...]]:
        """Finish: give every line its outcome; return the muster and the lines that this changed."""
        members, changed = dict(self.members), []
        for unit_id, member in self.members.items():
            done = member.settled(at, ended)
            if done != member and member.outcome != "excused":
                done = done.with_(revision=done.revision + 1)
                changed.append(done)
            members[unit_id] = done
        return self.with_(members=members, finished_at=at, ended=ended), tuple(changed)

    @property
    def pending(self) -> tuple[Member, ...]:
        """Who was ordered and has not said that it is there."""
        return tuple(one for one in self.members.values() if one.orders and one.is_pending)

    def of_role(self, role: DrillRole) -> tuple[Member, ...]:
        """Members of one role that were not excused."""
        return tuple(m for m in self.members.values() if m.role == role and m.outcome != "excused")

    def grades_135(self) -> dict[str, bool | None]:
        """Whether the first of each role was there within its minutes; None where that is not known.

        The unit on the spot in one minute, a neighbour in three, the reinforcement in five.
        """
        grades: dict[str, bool | None] = {}
        for role, grade in ROLE_GRADES.items():
            judged = [member.in_time for member in self.of_role(role)]
            if True in judged:
                grades[grade] = True
            else:
                grades[grade] = False if judged and None not in judged else None
        return grades

    def first_arrivals_s(self) -> dict[str, float | None]:
        """After how many seconds the first of each role was there; None where nobody said so."""
        return {
            grade: min(
                (
                    m.steps["arrived"].latency_s or 0.0
                    for m in self.of_role(role)
                    if m.is_there and m.steps["arrived"].latency_s is not None
                ),
                default=None,
            )
            for role, grade in ROLE_GRADES.items()
        }


def steps_of(acts: Iterable[str]) -> tuple[tuple[DrillStep, ...], tuple[str, ...]]:
    """Which steps a transmission with these acts tells, and why a person should look.

    正在前往,马上到位 speaks of an arrival to come: whoever says that it is under way is not there yet.
    """
    told = set(acts)
    if "arrived" in told:
        return (("departed",), ("arrival_unclear",)) if "ack_wilco" in told else (("arrived",), ())
    return (("departed",), ()) if "ack_wilco" in told else ((), ())


def _seconds(order: CallMade, reply: Reply) -> float:
    return round(max(0.0, (reply.began_at - order.ended_at).total_seconds()), 3)
