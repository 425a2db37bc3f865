"""How a drill that the gateway holds speaks and waits: all of it but who did what. Pure."""

from datetime import datetime, timedelta
from typing import Final, Literal

from gateway.events import Model, Timestamp
from gateway.rollcall.happenings import (
    CarrierClosed,
    CarrierOpened,
    DrillAction,
    DrillMoved,
    DrillVerb,
    Event,
    NotSaid,
    Purpose,
    Said,
    Say,
    TellDrill,
    Understood,
    Wake,
)
from gateway.rollcall.heldrun import HeldRun
from gateway.rollcall.muster import Member, Muster
from gateway.rollcall.scenario import DrillPlan, Order
from gateway.rollcall.sheet import CallMade

Phase = Literal["opening", "resuming", "ordering", "gathering", "mustering", "closing", "finished"]
_LISTENING: Final = frozenset({"gathering", "mustering"})
_SPEAKING: Final[dict[Phase, Purpose]] = {"opening": "open", "resuming": "resume", "closing": "close"}


class Owed(Model):
    """Something to be said to one unit when the channel is free."""

    purpose: Literal["acknowledge", "ask_report"]
    unit_id: str


class State(Model):
    """Everything the engine knows. `orders` are still to be given, the first is the one being given.

    `saying` while a Say is not answered, `owed` what units wait to hear. `unread` counts transmissions that
    are not understood yet, `retry_at` is when a key-up that failed is tried again, `paused` why nothing is
    said now. `alone` is the one unit that was ordered again by itself and is waited for, `opened_at` when the
    carrier rose that is open, `latest` until when the time that others' words take can be given back, None
    when it is not. `held_since` is since when all waits for what somebody says, None while it does not;
    `understood` counts transmissions, `held_at` is that count at the last look.
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
    alone: str | None = None
    opened_at: Timestamp | None = None
    latest: Timestamp | None = None
    held_since: Timestamp | None = None
    understood: int = 0
    held_at: int = 0


class Ordering(HeldRun[State, DrillAction]):
    """Says what is to be said, and decides when time is up; who did what is for a subclass to tell."""

    def tell(self, verb: DrillVerb, member: Member | None = None, moved: DrillMoved | None = None) -> None:
        """Publish what moved."""
        self._actions.append(TellDrill(verb, self.state.muster, member, moved))

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

    def _was_said(self, said: Said) -> None:
        if self.state.replying:
            self.update(replying=False)
            self.listen_on(said.ended_at)
        else:
            self._after_speaking(CallMade(began_at=said.began_at, ended_at=said.ended_at))

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
        alone = order.unit_ids[0] if order.repeats and len(order.unit_ids) == 1 else None
        # Only one who is ordered for the first time by itself waits for nobody else's words.
        waits = order.repeats or len(order.unit_ids) > 1
        latest = until + timedelta(seconds=self.state.plan.hold_s) if waits else None
        self.update(phase="gathering", deadline=until, alone=alone, latest=latest, opened_at=None)
        self.listen_on(spoken.ended_at)

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
            orders = self._repeats()
            self.update(rounds=state.rounds + 1)
        self.update(orders=orders)
        if orders:
            self.speak("ordering", at)
        elif not state.muster.pending:
            self.speak("closing", at)
        else:
            self.update(phase="mustering", deadline=self._muster_until(at))
            self.listen_on(at)

    def _repeats(self) -> tuple[Order, ...]:
        """Order those again who did not answer: one by one where answers may have covered each other.

        A group that nobody was heard after is called as one: ten silent units are not worth ten key-ups.
        """
        plan, silent = self.state.plan, [one for one in self.state.muster.pending if not one.has_answered]
        covered = [one.unit_id for one in silent if one.orders[-1].obstructed or one.outcome is not None]
        unheard = [one.unit_id for one in silent if one.unit_id not in covered]
        one_by_one = (order for unit_id in covered for order in plan.orders([unit_id], repeats=True))
        return (*one_by_one, *plan.orders(unheard, repeats=True))

    def _give_back(self, at: datetime) -> None:
        """Who waits for a free channel to answer has its whole time all the same."""
        state = self.state
        if state.phase != "gathering" or not (state.opened_at and state.deadline and state.latest):
            return
        if state.opened_at <= state.deadline:
            self.update(deadline=min(state.latest, state.deadline + (at - state.opened_at)))

    def _muster_until(self, at: datetime) -> datetime:
        ends = [one.orders[-1].ended_at + timedelta(seconds=one.limit_s) for one in self.state.muster.pending]
        return max([at, *ends]) + timedelta(seconds=self.state.plan.grace_s)

    def listen_on(self, at: datetime) -> None:
        """Say what is owed when nobody speaks, close when everybody is there, or wait on."""
        state = self.state
        if state.paused is not None or state.saying or state.phase not in _LISTENING:
            return
        if state.carrier_open or state.unread:
            self._wake_at_deadline()
        elif state.owed:
            self._reply_to(state.owed[0], at)
        elif state.phase == "gathering" and state.alone and state.muster.members[state.alone].has_answered:
            self._next(at)
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
            self.listen_on(at)

    def take(self, event: Event) -> None:
        """Take one thing that happened, and note how long the channel is in use."""
        if isinstance(event, CarrierClosed):
            self._give_back(event.at)
        super().take(event)
        if isinstance(event, CarrierOpened):
            self.update(opened_at=event.at)
        elif isinstance(event, CarrierClosed):
            self.update(opened_at=None)
        elif isinstance(event, Understood):
            self.update(understood=self.state.understood + 1)

    def _was_not_said(self, event: NotSaid) -> None:
        if self.state.replying:
            # A courtesy that cannot be said is left out; nothing is measured by it.
            self.update(saying=False, failures=0, replying=False)
            self.listen_on(event.at)
        else:
            super()._was_not_said(event)

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

    def _try_again(self, at: datetime) -> None:
        self.speak(self.state.phase, at)

    def _look(self, at: datetime) -> None:
        state = self.state
        if state.phase not in _LISTENING or state.deadline is None:
            return
        if at < state.deadline:
            self.listen_on(at)
            return
        # A first order waits for a free channel only; whoever is ordered again may have answered already.
        waits_for_words = state.unread and not any(not order.repeats for order in state.orders)
        is_held = state.carrier_open or waits_for_words
        if is_held and self._holds_on(at):
            return
        self.update(held_since=None)
        if is_held:
            self._wait_no_longer()
        if state.phase == "gathering":
            self._next(at)
        else:
            self.speak("closing", at)

    def _holds_on(self, at: datetime) -> bool:
        """Wait for who speaks or is not understood: `hold_s`, and anew whenever one of them is understood."""
        state = self.state
        since = state.held_since
        if since is None or state.understood > state.held_at:
            since = at
        self.update(held_since=since, held_at=state.understood)
        until = since + timedelta(seconds=state.plan.hold_s)
        if at < until:
            self._actions.append(Wake(until))
        return at < until

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

    def obstruct(self, reason: str) -> None:
        """Silence of those who are still expected proves nothing."""
        self.update(muster=self.state.muster.obstructed(reason))
