"""What `cmd/<name>` is asked with and what it answers. Pure.

These models are the published contract of the commands: add fields freely, rename or remove none.
"""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from gateway.events import Timestamp

Code = Literal[
    "retained", "unknown", "not_allowed", "too_many", "malformed", "expired", "replayed",
    "not_in_this_version", "not_found", "busy", "unavailable", "failed",
]  # fmt: skip
Line = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Identity = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Sequence = (
    Annotated[int, Field(ge=0, lt=1 << 62)] | Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}$")]
)
"""A number, or the digits as events carry them."""
Lines = Annotated[tuple[Line, ...], Field(max_length=50)]


class CommandRequest(BaseModel):
    """What every request may carry; the fields of its own come on top. An empty payload stands for `{}`.

    `id` names the request and is taken once only. `reply_to` says where the answer goes when the message has
    no Response Topic: one topic level for `rsp/<level>`, or a whole topic. Times are RFC 3339 with an offset.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    id: Identity | None = None
    reply_to: Line | None = None
    sent_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    by: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$")] = (
        "dispatcher"
    )
    """Who asks, for the incident's timeline and the audit."""


class Ping(CommandRequest):
    """Is the gateway there? Changes nothing."""


class IncidentAck(CommandRequest):
    """A dispatcher has taken note of an incident."""

    incident_id: Identity


class IncidentClose(CommandRequest):
    """A dispatcher ends an incident; `cancelled` when it was a false alarm."""

    incident_id: Identity
    cancelled: bool = False


class Resync(CommandRequest):
    """Publish events again, both ends included, marked `replayed`; without `to_sequence` up to the newest."""

    from_sequence: Sequence
    to_sequence: Sequence | None = None


class UnitSet(CommandRequest):
    """Change one unit: 新增 adds, 编辑 changes the fields given, 放假, 停用 and 启用 set its state.

    The fields are the registry's columns; null empties one.
    """

    action: Literal[
        "add", "edit", "holiday", "disable", "activate", "新增", "编辑", "放假", "停用", "启用"
    ]  # fmt: skip
    unit_id: Identity
    name: Line | None = None
    aliases: Lines | None = None
    unit_class: Line | None = None
    street: Line | None = None
    lat: float | None = None
    lon: float | None = None
    duty_headcount: int | None = None
    state: Literal["active", "holiday", "disabled"] | None = None
    callsign: Line | None = None
    radio_id: Lines | None = None
    neighbours: Lines | None = None
    phone: Line | None = None
    leader: Line | None = None


class DrillStart(CommandRequest):
    """Hold a drill (拉动) now, at one unit, with its neighbours (line) or several lines (area).

    `scenario` is the code or label of a shipped scenario or one of the station's; `text` plays something of
    its own instead. `place` is where it is played, the unit's name when left out. `lines` are units whose
    lines join in an area. `radio` is needed where a gateway has several.
    """

    unit_id: Identity
    scenario: Line = "own"
    text: Annotated[str, StringConstraints(min_length=1, max_length=120)] | None = None
    place: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    reach: Literal["point", "line", "area"] = "line"
    lines: Lines = ()
    radio: Identity | None = None


class DrillCancel(CommandRequest):
    """End a drill before its time; what was not decided by then stays undecided.

    Without `drill_id` the one that is held; it is needed where several are.
    """

    drill_id: Identity | None = None


class RollcallStart(CommandRequest):
    """Hold a roll-call (点名) now. What is not given is as the configuration says; times are seconds.

    Without `radio` every radio calls the units of its own streets, side by side. Units that are on holiday or
    disabled are excused. `sample` draws so many at random.
    """

    radio: Line | None = None
    streets: Lines = ()
    classes: Annotated[tuple[Literal["A", "B", "C", "D"], ...], Field(max_length=4)] = ()
    units: Annotated[tuple[Line, ...], Field(max_length=3000)] = ()
    sample: Annotated[int, Field(ge=1)] | None = None
    order: Literal["registry", "as_listed", "random"] | None = None
    calls: Annotated[int, Field(ge=1, le=10)] | None = None
    wait_s: Annotated[float, Field(gt=0, le=600)] | None = None
    rounds: Annotated[int, Field(ge=1, le=10)] | None = None
    last_call_s: Annotated[float, Field(ge=0, le=600)] | None = None
    ask_headcount: bool | None = None


class _OneRollcall(CommandRequest):
    """Which roll-call is meant, by its id or its radio; the only one that goes on when neither is given."""

    rollcall_id: Identity | None = None
    radio: Line | None = None


class RollcallCancel(_OneRollcall):
    """End a roll-call now; who has not answered is neither here nor there. Also one that is held by voice."""


class RollcallPause(_OneRollcall):
    """Say nothing more in a roll-call until it is resumed."""


class RollcallResume(_OneRollcall):
    """Go on with a roll-call that was paused, by a person or by an emergency."""


class RollcallList(CommandRequest):
    """Which roll-calls go on, and when the next begins by itself? Changes nothing."""


class Say(CommandRequest):
    """Say this on the air once the channel is free. Answered when PTT is released, or with why it was not.

    `radio` may be left out where only one can speak. Urgent goes before what waits.
    """

    text: Line
    radio: Identity | None = None
    priority: Literal["routine", "urgent"] = "routine"


ANSWER_CONTENT_TYPE = "application/json"


class Answer(BaseModel):
    """What every request gets: done with a result, or refused with a code for programs and a reason."""

    model_config = ConfigDict(frozen=True)

    id: str | None
    """The request's own."""
    command: str
    gateway: str
    """The CloudEvents source of this gateway."""
    at: Timestamp
    ok: bool
    code: Code | None = None
    reason: str | None = None
    result: dict[str, Any] | None = None


REQUESTS: dict[str, type[CommandRequest]] = {
    "say": Say,
    "ping": Ping,
    "unit-set": UnitSet,
    "incident-ack": IncidentAck,
    "incident-close": IncidentClose,
    "resync": Resync,
    "drill-start": DrillStart,
    "drill-cancel": DrillCancel,
    "rollcall-start": RollcallStart,
    "rollcall-cancel": RollcallCancel,
    "rollcall-pause": RollcallPause,
    "rollcall-resume": RollcallResume,
    "rollcall-list": RollcallList,
}
"""What each command is asked with."""
TAKE_THEIR_TIME = frozenset({"say"})
"""Commands that are carried out beside the others, which would else wait for them."""
CHANGES_NOTHING = frozenset({"ping", "resync", "rollcall-list"})
