"""The daemon: what is wired to what, in which order it starts, and in which order it stops.

    radios ─► pipelines ─► store ─► pump ─► link
       ▲          ▲
    capture    decode pool (voice detector and recogniser, loaded while the radios already listen)

The asyncio loop owns all state. Stop order: radios stop listening and complete what is open; what waits to be
understood gets a deadline; the pump delivers what it can; the link says goodbye; the store closes last.
What had no turn is in the spool and in the outbox, and goes on at the next start.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from drivers.base import AudioSource, DeviceMisused, RadioControl
from drivers.registry import make_control, make_sink, make_source
from drivers.sharedcontrol import SharedControl
from gateway import __version__
from gateway.alarms import Alarms
from gateway.clock import IdSource, SystemClock
from gateway.conduct.drilldesk import DrillDesk
from gateway.conduct.mouth import Mouth
from gateway.conduct.office import RollcallOffice
from gateway.conduct.radiorollcall import RadioRollcall
from gateway.config import Config, DeviceSettings, RadioSettings
from gateway.decodepool import MOST_LEFT_BEHIND, DecodeHung, DecodePool
from gateway.desk import Desk
from gateway.errors import BadConfig, BadInput, GatewayError, MissingInput, StoreDamaged, Unavailable
from gateway.events import CloudEvent
from gateway.faultpoints import passing
from gateway.health import WRITTEN_EVERY_S, health_document, write_health, write_stopped
from gateway.hear.capture import CaptureEvent, Completed, Ended, Fault, Opened, Recovered
from gateway.housekeeping import LOOK_EVERY_S, SWEEP_EVERY_S, Housekeeping
from gateway.knowledge import build_knowledge, heard_before, line_limits_of, read_lexicon, squelch_of
from gateway.leftovers import FormerSource, left_over
from gateway.mapping import MapKeeper
from gateway.metrics import MetricsPort
from gateway.model import Pcm
from gateway.pipeline import Heard, Knowledge, Listener, RadioPipeline
from gateway.publish.broker import Broker
from gateway.publish.commandport import CommandPort
from gateway.publish.commands import Gatekeeper
from gateway.publish.homeassistant import Discovery, discovery_documents
from gateway.publish.lanes import OutboxRow
from gateway.publish.link import LinkState, PahoLink
from gateway.publish.pump import Pump
from gateway.publish.resync import Replay
from gateway.publish.topics import incident_suffix
from gateway.radio import Radio
from gateway.remedies import HUNG_ACTION, RIVAL_ACTION, SOURCE_ACTION, SPOOL_ACTION, action_for, is_watched
from gateway.rollcall.listening import Follower
from gateway.speaking import Speaking
from gateway.station import read_units_file
from gateway.store.ledger import CommandLedger
from gateway.store.spool import Spool
from gateway.store.store import Store
from gateway.supervise import Pulse, ServiceLink
from gateway.timekeeping import ClockReader
from gateway.understand.conversation import Conversation, to_snapshot

log = structlog.get_logger()
State = TypeVar("State", bound=BaseModel)

DRAIN_S = 10.0
"""What waits to be understood gets this long when the daemon stops."""
GOODBYE_S = 5.0
HUNG_DEVICE_S = 30.0
"""A driver that does not return from one read or open for so long never will; a restart frees the device."""
STORE_RETRY_S = 5.0


class Daemon:
    """The gateway as a service. Use from one asyncio loop: `start`, `wait`, `stop`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._clock = SystemClock()
        self._ids = IdSource(self._clock)
        self._read_clock = ClockReader(self._clock)
        self._started_at = self._clock.now()
        self._lexicon = read_lexicon(config.understand.lexicon)
        self._broker = Broker.from_settings(config.mqtt)
        self._pool = DecodePool(config.recognise.decode_within_s)
        self._spool = Spool(config.gateway.data_dir)
        self._radios: dict[str, Radio] = {}
        self._pipelines: dict[str, RadioPipeline] = {}
        self._radio_states: dict[str, dict[str, Any]] = {}
        self._last_heard: dict[str, str] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._chores: list[asyncio.Task[None]] = []
        self._knowledge: Knowledge | None = None
        self._units_revision: int | None = None
        self._indexing = asyncio.Lock()
        self._loaded: Listener | None = None
        self._listener: asyncio.Task[Listener] | None = None
        self._stopping = asyncio.Event()
        self._service = ServiceLink()
        self._broken: list[str] = []
        """Sources that ended by a fault, for those who wait until all is done."""

    async def start(self) -> None:
        """Open the store, index the registry, start the link, listen. The model loads meanwhile.

        Raises:
            StoreUnavailable, BadInput, MissingInput, BadConfig: the gateway cannot run like this.
        """
        gateway = self._config.gateway
        self._store = await Store.open(gateway.data_dir, gateway.source, self._clock)
        passing("store.opened")
        self._alarms = Alarms(self._store, self._ids, self._clock, self._read_clock, self._committed)
        await self._alarms.take_up()
        self._heard_before = await heard_before(self._store, self._clock)
        self._link = PahoLink(
            self._broker, gateway.topic_root, self._clock, self._store.next_session,
            on_change=self._link_changed,
        )  # fmt: skip
        home = self._config.homeassistant
        radios = [radio.id for radio in self._config.radio] if home.discovery else []
        documents = discovery_documents(home.prefix, gateway.topic_root, gateway.source, __version__, radios)
        self._discovery = Discovery(self._link, documents if home.discovery else {})
        self._pump = Pump(
            self._store.outbox, self._link, gateway.topic_root, self._clock,
            window=self._config.mqtt.window,
            backlog_per_s=self._config.mqtt.backlog_per_s,
            on_set_aside=self._set_aside,
        )  # fmt: skip
        self._speaking = Speaking(
            self._config, self._store, self._spool, self._alarms, self._clock, self._ids, self._read_clock,
            on_events=self._committed, on_state=self._set_transmitting,
        )  # fmt: skip
        self._metrics = MetricsPort(self._config.metrics.port, self._config.metrics.file)
        self._map = MapKeeper(
            gateway.source, lambda unit_id: self._know().resolver.registry.get(unit_id),  # noqa: PLW0108
            self._pump.publish_state,
        )  # fmt: skip
        self._open_desk()
        self._listener = asyncio.create_task(self._load_listener(), name="load-model")
        await self._import_units()
        await self._index_registry()
        conversations = await self._store.conversations()
        followers = await self._store.followers()
        for settings in self._config.radio:
            self._add_radio(settings, conversations.get(settings.id), followers.get(settings.id))
        await self._bring_back(conversations)
        await self._office.take_up()
        passing("start.recovered")
        configured = {settings.id for settings in self._config.radio}
        for notice in self._store.notices:
            self._alarms.fault(notice.what, notice.message, notice.action)
        self._keeping = Housekeeping(
            self._store, self._spool, gateway.data_dir, self._config.store,
            self._clock, self._ids, self._read_clock, self._alarms, self._committed,
        )  # fmt: skip
        await self._keeping.check_start()
        self._alarms.end_earlier(lambda what: is_watched(what, configured))
        self._map.publish()
        self._link.start()
        self._pump.start()
        self._port.start()
        for radio_id, radio in self._radios.items():
            radio.start()
            self._running[radio_id] = asyncio.create_task(radio.run(), name=f"radio-{radio_id}")
        look = partial(self._keeping.look, self._pipelines.values())
        self._chores = [
            asyncio.create_task(self._every(WRITTEN_EVERY_S, "store", self._tell_health), name="health"),
            asyncio.create_task(
                self._every(SWEEP_EVERY_S, "housekeeping", self._keeping.sweep), name="sweep"
            ),
            asyncio.create_task(self._every(LOOK_EVERY_S, "clockwatch", look), name="clock"),
            asyncio.create_task(self._pulse().run(), name="pulse"),
        ]
        await self._speaking.start()
        await self._office.start(self._listener)
        self._service.ready(f"listening on {', '.join(self._radios)}")
        log.info("listening", radios=list(self._radios), units=len(await self._store.units()))

    async def wait(self, *, exit_when_idle: bool = False) -> None:
        """Return when asked to stop, or, with `exit_when_idle`, when every source has ended and all is sent.

        Raises:
            GatewayError: something the gateway cannot run without has failed.
        """
        assert self._listener is not None
        ends: list[asyncio.Task[Any]] = [asyncio.create_task(self._stopping.wait(), name="asked-to-stop")]
        if exit_when_idle:
            ends.append(asyncio.create_task(self._until_idle(), name="until-idle"))
        watched: set[asyncio.Task[Any]] = {*ends, self._listener, *self._running.values(), *self._chores}
        watched |= {task for task in (self._link.task, self._pump.task) if task is not None}
        try:
            while not any(end.done() for end in ends):
                done, watched = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for end in ends:
                end.cancel()

    def ask_to_stop(self) -> None:
        """Make `wait` return. On the loop; from a signal handler use call_soon_threadsafe."""
        self._stopping.set()

    async def stop(self) -> None:
        """Stop in order; see the module. May be called after a failed start."""
        self._service.stopping()
        self._stopping.set()
        passing("stop.asked")
        await self._quiet()
        listening = (asyncio.to_thread(radio.stop_listening) for radio in self._radios.values())
        await asyncio.gather(*listening, return_exceptions=True)
        if self._running:
            await asyncio.wait(self._running.values(), timeout=DRAIN_S)
        await self._end_decoding()
        leftover: list[asyncio.Task[Any]] = [*self._running.values(), *self._chores]
        if self._listener is not None:
            leftover.append(self._listener)
        for task in leftover:
            task.cancel()
        await asyncio.gather(*leftover, return_exceptions=True)
        if hasattr(self, "_alarms"):
            await self._alarms.settle()
        passing("stop.drained")
        if hasattr(self, "_port"):
            await self._port.stop()
            await self._replay.stop()
        if hasattr(self, "_pump"):
            if self._link.state.is_connected:
                await self._pump.drained(GOODBYE_S)
            await self._pump.stop()
            passing("stop.pump_stopped")
            await self._link.stop()
            passing("stop.link_stopped")
        await asyncio.to_thread(self._pool.shutdown, wait=not self._pool.hangs, cancel_futures=True)
        if self._loaded is not None and not self._pool.hangs:
            self._loaded.close()
        if hasattr(self, "_store"):
            await asyncio.to_thread(write_stopped, self._config.gateway.data_dir, self._clock.now())
            await self._store.close()
        passing("stop.store_closed")
        log.info("stopped")

    @property
    def hangs(self) -> bool:
        """True after a stop that had to leave a hung decode behind: end the process by os._exit."""
        return self._pool.hangs

    async def _end_decoding(self) -> None:
        """Let the decode under way end; one that hangs counts as an attempt, is told and left behind."""
        if self._listener is None or not self._listener.done() or await self._pool.ends():
            return
        for pipeline in self._pipelines.values():
            pipeline.spares = False
        message = "a decode did not end when the gateway stopped; the process ended without it"
        self._alarms.fault("recogniser", message, HUNG_ACTION)

    async def _quiet(self) -> None:
        """Begin to say nothing more."""
        if hasattr(self, "_metrics"):
            await asyncio.to_thread(self._metrics.close)
        if hasattr(self, "_discovery"):
            await self._discovery.stop()
        if hasattr(self, "_office"):
            await self._office.stop()
        if hasattr(self, "_speaking"):
            await self._speaking.stop()

    def _pulse(self) -> Pulse:
        def hung() -> list[str]:
            return [name for name, radio in self._radios.items() if radio.stuck_for_s > HUNG_DEVICE_S]

        return Pulse(self._service, hung, lambda: self._store.do(lambda _logbook: None))

    def _open_desk(self) -> None:
        """Take commands from the broker; the port must hear of the link before that starts."""
        gateway = self._config.gateway
        self._replay = Replay(self._store.events_since, self._link, gateway.topic_root)
        desk = Desk(
            self._store, self._pipelines, self._replay, self._clock, __version__,
            reindex=self._index_registry,
            on_events=self._committed,
            republish_states=self._pump.republish_states,
        )  # fmt: skip
        self._office = RollcallOffice(
            self._store, self._config.rollcall, gateway.command_post,
            self._clock, self._ids, self._read_clock,
            on_events=self._committed, publish_state=self._pump.publish_state,
            on_fault=self._alarms.fault, on_recovered=self._alarms.recovered,
        )  # fmt: skip
        drills = DrillDesk(self._office, self._store, self._config.drill, gateway.command_post, self._ids)
        commands = self._config.commands
        gatekeeper = Gatekeeper(frozenset(commands.allow), commands.per_minute)
        self._port = CommandPort(
            self._link,
            gateway.topic_root,
            gateway.source,
            self._clock,
            gatekeeper,
            desk.carriers | self._office.desk.carriers | drills.carriers | self._speaking.carriers,
            CommandLedger(self._store),
        )

    async def _load_listener(self) -> Listener:
        settings = self._config.recognise
        listener = await asyncio.get_running_loop().run_in_executor(
            self._pool, Listener.load, self._pool, settings.engine, settings.models_dir, settings.threads
        )
        self._loaded = listener
        log.info("speech model ready", engine=listener.recogniser.engine, model=listener.recogniser.model)
        return listener

    async def _listen(self, audio: Pcm) -> Heard:
        """Listen within a bound: a decode that hangs costs its call, not the radios."""
        assert self._listener is not None
        listener = await asyncio.shield(self._listener)
        try:
            heard = await self._pool.decode(lambda: listener(audio))
        except DecodeHung as error:
            log.exception("decode left behind", hung=self._pool.left_behind)
            self._alarms.fault("recogniser", f"{error}; the model is loaded anew", HUNG_ACTION)
            if self._pool.left_behind > MOST_LEFT_BEHIND:
                raise Unavailable(f"{error}, {self._pool.left_behind} times: only a restart helps") from None
            # The hung one may hold the model's own lock for ever.
            self._listener = asyncio.create_task(self._load_listener(), name="load-model")
            raise
        self._alarms.recovered("recogniser")
        return heard

    async def _import_units(self) -> None:
        """Take over the registry's file when it is another than last time; a bad one changes nothing."""
        known = await self._store.units_from()
        try:
            units, stamp = await asyncio.to_thread(read_units_file, self._config.units.csv)
        except (BadInput, MissingInput) as error:
            if known is None:
                raise
            self._alarms.fault(
                "units", f"the registry stays as it was: {error}", "correct the file and restart"
            )
            return
        if known is None or known.sha256 != stamp.sha256 or known.path != stamp.path:
            await self._store.replace_units(units, stamp)
            log.info("units imported", count=len(units), file=stamp.path)

    async def _index_registry(self) -> None:
        """Index the registry anew when it has changed, by this process or by a command beside it."""
        async with self._indexing:
            revision = await self._store.units_revision()
            if self._knowledge is not None and revision == self._units_revision:
                return
            units = await self._store.units()
            self._knowledge = await asyncio.to_thread(
                build_knowledge,
                units,
                self._config.gateway.command_post,
                self._lexicon,
                self._ids.new,
                self._config.understand.wrong_unit_cost,
            )
            self._units_revision = revision

    def _know(self) -> Knowledge:
        assert self._knowledge is not None
        return self._knowledge

    def _add_radio(self, settings: RadioSettings, conversation: str | None, follower: str | None) -> None:
        folder, has_control = self._config.folder, settings.control.kind != "none"
        try:
            source = make_source(settings.source.kind, settings.source.options, folder)
            control = (
                SharedControl(make_control(settings.control.kind, settings.control.options, folder))
                if has_control
                else None
            )
            sink = make_sink(settings.sink.kind, settings.sink.options, folder)
        except DeviceMisused as error:
            raise BadConfig([f"radio[{settings.id}]: {error}"]) from None
        rollcall = self._office.rollcall_of(settings.id, self._restored(Follower, follower))
        self._wire_radio(settings, source, control, conversation, rollcall)
        radio, pipeline = self._radios[settings.id], self._pipelines[settings.id]
        self._office.add(settings.id, pipeline, settings.streets, lambda: radio.waiting)
        if settings.sink.kind != "none":
            transmitter = self._speaking.give_voice(settings, radio, sink, control)
            self._office.give_voice(settings.id, Mouth(transmitter, self._clock))
        for incident in pipeline.open_incidents:
            document = to_snapshot(incident, self._read_clock()).model_dump(mode="json")
            self._pump.publish_state(incident_suffix(incident.incident_id), document)
            self._map.note(document)
        self._set_radio(settings.id, "idle")

    def _wire_radio(
        self,
        settings: RadioSettings,
        source: AudioSource,
        control: RadioControl | None,
        conversation: str | None,
        rollcall: RadioRollcall | None,
    ) -> None:
        pipeline = RadioPipeline(
            settings.id,
            streets=frozenset(settings.streets),
            knowledge=self._know,
            listen=self._listen,
            store=self._store,
            ids=self._ids,
            read_clock=self._read_clock,
            conversation=self._restored(Conversation, conversation),
            rollcall=rollcall,
        )
        self._pipelines[settings.id] = pipeline
        self._radios[settings.id] = Radio(
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
            on_report=self._radio_reports,
            on_events=self._committed,
        )

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

    async def _bring_back(self, conversations: Mapping[str, str]) -> None:
        """Queue what an earlier run heard and did not understand, in the order it was heard."""
        tell = lambda notice: self._alarms.fault(notice.what, notice.message, notice.action)  # noqa: E731
        for transmission, kept in await left_over(self._store, self._spool, tell):
            if transmission.radio_id not in self._radios:
                former = RadioSettings(id=transmission.radio_id, source=DeviceSettings(kind="none"))
                self._wire_radio(former, FormerSource(), None, conversations.get(former.id), None)
            self._radios[transmission.radio_id].take_later(transmission, kept)
            log.warning("heard in an earlier run, taken up again", transmission=transmission.id)

    def _committed(self, events: list[CloudEvent]) -> None:
        if events:
            self._pump.wake()
            self._map.take(events)

    def _set_aside(self, row: OutboxRow, reason: str) -> None:
        message = f"the broker does not take {row.kind}: {reason}"
        self._alarms.fault("outbox", message, "see radio-gateway outbox list; retry when it is mended")

    def _radio_reports(self, event: CaptureEvent) -> None:
        match event:
            case Opened():
                self._set_radio(event.radio_id, "receiving")
            case Completed(transmission=heard):
                self._last_heard[heard.radio_id] = self._clock.now().isoformat()
                self._set_radio(heard.radio_id, "idle")
                if event.kept is not None:
                    self._alarms.recovered(f"radio/{heard.radio_id}/spool")
            case Fault():
                if event.what in {"source", "capture"}:
                    self._set_radio(event.radio_id, "fault")
                self._alarms.fault(
                    f"radio/{event.radio_id}/{event.what}", event.message, action_for(event.what)
                )
            case Recovered():
                if event.what == "source":
                    self._set_radio(event.radio_id, "idle")
                self._alarms.recovered(f"radio/{event.radio_id}/{event.what}")
            case Ended():
                log.info("source has ended", radio=event.radio_id, why=event.message)
                if event.is_damaged:
                    self._broken.append(event.message or f"radio {event.radio_id} ended by a fault")
                    self._alarms.fault(f"radio/{event.radio_id}/source", self._broken[-1], SOURCE_ACTION)

    def _set_transmitting(self, radio_id: str, is_on: bool) -> None:
        state = self._radio_states[radio_id]["state"]
        if is_on or state == "transmitting":
            is_deaf = not self._alarms.of_radio(radio_id).keys().isdisjoint({"source", "capture"})
            self._set_radio(radio_id, "transmitting" if is_on else "fault" if is_deaf else "idle")

    def _set_radio(self, radio_id: str, state: str) -> None:
        self._radio_states[radio_id] = {"state": state, "since": self._clock.now().isoformat()}
        self._pump.publish_state(f"radio/{radio_id}", self._radio_states[radio_id])

    def _link_changed(self, state: LinkState) -> None:
        if state.is_connected:
            log.info("broker connected", protocol=state.protocol, session=state.session)
            self._alarms.recovered("mqtt")
            self._discovery.connected()
        elif not self._stopping.is_set() and self._link.has_rival:
            self._alarms.fault("mqtt/rival", state.trouble or "pushed off the broker", RIVAL_ACTION)
        elif not self._stopping.is_set():
            self._alarms.fault(
                "mqtt", state.trouble or "not connected", "check the broker; events wait in the outbox"
            )

    async def _until_idle(self) -> bool:
        if self._running:
            await asyncio.wait(self._running.values())
        while not await self._pump.drained(60.0):
            log.info("waiting for the broker to take what is left")
        if self._broken:
            raise BadInput("; ".join(self._broken))
        return True

    async def _every(self, seconds: float, what: str, chore: Callable[[], Awaitable[None]]) -> None:
        """Do a chore for ever; a store that refuses is a fault of `what`, and no reason to stop listening."""
        while True:
            try:
                await chore()
            except StoreDamaged:
                # Only the next start can put it right; the service manager makes one.
                raise
            except GatewayError as error:
                self._alarms.fault(what, str(error), SPOOL_ACTION)
            else:
                self._alarms.recovered(what)
            await asyncio.sleep(seconds)

    async def _tell_health(self) -> None:
        await self._store.do(lambda logbook: logbook.check_in_place())
        await self._index_registry()
        counts = await self._store.outbox.counts()
        if not counts.set_aside:
            self._alarms.recovered("outbox")
        if not self._link.has_rival:
            self._alarms.recovered("mqtt/rival")
        link = self._link.state
        recogniser = self._loaded.recogniser if self._loaded else None
        document = health_document(
            at=self._clock.now(),
            started_at=self._started_at,
            radios={
                radio_id: {
                    **state,
                    "waiting": self._radios[radio_id].waiting,
                    "last_heard": self._last_heard.get(radio_id),
                }
                for radio_id, state in self._radio_states.items()
            },
            mqtt={
                "connected": link.is_connected,
                "protocol": link.protocol,
                "since": link.since.isoformat(),
            },
            outbox={
                "waiting": counts.waiting,
                "set_aside": counts.set_aside,
                "delivered": self._pump.counts.delivered,
                "unheard": self._pump.counts.unheard,
                "trouble": self._pump.trouble,
            },
            recogniser={
                "engine": recogniser.engine if recogniser else None,
                "model": recogniser.model if recogniser else None,
            },
            faults=self._alarms.open,
            free_bytes=shutil.disk_usage(self._config.gateway.data_dir).free,
            clock=self._read_clock(),
        )
        self._pump.publish_state("health", document)
        await asyncio.to_thread(write_health, self._config.gateway.data_dir, document)
        await asyncio.to_thread(self._metrics.tell, document)
