"""A drill (拉动) that the gateway holds itself: what happened in, what to do out. Pure.

Driven like a roll-call (`engine`): the same events come in, and Say, Wake and TellDrill go out. Each order's
end starts the clocks of the units it names.

    opening ─► ordering ─► gathering ─► … next order, then those who did not acknowledge once more
                                          … ─► mustering ─► closing
                    everybody is there, or the last limit is over ───┘

While it gathers and musters it answers what arrives, one unit after the other, when the channel is free. An
emergency that is no exercise pauses everything until a person goes on with it; whoever was not there by then
is ordered again, and what that has made uncertain is not graded.
"""

from datetime import datetime, timedelta
from typing import Final, Literal

from gateway.events import Model, Timestamp
from gateway.rollcall.happenings import (
    Cancel,
    CarrierClosed,
    CarrierOpened,
    Deaf,
    DrillAction,
    DrillMoved,
    DrillVerb,
    Event,
    NotSaid,
    Pause,
    Purpose,
    Resume,
    Said,
    Say,
    TellDrill,
    Tick,
    Understood,
    Wake,
)
from gateway.rollcall.muster import Member, Muster, steps_of
from gateway.rollcall.scenario import DrillPlan, Order
from gateway.rollcall.sheet import CallMade

Phase = Literal["opening", "resuming", "ordering", "gathering", "mustering", "closing", "finished"]
_LISTENING: Final = frozenset({"gathering", "mustering"})
_SPEAKING: Final[dict[Phase, Purpose]] = {"opening": "open", "resuming": "resume", "closing": "close"}
_MAY_ANSWER_AGAIN: Final = "say_again"


class Owed(Model):
    """Something to be said to one unit when the channel is free."""

    purpose: Literal["acknowledge", "ask_report"]
    unit_id: str


class State(Model):
    """Everything the engine knows. `orders` are still to be given, the first is the one being given.

    `saying` while a Say is not answered, `owed` what units wait to hear. `unread` counts transmissions that
    are not understood yet, `retry_at` is when a key-up that failed is tried again, `paused` why nothing is
    said now.
    """

    plan: DrillPlan
    muster: Muster
    phase: Phase = "opening"
    orders: tuple[Order, ...] = ()
    rounds: int = 1
    owed: tuple[Owed, ...] = ()
    asked: tuple[str, ...] = ()
    replying: bool = False
    deadline: Timestamp | None = None
    carrier_open: bool = False
    unread: int = 0
    saying: bool = False
    failures: int = 0
    retry_at: Timestamp | None = None
    paused: str | None = None


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


class _Run:
    """One step; collects the actions."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._actions: list[DrillAction] = []

    def outcome(self) -> Step:
        return self.state, tuple(self._actions)

    def update(self, **changes: object) -> None:
        self.state = self.state.model_copy(update=changes)

    def tell(self, verb: DrillVerb, member: Member | None = None, moved: DrillMoved | None = None) -> None:
        self._actions.append(TellDrill(verb, self.state.muster, member, moved))

    def take(self, event: Event) -> None:
        match event:
            case CarrierOpened():
                self.update(carrier_open=True)
            case CarrierClosed():
                self.update(carrier_open=False, unread=self.state.unread + 1)
            case Understood():
                self.update(unread=max(0, self.state.unread - 1))
                self._hear(event)
            case Said():
                self._said(event)
            case NotSaid():
                self._not_said(event)
            case Deaf():
                self.obstruct(event.reason)
            case Tick():
                self._tick(event.at)
            case _:
                self._obey(event)

    def _obey(self, event: Pause | Resume | Cancel) -> None:
        match event:
            case Pause():
                self._pause(event.reason)
            case Resume():
                if self.state.paused is not None:
                    self.update(paused=None)
                    self.again(event.at)
            case Cancel():
                self._finish(event.at, cancelled=True)

    # --- speaking

    def speak(self, phase: Phase, at: datetime) -> None:
        """Enter a phase in which something is said, or pass it by when its phrase is empty."""
        self.update(phase=phase, deadline=None, retry_at=None, replying=False)
        state = self.state
        if state.paused is not None or state.saying:
            return
        if phase == "ordering" and state.orders:
            self._key_up("order", state.plan.order_text(state.orders[0]), None)
            return
        text = state.plan.say(_SPEAKING[phase]) if phase in _SPEAKING else ""
        if text:
            self._key_up(_SPEAKING[phase], text, None)
        else:
            self._after_speaking(CallMade(began_at=at, ended_at=at))

    def _key_up(self, purpose: Purpose, text: str, unit_id: str | None) -> None:
        self.update(saying=True)
        self._actions.append(Say(purpose, text, unit_id))

    def again(self, at: datetime) -> None:
        """Go on after a stretch that was not heard: order those who are not there once more."""
        phase = self.state.phase
        if phase in {"opening", "closing"}:
            self.speak(phase, at)
            return
        members = self.state.muster.members
        late = [one.unit_id for one in self.state.muster.pending]
        unordered = [
            unit_id
            for order in self.state.orders
            for unit_id in order.unit_ids
            if not members[unit_id].orders and members[unit_id].is_pending
        ]
        plan = self.state.plan
        self.update(
            orders=(*plan.orders(late, repeats=True), *plan.orders(unordered)), owed=(), replying=False
        )
        self.speak("resuming", at)

    def _said(self, said: Said) -> None:
        if not self.state.saying:
            return
        self.update(saying=False, failures=0)
        spoken = CallMade(began_at=said.began_at, ended_at=said.ended_at)
        if self.state.replying:
            self.update(replying=False)
            self._listen_on(said.ended_at)
        else:
            self._after_speaking(spoken)

    def _after_speaking(self, spoken: CallMade) -> None:
        at = spoken.ended_at
        match self.state.phase:
            case "opening" | "resuming":
                self._next(at)
            case "ordering":
                self._ordered(spoken)
            case "closing":
                self._finish(at, cancelled=False)

    def _ordered(self, spoken: CallMade) -> None:
        if not self.state.orders:
            self._next(spoken.ended_at)
            return
        order, rest = self.state.orders[0], self.state.orders[1:]
        if self.state.paused is not None:
            spoken = spoken.model_copy(update={"obstructed": (self.state.paused,)})
        self.update(orders=rest, muster=self.state.muster.ordered(order.unit_ids, spoken))
        for unit_id in order.unit_ids:
            muster, member = self.state.muster.published(self.state.muster.members[unit_id])
            self.update(muster=muster)
            self.tell("arrived", member, "ordered")
        until = spoken.ended_at + timedelta(seconds=self.state.plan.gather_s)
        self.update(phase="gathering", deadline=until)
        self._listen_on(spoken.ended_at)

    def _next(self, at: datetime) -> None:
        """Give the next order, or order again who has not acknowledged, or wait for the arrivals."""
        state = self.state
        members = state.muster.members
        orders = tuple(
            kept
            for order in state.orders
            if (ids := tuple(u for u in order.unit_ids if members[u].is_pending))
            for kept in (order.model_copy(update={"unit_ids": ids}),)
        )
        if not orders and state.rounds < state.plan.orders_per_unit:
            silent = [one.unit_id for one in state.muster.pending if not one.has_answered]
            orders = state.plan.orders(silent, repeats=True)
            self.update(rounds=state.rounds + 1)
        self.update(orders=orders)
        if orders:
            self.speak("ordering", at)
        elif not state.muster.pending:
            self.speak("closing", at)
        else:
            self.update(phase="mustering", deadline=self._muster_until(at))
            self._listen_on(at)

    def _muster_until(self, at: datetime) -> datetime:
        ends = [one.orders[-1].ended_at + timedelta(seconds=one.limit_s) for one in self.state.muster.pending]
        return max([at, *ends]) + timedelta(seconds=self.state.plan.grace_s)

    def _listen_on(self, at: datetime) -> None:
        """Say what is owed when nobody speaks, close when everybody is there, or wait on."""
        state = self.state
        if state.paused is not None or state.saying or state.phase not in _LISTENING:
            return
        if state.carrier_open or state.unread:
            self._wake_at_deadline()
        elif state.owed:
            self._reply_to(state.owed[0], at)
        elif state.phase == "mustering" and not state.muster.pending:
            self.speak("closing", at)
        else:
            self._wake_at_deadline()

    def _wake_at_deadline(self) -> None:
        if self.state.deadline is not None:
            self._actions.append(Wake(self.state.deadline))

    def _reply_to(self, owed: Owed, at: datetime) -> None:
        text = self.state.plan.say(owed.purpose, owed.unit_id)
        self.update(owed=self.state.owed[1:])
        if text:
            self.update(replying=True)
            self._key_up(owed.purpose, text, owed.unit_id)
        else:
            self._listen_on(at)

    def _not_said(self, event: NotSaid) -> None:
        if not self.state.saying:
            return
        failures = self.state.failures + 1
        self.update(saying=False, failures=failures)
        if self.state.replying:
            # A courtesy that cannot be said is left out; nothing is measured by it.
            self.update(failures=0, replying=False)
            self._listen_on(event.at)
        elif failures < self.state.plan.busy_tries:
            retry_at = event.at + timedelta(seconds=self.state.plan.busy_retry_s)
            self.update(retry_at=retry_at)
            if self.state.paused is None:
                self._actions.append(Wake(retry_at))
        else:
            self.update(failures=0)
            self._skip(event)

    def _skip(self, event: NotSaid) -> None:
        """Do without what cannot be said. Who could not be ordered was not observed."""
        if self.state.phase == "closing":
            self._finish(event.at, cancelled=False)
        elif self.state.phase == "opening":
            # Nothing is played that was not first said to be an exercise.
            muster = self.state.muster
            members = {
                k: one.with_(reasons=(event.reason,)) if one.is_pending else one
                for k, one in muster.members.items()
            }
            self.update(muster=muster.with_(members=members))
            self._finish(event.at, cancelled=False)
        elif self.state.phase == "ordering" and self.state.orders:
            muster = self.state.muster
            for unit_id in self.state.orders[0].unit_ids:
                one = muster.members[unit_id]
                if not one.orders:
                    muster = muster.put(one.with_(reasons=(event.reason,)))
            self.update(muster=muster, orders=self.state.orders[1:])
            self._next(event.at)
        else:
            self._next(event.at)

    # --- time

    def _tick(self, at: datetime) -> None:
        state = self.state
        if state.paused is not None or state.saying:
            return
        if state.retry_at is not None:
            if at >= state.retry_at:
                self.speak(state.phase, at)
            else:
                self._actions.append(Wake(state.retry_at))
            return
        if state.phase not in _LISTENING or state.deadline is None:
            return
        if at < state.deadline:
            self._listen_on(at)
            return
        held_until = state.deadline + timedelta(seconds=state.plan.hold_s)
        # A first order waits for a free channel only; whoever is ordered again may have answered already.
        is_held = state.carrier_open or (state.unread and not state.orders)
        if is_held and at < held_until:
            self._actions.append(Wake(held_until))
            return
        if is_held:
            self.obstruct("channel_busy" if state.carrier_open else "not_understood_in_time")
            self.update(carrier_open=False, unread=0)
        if state.phase == "gathering":
            self._next(at)
        else:
            self.speak("closing", at)

    def _finish(self, at: datetime, *, cancelled: bool) -> None:
        muster, settled = self.state.muster.settled(at, "cancelled" if cancelled else "closed")
        self.update(
            muster=muster, phase="finished", orders=(), owed=(), deadline=None, retry_at=None,
            saying=False, replying=False,
        )  # fmt: skip
        for member in settled:
            self.tell("arrived", member, "settled")
        self.tell("finished")

    def _pause(self, reason: str) -> None:
        if self.state.paused is None:
            self.obstruct(reason)
            muster = self.state.muster
            self.update(paused=reason, retry_at=None, owed=(), muster=muster.with_(pauses=muster.pauses + 1))

    # --- hearing

    def obstruct(self, reason: str) -> None:
        """Silence of those who are still expected proves nothing."""
        self.update(muster=self.state.muster.obstructed(reason))

    def _hear(self, heard: Understood) -> None:
        if heard.hides is not None:
            self.obstruct(heard.hides)
        elif heard.emergency:
            self._pause("emergency")
        elif self.state.paused is None:
            self._attribute(heard)
        self._listen_on(heard.reply.ended_at)

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
