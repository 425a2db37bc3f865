"""A roll-call that the gateway holds itself: what happened in, what to do out. Pure.

`begin`, `step` and `resume_after_restart` return a new state and the actions that follow; the state turns to
JSON and back at any point. Whoever drives it says what it is told to say, one thing at a time and with its
own busy check, answers each Say with Said or NotSaid, wakes it when asked, and tells it of everything heard
on the radio. It must store the state before it keys up and after each answer.

    opening ─► calling ─► waiting ─► asking ─► counting ─► acknowledging ─► calling the next …
                  ▲──────────┘ nobody answered                    … ─► last_calling ─► last_waiting ─► closing

An answer counts for the unit that gives it, whenever it comes: in its turn, after it (late), twice, or before
it was called at all. While somebody is still being received or understood nobody's time runs out. An
emergency pauses everything until a person goes on with it, and costs the unit in turn nothing.
"""

from datetime import datetime

from gateway.events import RollcallOutcome
from gateway.rollcall.calling import WAITING, WITH_ONE_UNIT, Calling, Phase, State
from gateway.rollcall.happenings import Action, Event, Understood, Wake
from gateway.rollcall.plan import Plan
from gateway.rollcall.sheet import OVERLAP_S, Reply

__all__ = ["Phase", "State", "Step", "begin", "resume_after_restart", "step"]

Step = tuple[State, tuple[Action, ...]]


def begin(plan: Plan, at: datetime) -> Step:
    """Start the roll-call. Who is excused is told at once."""
    state = State(
        plan=plan, sheet=plan.blank_sheet(at.isoformat()), queue=tuple(unit.unit_id for unit in plan.units)
    )
    run = _Run(state)
    run.tell("started")
    for unit in plan.excused:
        sheet, item = run.state.sheet.published(run.state.sheet.items[unit.unit_id])
        run.update(sheet=sheet)
        run.tell("missed", item)
    run.speak("opening", at)
    return run.outcome()


def step(state: State, event: Event) -> Step:
    """Take one thing that happened. Never raises; a finished roll-call does nothing more."""
    if state.phase == "finished":
        return state, ()
    run = _Run(state)
    run.take(event)
    return run.outcome()


def resume_after_restart(state: State, at: datetime) -> Step:
    """Go on in a new process: what was said or heard since the state was stored is not known.

    A unit that was called is called again, and its silence meanwhile does not count.
    """
    if state.phase == "finished":
        return state, ()
    run = _Run(state)
    run.update(saying=False, carrier_open=False, unread=0, retry_at=None)
    run.obstruct("gateway_restarted")
    if run.state.paused is None:
        run.again(at)
    return run.outcome()


class _Run(Calling):
    """One step: whose answer was heard, and what follows."""

    def _hear(self, heard: Understood) -> None:
        if heard.hides is not None:
            self.obstruct(heard.hides)
        else:
            self._attribute(heard)
        if heard.emergency:
            self._pause("emergency")
        self._settle_turn(heard)

    def _attribute(self, heard: Understood) -> None:
        items, in_turn = self.state.sheet.items, self._in_turn(heard.reply)
        speaker = heard.unit_id
        for_unit, reply = heard.stood_in_for(in_turn)
        if for_unit is not None and for_unit in items:
            self._record(for_unit, reply, "answered_by_other", by=speaker)
        elif heard.stands_in and (speaker is None or speaker not in {in_turn, heard.for_unit}):
            return
        elif speaker is not None:
            if speaker in items and (heard.answers or speaker == in_turn):
                # Whom it stands in for was not heard: it has answered all the same, and a person looks at it.
                reply = _doubted(reply, "stood_in_for_whom") if heard.stands_in else reply
                reply = _doubted(reply, "reported_emergency") if heard.emergency else reply
                self._record(speaker, reply, self._own_outcome(speaker, reply))
        elif not heard.emergency:
            self._attribute_unnamed(heard, in_turn)

    def _attribute_unnamed(self, heard: Understood, in_turn: str | None) -> None:
        """Whose turn it is answers, where nothing speaks against it."""
        if heard.candidates and heard.answers and in_turn not in heard.candidates:
            self._perhaps(heard, in_turn)
        elif in_turn is None:
            return
        elif not heard.reply.readable:
            self._record(in_turn, _doubted(heard.reply, "unreadable"), "unreadable")
        elif in_turn in heard.candidates:
            self._record(in_turn, _doubted(heard.reply, "caller_ambiguous"), "answered")
        elif heard.answers:
            self._record(in_turn, _doubted(heard.reply, "caller_not_named"), "answered")

    def _perhaps(self, heard: Understood, in_turn: str | None) -> None:
        """An answer by one of several, none of them in turn: a person has to tell whose it is.

        A name that was misheard must cost neither the unit in turn nor one that answers late its answer.
        """
        items = self.state.sheet.items
        called = [unit_id for unit_id in heard.candidates if unit_id in items and items[unit_id].calls]
        for unit_id in dict.fromkeys((*called, *([in_turn] if in_turn is not None else []))):
            if not items[unit_id].has_answered:
                self._record(unit_id, _doubted(heard.reply, "caller_ambiguous"), "unreadable")

    def _in_turn(self, reply: Reply) -> str | None:
        """The unit that was waited for when the reply began, None when nobody or everybody was."""
        state = self.state
        if state.current is None or state.paused is not None or state.phase not in WITH_ONE_UNIT:
            return None
        calls = state.sheet.items[state.current].calls
        begun = bool(calls) and (reply.began_at - calls[-1].ended_at).total_seconds() >= -OVERLAP_S
        in_time = state.deadline is None or reply.began_at <= state.deadline
        return state.current if begun and in_time else None

    def _own_outcome(self, unit_id: str, reply: Reply) -> RollcallOutcome:
        """Late is what began after the turn was over, however long it took to be understood."""
        over = self.state.turn_over.get(unit_id)
        return "answered_late" if over is not None and reply.began_at > over else "answered"

    def _record(self, unit_id: str, reply: Reply, outcome: RollcallOutcome, *, by: str | None = None) -> None:
        before = self.state.sheet.items[unit_id]
        after = before.answered(reply, outcome, by=by)
        if after != before:
            sheet, item = self.state.sheet.published(after)
            self.update(sheet=sheet)
            self.tell("answered", item)

    def _settle_turn(self, heard: Understood) -> None:
        """Go on when the unit in turn has answered; give back the time that somebody else's words took."""
        state = self.state
        if state.paused is not None or state.phase not in WAITING or state.saying:
            return
        at = heard.reply.ended_at
        if state.phase == "last_waiting" and not self.missing():
            self.speak("closing", at)
            return
        if state.phase != "last_waiting" and state.current is not None:
            item = state.sheet.items[state.current]
            if item.has_answered and (state.phase == "waiting" or item.present is not None):
                wants_count = state.plan.ask_headcount and item.present is None and not state.asked
                self.update(asked=True)
                self.speak("asking" if wants_count else "acknowledging", at)
                return
        assert state.deadline is not None
        if heard.reply.began_at <= state.deadline:
            taken = heard.reply.ended_at - heard.reply.began_at
            self.update(deadline=state.deadline + taken)
        assert self.state.deadline is not None
        self._actions.append(Wake(max(self.state.deadline, at)))


def _doubted(reply: Reply, reason: str) -> Reply:
    return reply.model_copy(update={"review_reasons": (*reply.review_reasons, reason)})
