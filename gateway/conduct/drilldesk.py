"""`drill-start` and `drill-cancel`: from what a dispatcher asks to a drill on the air."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gateway.clock import IdSource
from gateway.conduct.office import RollcallOffice
from gateway.config import DrillSettings
from gateway.publish.commands import RefusedCommand
from gateway.publish.requests import DrillCancel, DrillStart, RollcallCancel, RollcallList
from gateway.rollcall.scenario import DrillPlan, Scenario, choose_muster, choose_scenario
from gateway.store.store import Store
from gateway.understand.registry import Registry


class DrillDesk:
    """Carries drill commands out, on the radios of the roll-call office. On the asyncio loop."""

    def __init__(
        self, office: RollcallOffice, store: Store, settings: DrillSettings, command_post: str, ids: IdSource
    ) -> None:
        self._office = office
        self._store = store
        self._settings = settings
        self._command_post = command_post
        self._ids = ids
        self._own = tuple(Scenario.model_validate(one.model_dump()) for one in settings.scenario)

    @property
    def carriers(self) -> dict[str, Callable[[Any], Awaitable[Mapping[str, Any]]]]:
        """What carries each command out."""
        return {"drill-start": self.start, "drill-cancel": self.cancel}

    async def start(self, request: DrillStart) -> Mapping[str, Any]:
        """Hold a drill now."""
        registry = Registry(tuple(await self._store.units()))
        plan = await self._office.hold(request.radio, lambda radio: self._plan(request, registry, radio))
        assert isinstance(plan, DrillPlan)
        return {
            "drill_id": plan.drill_id,
            "radio": plan.radio,
            "scenario": plan.scenario.code,
            "place": plan.place,
            "reach": plan.reach,
            "units": {
                role: [unit.unit_id for unit in plan.units if unit.role == role]
                for role in ("point", "line", "area")
            },
            "excused": [unit.unit_id for unit in plan.excused],
        }

    async def cancel(self, request: DrillCancel) -> Mapping[str, Any]:
        """End a drill before its time."""
        going_on = (await self._office.desk.list_open(RollcallList()))["rollcalls"]
        fitting = [
            one["rollcall_id"]
            for one in going_on
            if one["kind"] == "drill" and one["rollcall_id"].startswith(request.drill_id or "")
        ]
        if not fitting:
            raise RefusedCommand("not_found", "no such drill goes on; see rollcall-list")
        if len(fitting) > 1:
            raise RefusedCommand("malformed", f"several drills go on: {', '.join(fitting)}; say which")
        done = await self._office.desk.cancel(RollcallCancel(rollcall_id=fitting[0], by=request.by))
        return {"drill_id": done["rollcall_id"], "radio": done["radio"], "state": done["state"]}

    def _plan(self, request: DrillStart, registry: Registry, radio: str) -> DrillPlan:
        settings = self._settings
        try:
            scenario = self._scenario(request)
            units, excused = choose_muster(registry, request.unit_id, request.reach, request.lines)
            return DrillPlan(
                drill_id=self._ids.new(),
                radio=radio,
                command_post=self._command_post,
                scenario=scenario,
                place=request.place or units[0].name,
                reach=request.reach,
                units=units,
                excused=excused,
                by=request.by,
                phrases=settings.phrases,
                limits_s={
                    "point": settings.self_rescue_s,
                    "line": settings.mutual_aid_s,
                    "area": settings.reinforcement_s,
                },
                orders_per_unit=settings.orders_per_unit,
                names_per_order=settings.names_per_order,
                gather_s=settings.gather_s,
                grace_s=settings.grace_s,
                ask_report=settings.ask_report,
            )
        except ValueError as error:
            raise RefusedCommand("malformed", str(error)) from None

    def _scenario(self, request: DrillStart) -> Scenario:
        """The scenario asked for, or one made of the request's own text."""
        if request.text is None:
            return choose_scenario(request.scenario, self._own)
        label = "自定" if request.scenario == "own" else request.scenario[:40]
        return Scenario(code="own", label=label, text=request.text)
