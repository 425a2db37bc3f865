"""What a conductor holds, roll-call (点名) or drill (拉动): one set of questions for both. Pure."""

from datetime import datetime
from typing import Final

from gateway.conduct.keeping import HeldState
from gateway.events import ClockReading, RollcallSnapshot
from gateway.rollcall import drill, engine
from gateway.rollcall.drillhearing import drill_happenings
from gateway.rollcall.drillsnapshot import drill_snapshot
from gateway.rollcall.happenings import Action, DrillAction, Event, Tell, TellDrill
from gateway.rollcall.hearing import happenings
from gateway.rollcall.overheard import Overheard, RollcallChange
from gateway.rollcall.plan import Plan
from gateway.rollcall.rollcallevents import rollcall_snapshot
from gateway.rollcall.scenario import DrillPlan

HeldPlan = Plan | DrillPlan
HeldStep = tuple[HeldState, tuple[Action | DrillAction, ...]]
UNITS_AHEAD: Final = 3
"""So many units' prompts are rendered before their turn."""
_PREPARED: Final = ("call", "ask_headcount", "acknowledge")
_REPORTS: Final = frozenset({"ack_received", "ack_wilco", "arrived"})
_LATE_EXPECTED: Final = 2
"""So many of the units called last may still answer."""
_EXPECTED_AT_MOST: Final = 30


def begin(plan: HeldPlan, at: datetime) -> HeldStep:
    """Start what is planned."""
    return drill.begin(plan, at) if isinstance(plan, DrillPlan) else engine.begin(plan, at)


def step(state: HeldState, event: Event) -> HeldStep:
    """Take one thing that happened."""
    return drill.step(state, event) if isinstance(state, drill.State) else engine.step(state, event)


def resume_after_restart(state: HeldState, at: datetime) -> HeldStep:
    """Go on in a new process."""
    if isinstance(state, drill.State):
        return drill.resume_after_restart(state, at)
    return engine.resume_after_restart(state, at)


def id_of(state: HeldState) -> str:
    """The roll-call's or drill's id."""
    return state.muster.drill_id if isinstance(state, drill.State) else state.sheet.rollcall_id


def is_rollcall(state: HeldState) -> bool:
    """Whether it is a roll-call and no drill."""
    return isinstance(state, engine.State)


def is_over(state: HeldState) -> bool:
    """Whether nothing more will be said or recorded of it."""
    return state.phase == "finished"


def is_news(before: HeldState, state: HeldState) -> bool:
    """Whether a step changed something that a new process must know."""
    if isinstance(state, drill.State) and isinstance(before, drill.State):
        known = (before.phase, before.paused, before.orders)
        return state.muster is not before.muster or (state.phase, state.paused, state.orders) != known
    if isinstance(state, engine.State) and isinstance(before, engine.State):
        return state.sheet is not before.sheet or (state.phase, state.paused) != (before.phase, before.paused)
    return True


def hear(heard: Overheard, state: HeldState) -> tuple[Event, ...]:
    """What one transmission means to it."""
    if isinstance(state, drill.State):
        return drill_happenings(heard, paused=state.paused is not None)
    return happenings(heard, state.current, paused=state.paused is not None)


def changes_of(actions: tuple[Action | DrillAction, ...]) -> tuple[RollcallChange | TellDrill, ...]:
    """What is to be published."""
    return tuple(
        action if isinstance(action, TellDrill) else RollcallChange(action.verb, action.sheet, action.item)
        for action in actions
        if isinstance(action, Tell | TellDrill)
    )


def takes_answer(changes: tuple[RollcallChange | TellDrill, ...]) -> tuple[bool, bool]:
    """Whether a transmission that moved this belongs to it, and whether it is an answer of its own."""
    lines = [change.item for change in changes if isinstance(change, RollcallChange)]
    members = [change.member for change in changes if isinstance(change, TellDrill)]
    verbs = {change.verb for change in changes}
    outcomes = [line.outcome for line in (*lines, *members) if line is not None]
    belongs = bool(verbs & {"answered", "arrived"})
    return belongs, belongs and any(outcome not in {None, "unreadable"} for outcome in outcomes)


def is_report(state: HeldState, heard: Overheard) -> bool:
    """Whether a transmission reports in a drill, though it may say nothing new: then it is no check-in."""
    if not isinstance(state, drill.State) or state.paused is not None:
        return False
    unit_id = heard.utterance.unit_id
    return unit_id in state.muster.members or (unit_id is None and bool(heard.utterance.acts & _REPORTS))


def in_turn(state: HeldState) -> str | None:
    """The unit whose turn it is, None in a drill, in a pause or between two turns."""
    return state.current if isinstance(state, engine.State) and state.paused is None else None


def expected_of(state: HeldState) -> frozenset[str]:
    """Units that are likely to speak now."""
    if state.paused is not None:
        return frozenset()
    if isinstance(state, drill.State):
        waited_for = [member.unit_id for member in state.muster.pending]
        return frozenset(waited_for) if len(waited_for) <= _EXPECTED_AT_MOST else frozenset()
    if state.phase == "last_waiting":
        missing = [u for u, item in state.sheet.items.items() if item.outcome is None]
        return frozenset(missing) if len(missing) <= _EXPECTED_AT_MOST else frozenset()
    items = state.sheet.items
    late = [unit_id for unit_id in state.turn_over if not items[unit_id].has_answered][-_LATE_EXPECTED:]
    return frozenset([*late, state.current] if state.current is not None else late)


def texts_of(state: HeldState) -> list[str]:
    """What will be said soon, the next first."""
    plan = state.plan
    if isinstance(plan, DrillPlan):
        orders = state.orders[:UNITS_AHEAD] if isinstance(state, drill.State) else ()
        return [plan.say("open"), *(plan.order_text(order) for order in orders), plan.say("close")]
    assert isinstance(state, engine.State)
    if state.current is None:
        units = state.queue[:UNITS_AHEAD]
        texts = [plan.say("open"), plan.say("last_call"), plan.say("close")]
    else:
        units, texts = (state.current, *state.queue[:UNITS_AHEAD]), []
    return texts + [plan.say(purpose, unit_id) for unit_id in units for purpose in _PREPARED]


def snapshot_of(state: HeldState, at: datetime, clock: ClockReading) -> RollcallSnapshot:
    """How far it has come, for its retained topic."""
    if isinstance(state, drill.State):
        return drill_snapshot(state.muster, at, clock, phase=state.phase, paused=state.paused)
    return rollcall_snapshot(
        state.sheet,
        at,
        clock,
        phase=state.phase,
        paused=state.paused,
        in_turn=state.current,
        calls=state.calls,
        round_=state.round,
    )


def exercise_of(state: HeldState | None) -> str | None:
    """The id of the drill that makes everything heard now an exercise; None in a roll-call or a pause."""
    if isinstance(state, drill.State) and state.paused is None:
        return state.muster.drill_id
    return None
