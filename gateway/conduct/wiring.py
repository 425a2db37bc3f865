"""Puts one radio's roll-call together."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.clock import IdSource
from gateway.conduct.conductor import Conductor
from gateway.conduct.radiorollcall import RadioRollcall
from gateway.conduct.seams import Alarm, Voice
from gateway.conduct.timeline import Timeline
from gateway.events import ClockReading, CloudEvent
from gateway.publish.topics import rollcall_suffix
from gateway.rollcall.listening import Follower
from gateway.store.store import Store

STORE_ACTION = "free disk space in data_dir; the roll-call waits"


def radio_rollcall(
    radio_id: str,
    voice: Voice | None,
    store: Store,
    ids: IdSource,
    read_clock: Callable[[], ClockReading],
    *,
    follower: Follower | None = None,
    on_events: Callable[[list[CloudEvent]], None],
    publish_state: Callable[[str, Mapping[str, Any] | None], None],
    on_fault: Callable[[str, str, str], None],
    on_recovered: Callable[[str], None],
    alarm: Alarm | None = None,
) -> RadioRollcall:
    """Return what follows roll-calls on a radio, and holds them where it has a voice."""
    timeline = Timeline(ids.clock)
    what = f"rollcall/{radio_id}/store"

    def show(rollcall_id: str, document: Mapping[str, Any] | None) -> None:
        publish_state(rollcall_suffix(rollcall_id), document)

    def trouble(message: str | None) -> None:
        if message is None:
            on_recovered(what)
        else:
            on_fault(what, message, STORE_ACTION)

    conductor = (
        Conductor(
            radio_id, voice, store, ids, timeline, read_clock,
            on_events=on_events, show=show, on_trouble=trouble, alarm=alarm,
        )
        if voice is not None
        else None
    )  # fmt: skip
    return RadioRollcall(
        radio_id, timeline, ids.new, read_clock, follower=follower, conductor=conductor, show=show
    )
