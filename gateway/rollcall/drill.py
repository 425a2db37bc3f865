"""A drill (拉动) that the gateway holds itself: what happened in, what to do out. Pure.

Driven like a roll-call (`engine`): the same events come in, and Say, Wake and TellDrill go out. Each order's
end starts the clocks of the units it names.

    opening ─► ordering ─► gathering ─► … next order, then those who did not acknowledge once more, and
                                          one by one where others were heard: answers cover each other
                                          … ─► mustering ─► closing
                    everybody is there, or the last limit is over ───┘

While it gathers and musters it answers what arrives, one unit after the other, when the channel is free. An
emergency that is no exercise pauses everything until a person goes on with it; whoever was not there by then
is ordered again, and what that has made uncertain is not graded.
"""

from datetime import datetime
from typing import Final, Literal

from gateway.rollcall.drillhearing import NAMED_LATE
from gateway.rollcall.happenings import DrillAction, DrillMoved, Event, Understood
from gateway.rollcall.muster import Member, Muster, steps_of
from gateway.rollcall.ordering import Ordering, Owed, Phase, State
from gateway.rollcall.scenario import DrillPlan

__all__ = ["Phase", "State", "Step", "begin", "resume_after_restart", "step"]

_MAY_ANSWER_AGAIN: Final = "say_again"

Step = tuple[State, tuple[DrillAction, ...]]


def begin(plan: DrillPlan, at: datetime) -> Step:
    """Start the drill."""
    run = _Run(State(plan=plan, muster=_blank(plan, at), orders=plan.orders()))
    run.tell("started")
    run.speak("opening", at)
    return run.outcome()


def step(state: State, event: Event) -> Step:
    """Take one thing that happened. Never raises; a finished drill does nothing more."""
    if state.phase == "finished":
        return state, ()
    run = _Run(state)
    run.take(event)
    return run.outcome()


def resume_after_restart(state: State, at: datetime) -> Step:
    """Go on in a new process: what was said or heard since the state was stored is not known.

    Who is not there is ordered again, and its silence meanwhile does not count.
    """
    if state.phase == "finished":
        return state, ()
    run = _Run(state)
    run.update(saying=False, replying=False, carrier_open=False, unread=0, retry_at=None, owed=())
    run.obstruct("gateway_restarted")
    if run.state.paused is None:
        run.again(at)
    return run.outcome()


def _blank(plan: DrillPlan, at: datetime) -> Muster:
    members = {
        unit.unit_id: Member(
            unit_id=unit.unit_id, name=unit.name, role=unit.role, line=unit.line,
            limit_s=plan.limits_s[unit.role],
            outcome="excused" if unit in plan.excused else None,
            arrival="excused" if unit in plan.excused else None,
            reasons=("off_duty",) if unit in plan.excused else (),
        )
        for unit in (*plan.units, *plan.excused)
    }  # fmt: skip
    return Muster(
        drill_id=plan.drill_id,
        radio=plan.radio,
        mode="conducted",
        scenario_code=plan.scenario.code,
        scenario_label=plan.scenario.label,
        scenario_text=plan.scenario.text,
        place=plan.place,
        reach=plan.reach,
        by=plan.by,
        started_at=at,
        members=members,
    )


class _Run(Ordering):
    """One step: what was heard of whom, and what follows."""

    def _hear(self, heard: Understood) -> None:
        if heard.hides is not None:
            self.obstruct(heard.hides)
        elif heard.emergency:
            self._pause("emergency")
        elif self.state.paused is None:
            for one in (heard, *heard.others):
                self._attribute(one)
                self._may_cover(one)
        self.listen_on(heard.reply.ended_at)

    def _may_cover(self, heard: Understood) -> None:
        """Mark the silence of those who were told to answer in the same breath as somebody who was heard.

        Whoever was called alone had the channel to itself, and its time is given back: its silence counts.
        """
        muster = self.state.muster
        waiting = [one for one in muster.pending if not one.has_answered and one.unit_id != heard.unit_id]
        for member in waiting:
            order = member.orders[-1]
            with_others = sum(order in one.orders for one in muster.members.values()) > 1
            if with_others and member.orders_before(heard.reply.began_at):
                self.update(muster=self.state.muster.put(member.obstructed("another_spoke")))

    def _attribute(self, heard: Understood) -> None:
        members = self.state.muster.members
        speaker = heard.unit_id
        pending_ids = [one.unit_id for one in self.state.muster.pending]
        for_unit, reply = heard.stood_in_for(pending_ids[0] if len(pending_ids) == 1 else None)
        if for_unit in members:
            assert for_unit is not None
            self._record(members[for_unit], members[for_unit].stood_in_for(reply, speaker))
            return
        if heard.stands_in or speaker is not None:
            if speaker in members and not heard.stands_in:
                assert speaker is not None
                self._report(speaker, heard)
            return
        began = heard.reply.began_at
        pending = [one for one in self.state.muster.pending if one.orders_before(began)]
        possible = [u for u in heard.candidates if u in members and members[u].is_pending]
        if possible:
            for unit_id in possible:
                self._record(members[unit_id], members[unit_id].unreadable(heard.reply, "caller_ambiguous"))
        elif len(pending) == 1:
            self._only_one_left(pending[0], heard)
        elif pending and (heard.answers or not heard.reply.readable):
            # Anybody may have said it: the silence of nobody proves anything now.
            muster = self.state.muster.obstructed("stray_reply", began)
            self.update(muster=muster.with_(stray_replies=muster.stray_replies + 1))

    def _only_one_left(self, member: Member, heard: Understood) -> None:
        if not heard.reply.readable:
            self._record(member, member.unreadable(heard.reply, "unreadable"))
        elif heard.answers:
            reasons = (*heard.reply.review_reasons, "caller_not_named")
            reply = heard.reply.model_copy(update={"review_reasons": reasons})
            self._take(member, Understood(reply, acts=heard.acts, position=heard.position))

    def _report(self, unit_id: str, heard: Understood) -> None:
        member = self.state.muster.members[unit_id]
        if member.outcome == "excused":
            return
        if not heard.reply.readable:
            self._record(member, member.unreadable(heard.reply, "unreadable"))
        elif _MAY_ANSWER_AGAIN in heard.acts and not member.has_answered and not steps_of(heard.acts)[0]:
            repeated = self.state.plan.orders([unit_id], repeats=True)
            self.update(orders=(*repeated, *self.state.orders))
        else:
            self._take(member, heard)

    def _take(self, member: Member, heard: Understood) -> None:
        steps, doubts = steps_of(heard.acts)
        reply = heard.reply
        if doubts:
            reply = reply.model_copy(update={"review_reasons": (*reply.review_reasons, *doubts)})
        after = member.reported(reply, steps, heard.position)
        if NAMED_LATE in reply.review_reasons:
            after = after.obstructed(NAMED_LATE)
        self._record(member, after)
        if "arrived" in after.steps and "arrived" not in member.steps:
            lacks = after.present is None and self.state.plan.ask_report
            purpose: Literal["acknowledge", "ask_report"] = "ask_report" if lacks else "acknowledge"
            self.update(owed=(*self.state.owed, Owed(purpose=purpose, unit_id=member.unit_id)))

    def _record(self, before: Member, after: Member) -> None:
        if after == before:
            return
        moved: DrillMoved = "reported"
        for one in ("acknowledged", "departed", "arrived"):
            if one in after.steps and one not in before.steps:
                moved = one
        muster, member = self.state.muster.published(after)
        self.update(muster=muster)
        self.tell("arrived", member, moved)
