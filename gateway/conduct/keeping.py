"""A roll-call's state as the store keeps it: plan, head and changed lines apart. Pure.

A roll-call of 2,702 units is megabytes of JSON, and each step of it changes one line: so only that is
written.
"""

from pydantic import ValidationError

from gateway.errors import BadInput
from gateway.rollcall import drill
from gateway.rollcall.engine import State
from gateway.rollcall.muster import Member
from gateway.rollcall.plan import Plan
from gateway.rollcall.scenario import DrillPlan
from gateway.rollcall.sheet import Item
from gateway.store.rollcalls import RollcallRecord

HeldState = State | drill.State
"""A roll-call or a drill, as far as it has come."""


def record_of(before: HeldState | None, after: HeldState) -> RollcallRecord:
    """Return what is to be stored to get from `before`, None when nothing is stored yet, to `after`."""
    if isinstance(after, drill.State):
        return _drill_record(before if isinstance(before, drill.State) else None, after)
    return _rollcall_record(before if isinstance(before, State) else None, after)


def _drill_record(before: drill.State | None, after: drill.State) -> RollcallRecord:
    """Return what changed; one that is over is kept until the incidents played in it are ended, too."""
    muster = after.muster
    known = before.muster.members if before is not None else {}
    changed = {
        unit_id: member.model_dump_json()
        for unit_id, member in muster.members.items()
        if member is not known.get(unit_id)
    }
    head = after.model_dump_json(exclude={"plan": True, "muster": {"members"}})
    plan = after.plan.model_dump_json() if before is None else None
    return RollcallRecord(muster.drill_id, muster.radio, head, plan, changed)


def _rollcall_record(before: State | None, after: State) -> RollcallRecord:
    sheet = after.sheet
    if after.phase == "finished":
        return RollcallRecord(sheet.rollcall_id, sheet.radio, is_over=True)
    known = before.sheet.items if before is not None else {}
    changed = {
        unit_id: item.model_dump_json()
        for unit_id, item in sheet.items.items()
        if item is not known.get(unit_id) and (before is not None or item.calls or item.outcome is not None)
    }
    head = after.model_dump_json(exclude={"plan": True, "sheet": {"items"}})
    plan = after.plan.model_dump_json() if before is None else None
    return RollcallRecord(sheet.rollcall_id, sheet.radio, head, plan, changed)


def state_of(record: RollcallRecord) -> HeldState:
    """Put a stored roll-call or drill together again.

    Raises:
        BadInput: another version of radio-gateway stored it, and it cannot be read.
    """
    if (record.plan or "").startswith('{"drill_id"'):
        return _drill_state(record)
    try:
        plan = Plan.model_validate_json(record.plan or "")
        state = State.model_validate_json(_with_plan(record.head, record.plan or ""))
        items = dict(plan.blank_sheet(state.sheet.started_at.isoformat()).items)
        items |= {unit_id: Item.model_validate_json(item) for unit_id, item in record.items.items()}
    except ValidationError as error:
        raise BadInput(f"the stored roll-call {record.rollcall_id} cannot be read: {error}") from None
    return state.model_copy(update={"sheet": state.sheet.with_(items=items)})


def _drill_state(record: RollcallRecord) -> drill.State:
    try:
        plan = DrillPlan.model_validate_json(record.plan or "")
        state = drill.State.model_validate_json(_with_plan(record.head, record.plan or ""))
        told = {unit_id: Member.model_validate_json(member) for unit_id, member in record.items.items()}
    except ValidationError as error:
        raise BadInput(f"the stored drill {record.rollcall_id} cannot be read: {error}") from None
    order = [unit.unit_id for unit in (*plan.units, *plan.excused)]
    members = {unit_id: told[unit_id] for unit_id in order if unit_id in told}
    return state.model_copy(update={"muster": state.muster.with_(members=members)})


def _with_plan(head: str, plan: str) -> str:
    return '{"plan":' + plan + "," + head.removeprefix("{")
