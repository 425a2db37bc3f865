"""A roll-call's state as the store keeps it: plan, head and changed lines apart. Pure.

A roll-call of 2,702 units is megabytes of JSON, and each step of it changes one line: so only that is
written.
"""

from pydantic import ValidationError

from gateway.errors import BadInput
from gateway.rollcall.engine import State
from gateway.rollcall.plan import Plan
from gateway.rollcall.sheet import Item
from gateway.store.rollcalls import RollcallRecord


def record_of(before: State | None, after: State) -> RollcallRecord:
    """Return what is to be stored to get from `before`, None when nothing is stored yet, to `after`."""
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


def state_of(record: RollcallRecord) -> State:
    """Put a stored roll-call together again.

    Raises:
        BadInput: another version of radio-gateway stored it, and it cannot be read.
    """
    try:
        plan = Plan.model_validate_json(record.plan or "")
        state = State.model_validate_json(_with_plan(record.head, record.plan or ""))
        items = dict(plan.blank_sheet(state.sheet.started_at.isoformat()).items)
        items |= {unit_id: Item.model_validate_json(item) for unit_id, item in record.items.items()}
    except ValidationError as error:
        raise BadInput(f"the stored roll-call {record.rollcall_id} cannot be read: {error}") from None
    return state.model_copy(update={"sheet": state.sheet.with_(items=items)})


def _with_plan(head: str, plan: str) -> str:
    return '{"plan":' + plan + "," + head.removeprefix("{")
