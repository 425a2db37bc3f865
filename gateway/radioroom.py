"""The station's radios: made from the configuration, with what an earlier run left to each of them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from drivers.base import AudioSink, AudioSource, DeviceMisused, RadioControl
from drivers.registry import make_control, make_sink, make_source
from drivers.sharedcontrol import SharedControl
from gateway.alarms import Alarms
from gateway.clock import Clock, IdSource
from gateway.conduct.radiorollcall import RadioRollcall
from gateway.config import Config, DeviceSettings, RadioSettings
from gateway.errors import BadConfig
from gateway.events import ClockReading, CloudEvent
from gateway.hear.capture import CaptureEvent
from gateway.interpreter import Knowledge
from gateway.knowledge import heard_before, line_limits_of, squelch_of
from gateway.leftovers import FormerSource, left_over
from gateway.listener import Listen
from gateway.pipeline import RadioPipeline
from gateway.radio import Foretell, Radio
from gateway.store.spool import Spool
from gateway.store.store import Store
from gateway.understand.conversation import Conversation

log = structlog.get_logger()
State = TypeVar("State", bound=BaseModel)

HUNG_DEVICE_S = 30.0
"""A driver that does not return from one read or open for so long never will; a restart frees the device."""
STORE_RETRY_S = 5.0

Devices = tuple[AudioSource, RadioControl | None, AudioSink]


class RadioRoom:
    """Every radio and its pipeline, by its id. On one asyncio loop: `take_up`, `add`, `start`, `stop`."""

    def __init__(
        self,
        config: Config,
        store: Store,
        spool: Spool,
        alarms: Alarms,
        clock: Clock,
        ids: IdSource,
        read_clock: Callable[[], ClockReading],
        *,
        knowledge: Callable[[], Knowledge],
        listen: Listen,
        on_report: Callable[[CaptureEvent], None],
        on_events: Callable[[list[CloudEvent]], None],
        on_foretold: Foretell,
    ) -> None:
        """Wire it up; no radio is made yet."""
        self._on_foretold = on_foretold
        self._config = config
        self._store = store
        self._spool = spool
        self._alarms = alarms
        self._clock = clock
        self._ids = ids
        self._read_clock = read_clock
        self._knowledge = knowledge
        self._listen = listen
        self._on_report = on_report
        self._on_events = on_events
        self.radios: dict[str, Radio] = {}
        self.pipelines: dict[str, RadioPipeline] = {}
        self.running: dict[str, asyncio.Task[None]] = {}
        self._conversations: Mapping[str, str] = {}
        self._followers: Mapping[str, str] = {}
        self._heard_before: Mapping[str, list[float]] = {}

    async def take_up(self) -> None:
        """Read what an earlier run left; before the first radio is added."""
        self._conversations = await self._store.conversations()
        self._followers = await self._store.followers()
        self._heard_before = await heard_before(self._store, self._clock)

    def devices_of(self, settings: RadioSettings) -> Devices:
        """Make a radio's devices, not yet open; the control is None when the radio has none.

        Raises:
            BadConfig: a driver cannot be used like this.
        """
        folder, control = self._config.folder, settings.control
        try:
            return (
                make_source(settings.source.kind, settings.source.options, folder),
                SharedControl(make_control(control.kind, control.options, folder))
                if control.kind != "none"
                else None,
                make_sink(settings.sink.kind, settings.sink.options, folder),
            )
        except DeviceMisused as error:
            raise BadConfig([f"radio[{settings.id}]: {error}"]) from None

    def follower_of(self, radio_id: str, kind: type[State]) -> State | None:
        """Return the roll-call that a radio followed in an earlier run, None when it followed none."""
        return self._restored(kind, self._followers.get(radio_id))

    def add(
        self,
        settings: RadioSettings,
        source: AudioSource,
        control: RadioControl | None,
        rollcall: RadioRollcall | None,
    ) -> tuple[Radio, RadioPipeline]:
        """Make a radio and its pipeline, which goes on with the conversation of an earlier run."""
        pipeline = RadioPipeline(
            settings.id,
            streets=frozenset(settings.streets),
            knowledge=self._knowledge,
            listen=self._listen,
            store=self._store,
            ids=self._ids,
            read_clock=self._read_clock,
            conversation=self._restored(Conversation, self._conversations.get(settings.id)),
            rollcall=rollcall,
        )
        radio = Radio(
            settings.id,
            source,
            pipeline,
            control=control,
            spool=self._spool,
            settled=self._spool.settled,
            read_audio=self._spool.read,
            squelch=squelch_of(settings.squelch),
            line_limits=line_limits_of(settings.alarms),
            earlier_faults=self._alarms.of_radio(settings.id),
            heard_before_s=self._heard_before.get(settings.id, ()),
            clock=self._clock,
            retry_s=STORE_RETRY_S,
            on_report=self._on_report,
            on_events=self._on_events,
            on_foretold=self._on_foretold,
        )
        self.pipelines[settings.id], self.radios[settings.id] = pipeline, radio
        return radio, pipeline

    async def bring_back(self) -> None:
        """Queue what an earlier run heard and did not understand, in the order it was heard."""
        tell = lambda notice: self._alarms.fault(notice.what, notice.message, notice.action)  # noqa: E731
        for transmission, kept in await left_over(self._store, self._spool, tell):
            if transmission.radio_id not in self.radios:
                former = RadioSettings(id=transmission.radio_id, source=DeviceSettings(kind="none"))
                self.add(former, FormerSource(), None, None)
            self.radios[transmission.radio_id].take_later(transmission, kept)
            log.warning("heard in an earlier run, taken up again", transmission=transmission.id)

    def start(self) -> None:
        """Begin to listen on every radio."""
        for radio_id, radio in self.radios.items():
            radio.start()
            self.running[radio_id] = asyncio.create_task(radio.run(), name=f"radio-{radio_id}")

    def hung(self) -> list[str]:
        """Return the radios whose driver has not returned for so long that it never will."""
        return [name for name, radio in self.radios.items() if radio.stuck_for_s > HUNG_DEVICE_S]

    async def stop(self, within_s: float) -> None:
        """Stop to listen, complete what is open, and give what waits to be understood so much time."""
        listening = (asyncio.to_thread(radio.stop_listening) for radio in self.radios.values())
        await asyncio.gather(*listening, return_exceptions=True)
        if self.running:
            await asyncio.wait(self.running.values(), timeout=within_s)

    def _restored(self, kind: type[State], stored: str | None) -> State | None:
        """Take up what an earlier run stored; what another version cannot read is told, and begun anew."""
        if stored is None:
            return None
        try:
            return kind.model_validate_json(stored)
        except ValidationError as error:
            message = f"the stored {kind.__name__.lower()} cannot be read and is begun anew: {error}"
            self._alarms.fault("conversation", message, "close what was open by hand")
            return None
