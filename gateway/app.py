"""The daemon: what is wired to what, in which order it starts, and in which order it stops.

    radios ─► pipelines ─► store ─► pump ─► link
       ▲          ▲
    capture    ears (decode pool, voice detector, recogniser) and unit index, made while the radios listen

The asyncio loop owns all state. Stop order: radios stop listening and complete what is open; what waits to be
understood gets a deadline; the pump delivers what it can; the link says goodbye; the store closes last.
What had no turn is in the spool and in the outbox, and goes on at the next start.
"""

import asyncio
from functools import partial
from typing import Any

import structlog

from gateway import __version__
from gateway.alarms import Alarms
from gateway.chores import every
from gateway.clock import IdSource, SystemClock
from gateway.conduct.drilldesk import DrillDesk
from gateway.conduct.mouth import Mouth
from gateway.conduct.office import RollcallOffice
from gateway.config import Config, RadioSettings
from gateway.decodepool import DecodePool
from gateway.desk import Desk
from gateway.ears import Ears
from gateway.errors import BadInput, StoreLocked
from gateway.events import CloudEvent
from gateway.faultpoints import passing
from gateway.health import WRITTEN_EVERY_S, write_stopped
from gateway.housekeeping import LOOK_EVERY_S, SWEEP_EVERY_S, Housekeeping
from gateway.incidentboard import IncidentBoard
from gateway.knowledge import build_knowledge, read_lexicon
from gateway.listener import Listener
from gateway.mapping import MapKeeper
from gateway.publish.broker import Broker
from gateway.publish.commandport import CommandPort
from gateway.publish.commands import Gatekeeper
from gateway.publish.homeassistant import Discovery, discovery_documents
from gateway.publish.lanes import OutboxRow
from gateway.publish.link import LinkState, PahoLink
from gateway.publish.pump import Pump
from gateway.publish.resync import Replay
from gateway.radioroom import RadioRoom
from gateway.remedies import LOCKED_ACTION, RIVAL_ACTION, is_watched
from gateway.rollcall.listening import Follower
from gateway.speaking import Speaking
from gateway.store.ledger import CommandLedger
from gateway.store.spool import Spool
from gateway.store.store import Store
from gateway.supervise import Pulse, ServiceLink
from gateway.timekeeping import ClockReader
from gateway.unitindex import UnitIndex
from gateway.wellbeing import Wellbeing

log = structlog.get_logger()

DRAIN_S = 10.0
"""What waits to be understood gets this long when the daemon stops."""
GOODBYE_S = 5.0


class Daemon:
    """The gateway as a service. Use from one asyncio loop: `start`, `wait`, `stop`."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._clock = SystemClock()
        self._ids = IdSource(self._clock)
        self._read_clock = ClockReader(self._clock)
        self._lexicon = read_lexicon(config.understand.lexicon)
        self._broker = Broker.from_settings(config.mqtt)
        self._pool = DecodePool(config.recognise.decode_within_s)
        self._spool = Spool(config.gateway.data_dir)
        self._chores: list[asyncio.Task[None]] = []
        self._listener: asyncio.Task[Listener] | None = None
        self._stopping = asyncio.Event()
        self._untold = asyncio.Event()
        """Set when a fault began or ended: health is told at once."""
        self._service = ServiceLink()

    async def start(self) -> None:
        """Open the store, read the registry, start the link, listen. Model and index are made meanwhile.

        Raises:
            StoreUnavailable, BadInput, MissingInput, BadConfig: the gateway cannot run like this.
        """
        gateway = self._config.gateway
        self._store = await Store.open(gateway.data_dir, gateway.source, self._clock)
        passing("store.opened")
        self._alarms = Alarms(
            self._store, self._ids, self._clock, self._read_clock, self._committed, on_change=self._untold.set
        )
        await self._alarms.take_up()
        self._open_link()
        self._open_room()
        self._open_desk()
        units = await self._units.take_over()
        await self._room.take_up()
        for settings in self._config.radio:
            self._add_radio(settings)
        await self._room.bring_back()
        await self._office.take_up()
        passing("start.recovered")
        configured = {settings.id for settings in self._config.radio}
        for notice in self._store.notices:
            self._alarms.fault(notice.what, notice.message, notice.action)
        await self._keeping.check_start()
        self._alarms.end_earlier(lambda what: is_watched(what, configured))
        self._map.publish()
        self._listener = self._ears.open()
        self._link.start()
        self._pump.start()
        self._port.start()
        self._room.start()
        self._begin_chores()
        await self._speaking.start()
        await self._office.start(self._listener)
        self._service.ready(f"listening on {', '.join(self._room.radios)}")
        log.info("listening", radios=list(self._room.radios), units=units)

    async def wait(self, *, exit_when_idle: bool = False) -> None:
        """Return when asked to stop, or, with `exit_when_idle`, when every source has ended and all is sent.

        Raises:
            GatewayError: something the gateway cannot run without has failed.
        """
        assert self._listener is not None
        ends: list[asyncio.Task[Any]] = [asyncio.create_task(self._stopping.wait(), name="asked-to-stop")]
        if exit_when_idle:
            ends.append(asyncio.create_task(self._until_idle(), name="until-idle"))
        watched: set[asyncio.Task[Any]] = {*ends, self._listener, *self._room.running.values(), *self._chores}
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
        await self._stop_hearing()
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
        if hasattr(self, "_ears"):
            self._ears.close()
        if hasattr(self, "_store"):
            await asyncio.to_thread(write_stopped, self._config.gateway.data_dir, self._clock.now())
            await self._store.close()
        passing("stop.store_closed")
        log.info("stopped")

    @property
    def hangs(self) -> bool:
        """True after a stop that had to leave a hung decode behind: end the process by os._exit."""
        return self._pool.hangs

    async def _stop_hearing(self) -> None:
        await self._quiet()
        ends: list[asyncio.Task[Any]] = [*self._chores]
        if hasattr(self, "_room"):
            await self._room.stop(DRAIN_S)
            if not await self._ears.end():
                for pipeline in self._room.pipelines.values():
                    pipeline.spares = False
            ends += self._room.running.values()
        if self._listener is not None:
            ends.append(self._listener)
        for task in ends:
            task.cancel()
        await asyncio.gather(*ends, return_exceptions=True)

    async def _quiet(self) -> None:
        """Begin to say nothing more."""
        if hasattr(self, "_being"):
            await self._being.close()
        if hasattr(self, "_discovery"):
            await self._discovery.stop()
        if hasattr(self, "_office"):
            await self._office.stop()
        if hasattr(self, "_speaking"):
            await self._speaking.stop()

    def _open_link(self) -> None:
        """Make what carries events away; nothing is connected yet."""
        gateway, home = self._config.gateway, self._config.homeassistant
        self._link = PahoLink(
            self._broker, gateway.topic_root, self._clock, self._store.next_session,
            on_change=self._link_changed,
        )  # fmt: skip
        radios = [radio.id for radio in self._config.radio] if home.discovery else []
        documents = discovery_documents(home.prefix, gateway.topic_root, gateway.source, __version__, radios)
        self._discovery = Discovery(self._link, documents if home.discovery else {})
        self._pump = Pump(
            self._store.outbox, self._link, gateway.topic_root, self._clock,
            window=self._config.mqtt.window,
            backlog_per_s=self._config.mqtt.backlog_per_s,
            on_set_aside=self._set_aside,
        )  # fmt: skip

    def _open_room(self) -> None:
        """Make what hears, understands and speaks, and what tells how it is; no radio is added yet."""
        settings, gateway = self._config.understand, self._config.gateway
        self._units = UnitIndex(
            self._store, self._config.units.csv,
            lambda units: build_knowledge(
                units, gateway.command_post, self._lexicon, self._ids.new, settings.wrong_unit_cost
            ),
            self._alarms.fault,
        )  # fmt: skip
        self._map = MapKeeper(gateway.source, self._units.find, self._pump.publish_state)
        self._board = IncidentBoard(self._map, self._pump.publish_state, self._read_clock)
        self._ears = Ears(
            self._pool, self._alarms, lambda: self._load_listener(), self._units.refresh  # noqa: PLW0108
        )  # fmt: skip
        self._room = RadioRoom(
            self._config, self._store, self._spool, self._alarms, self._clock, self._ids, self._read_clock,
            knowledge=self._units.knowledge, listen=self._ears,
            on_report=lambda event: self._being.take(event), on_events=self._committed,  # noqa: PLW0108
            on_foretold=self._board.foretell,
        )  # fmt: skip
        self._being = Wellbeing(
            gateway.data_dir, self._store, self._link, self._pump, self._alarms, self._clock,
            self._read_clock, radios=self._room.radios, ears=self._ears, metrics=self._config.metrics,
        )  # fmt: skip
        self._speaking = Speaking(
            self._config, self._store, self._spool, self._alarms, self._clock, self._ids, self._read_clock,
            on_events=self._committed, on_state=self._being.set_transmitting,
        )  # fmt: skip
        self._keeping = Housekeeping(
            self._store, self._spool, gateway.data_dir, self._config.store,
            self._clock, self._ids, self._read_clock, self._alarms, self._committed,
        )  # fmt: skip

    def _open_desk(self) -> None:
        """Take commands from the broker; the port must hear of the link before that starts."""
        gateway = self._config.gateway
        self._replay = Replay(self._store.events_since, self._link, gateway.topic_root)
        desk = Desk(
            self._store, self._room.pipelines, self._replay, self._clock, __version__,
            reindex=self._units.refresh,
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
        log.info("speech model ready", engine=listener.recogniser.engine, model=listener.recogniser.model)
        return listener

    def _add_radio(self, settings: RadioSettings) -> None:
        source, control, sink = self._room.devices_of(settings)
        follower = self._room.follower_of(settings.id, Follower)
        rollcall = self._office.rollcall_of(settings.id, follower)
        radio, pipeline = self._room.add(settings, source, control, rollcall)
        self._office.add(settings.id, pipeline, settings.streets, lambda: radio.waiting)
        if settings.sink.kind != "none":
            transmitter = self._speaking.give_voice(settings, radio, sink, control)
            self._office.give_voice(settings.id, Mouth(transmitter, self._clock))
        for incident in pipeline.open_incidents:
            self._board.show(incident)
        self._being.set_radio(settings.id, "idle")

    def _begin_chores(self) -> None:
        look = partial(self._keeping.look, self._room.pipelines.values())
        pulse = Pulse(self._service, self._room.hung, self._ask_store)
        chores = {
            "health": every(WRITTEN_EVERY_S, "health", self._being.tell, self._alarms, self._untold),
            "store": every(WRITTEN_EVERY_S, "store", self._look_around, self._alarms),
            "sweep": every(SWEEP_EVERY_S, "housekeeping", self._keeping.sweep, self._alarms),
            "clock": every(LOOK_EVERY_S, "clockwatch", look, self._alarms),
            "pulse": pulse.run(),
        }
        self._chores = [asyncio.create_task(chore, name=name) for name, chore in chores.items()]

    async def _look_around(self) -> None:
        """Look after the store, and take up what a command beside the daemon changed in the registry."""
        await self._store.do(lambda logbook: logbook.check_in_place())
        if self._units.is_ready:
            await self._units.refresh()

    async def _ask_store(self) -> None:
        """Return when the store comes round; that another program locks it no restart would mend."""
        try:
            await self._store.answers()
        except StoreLocked as error:
            self._alarms.fault("store", str(error), LOCKED_ACTION)
            raise

    def _committed(self, events: list[CloudEvent]) -> None:
        if events:
            self._pump.wake()
            self._map.take(events)

    def _set_aside(self, row: OutboxRow, reason: str) -> None:
        message = f"the broker does not take {row.kind}: {reason}"
        self._alarms.fault("outbox", message, "see radio-gateway outbox list; retry when it is mended")

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
        if self._room.running:
            await asyncio.wait(self._room.running.values())
        while not await self._pump.drained(60.0):
            log.info("waiting for the broker to take what is left")
        if self._being.broken:
            raise BadInput("; ".join(self._being.broken))
        return True
