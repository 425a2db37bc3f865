"""The gateway's mouth put together: voices for all radios, a transmitter for each, one watchdog.

What a transmitter sends is on disk before the key is pressed and an event after it is released; its radio's
state says `transmitting` meanwhile.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from drivers.base import AudioSink, RadioControl
from gateway.alarms import Alarms
from gateway.clock import Clock, IdSource
from gateway.config import Config, RadioSettings
from gateway.errors import GatewayError
from gateway.events import AudioRef, ClockReading, CloudEvent
from gateway.model import Pcm
from gateway.publish.commands import RefusedCommand
from gateway.publish.requests import Code
from gateway.publish.requests import Say as SayRequest
from gateway.radio import Radio
from gateway.recognise import models
from gateway.sentledger import SentLedger
from gateway.speak.espeak import Espeak
from gateway.speak.keyup import KeyedSink, Timing
from gateway.speak.kokoro import Kokoro
from gateway.speak.prompts import Prompts
from gateway.speak.transmitter import Transmitter
from gateway.speak.utterance import Reason, Spoken
from gateway.speak.voicecache import VoiceCache
from gateway.speak.voices import Engine, Voices
from gateway.speak.watchdog import Watchdog, WatchdogAway
from gateway.speaksettings import SpeakSettings
from gateway.store.sendings import SendingNotes
from gateway.store.spool import Spool
from gateway.store.store import Store

log = structlog.get_logger()

KOKORO = "kokoro-v1.0-int8-zh"
MEGABYTE = 1_000_000
_CODES: dict[Reason, Code] = {
    "busy": "busy",
    "device": "unavailable",
    "timed_out": "unavailable",
    "no_voice": "unavailable",
    "stopped": "unavailable",
}


class Speaking:
    """Everything that speaks. Use from the asyncio loop: `give_voice` for each radio, `start`, `stop`."""

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
        on_events: Callable[[list[CloudEvent]], None],
        on_state: Callable[[str, bool], None],
    ) -> None:
        """Wire it up; nothing is loaded, opened or started. `on_state` hears when a radio is transmitting."""
        self._config = config
        self._spool = spool
        self._alarms = alarms
        self._clock = clock
        self._ids = ids
        self._on_state = on_state
        self._voices = voices_of(config, self._tell_recordings)
        self._watchdog = Watchdog()
        self._keys: dict[str, KeyedSink] = {}
        self.transmitters: dict[str, Transmitter] = {}
        """Of the radios that can speak."""
        notes = SendingNotes(config.gateway.data_dir)
        self._ledger = SentLedger(store, notes, alarms, ids, read_clock, on_events)

    @property
    def carriers(self) -> dict[str, Any]:
        """What carries each command out."""
        return {"say": self.say}

    def give_voice(
        self, settings: RadioSettings, radio: Radio, sink: AudioSink, control: RadioControl | None
    ) -> Transmitter:
        """Make the transmitter of a radio that has a sink."""
        radio_id, transmit, own = settings.id, settings.transmit, radio.own_key_ups

        def on_deaf(is_deaf: bool) -> None:
            (own.keyed if is_deaf else own.released)(self._clock.monotonic_s())

        key = KeyedSink(
            radio_id, sink, control, self._watchdog,
            timing=Timing(transmit.lead_s, transmit.tail_s, transmit.max_s),
            clock=self._clock,
            on_deaf=on_deaf,
        )  # fmt: skip
        transmitter = Transmitter(
            radio_id,
            voice=self._voices,
            key=key,
            is_busy=lambda: radio.is_receiving,
            busy_wait_s=transmit.busy_wait_s,
            clock=self._clock,
            new_id=self._ids.new,
            keep=lambda sent_id, at, pcm: self._keep(radio_id, sent_id, at, pcm),
            on_sending=lambda sent: self._ledger.begun(radio_id, sent),
            on_unsaid=self._unsaid,
            on_sent=lambda sent: self._ledger.told(radio_id, sent),
            on_state=lambda is_on: self._on_state(radio_id, is_on),
            on_trouble=lambda trouble: self._trouble(radio_id, trouble),
        )
        if "transmit" in self._alarms.of_radio(radio_id):
            transmitter.doubt()
        self._keys[radio_id] = key
        self.transmitters[radio_id] = transmitter
        return transmitter

    async def start(self) -> None:
        """Tell what an earlier run was sending when it was killed, and begin to take turns.

        The watchdog starts now, so that the first key-up need not wait for it.
        """
        await self._ledger.take_up()
        self._start_watchdog()
        await self._voices.look()
        for settings in self._config.radio:
            if settings.id not in self.transmitters:
                self._alarms.recovered(f"radio/{settings.id}/transmit")
        for transmitter in self.transmitters.values():
            transmitter.start()

    async def stop(self) -> None:
        """Release every key, refuse what waits, store what was said. May be called twice."""
        await asyncio.gather(*(one.stop() for one in self.transmitters.values()))
        await self._ledger.stop()
        closing = [asyncio.to_thread(key.close) for key in self._keys.values()]
        await asyncio.gather(*closing, return_exceptions=True)
        await asyncio.to_thread(self._voices.close)
        await asyncio.to_thread(self._watchdog.close)

    async def say(self, request: SayRequest) -> Mapping[str, Any]:
        """Carry out a dispatcher's `say`; the answer comes when PTT is released.

        Raises:
            RefusedCommand: it was not said, or not to its end.
        """
        radio_id = request.radio or next(iter(self.transmitters), "")
        transmitter = self.transmitters.get(radio_id)
        if transmitter is None:
            there = ", ".join(self.transmitters) or "none"
            raise RefusedCommand("not_found", f"no radio {radio_id!r} has a sink; those that have: {there}")
        if request.radio is None and len(self.transmitters) > 1:
            raise RefusedCommand("malformed", f"say on which radio: {', '.join(self.transmitters)}")
        said = await transmitter.say(request.text, priority=request.priority)
        if not isinstance(said, Spoken):
            raise RefusedCommand(_CODES[said.reason], f"not said: {said.message}")
        return {
            "transmission_id": said.transmission_id,
            "radio": radio_id,
            "voice": said.voice,
            "started_at": said.started_at.isoformat(),
            "duration_s": round(said.duration_s, 3),
        }

    async def _keep(self, radio_id: str, sent_id: str, at: datetime, pcm: Pcm) -> AudioRef | None:
        what = f"radio/{radio_id}/spool"
        try:
            kept = await asyncio.to_thread(self._spool.keep, sent_id, at, pcm)
        except GatewayError as error:
            self._alarms.fault(what, str(error), "free disk space in data_dir")
            return None
        return AudioRef(ref=kept.ref, sha256=kept.sha256, size_bytes=kept.size_bytes)

    async def _unsaid(self, sent_id: str, audio: AudioRef | None) -> None:
        """Forget what was kept and never keyed; the note goes first, for without audio it tells nothing."""
        await self._ledger.unsaid(sent_id)
        if audio is not None:
            try:
                await asyncio.to_thread(self._spool.discard, audio.ref)
            except GatewayError as error:
                log.warning("audio of what was not said stays", id=sent_id, why=str(error))

    def _start_watchdog(self) -> None:
        if self.transmitters:
            try:
                self._watchdog.start()
            except WatchdogAway as error:
                self._alarms.fault("watchdog", str(error), "see the log; nothing is keyed without it")
                for transmitter in self.transmitters.values():
                    transmitter.doubt()
                return
        self._alarms.recovered("watchdog")

    def _tell_recordings(self, faults: tuple[str, ...]) -> None:
        if not faults:
            self._alarms.recovered("prompts")
            return
        more = f"; and {len(faults) - 1} more" if len(faults) > 1 else ""
        self._alarms.fault(
            "prompts", faults[0] + more, "mend the recordings; radio-gateway doctor lists them"
        )

    def _trouble(self, radio_id: str, trouble: str | None) -> None:
        what = f"radio/{radio_id}/transmit"
        if trouble is None:
            self._alarms.recovered(what)
            self._alarms.recovered("watchdog")
        else:
            self._alarms.fault(what, trouble, "check sink and control; radio-gateway doctor tries both")


def voices_of(config: Config, on_faults: Callable[[tuple[str, ...]], None]) -> Voices:
    """Make the voices that the configuration names, none of them loaded yet.

    `on_faults` is told what is wrong with the station's recordings, on the loop.
    """
    cache = VoiceCache(config.gateway.data_dir, config.speak.cache_mb * MEGABYTE)
    return Voices(engines_of(config), cache, config.speak.level_dbfs, on_faults=on_faults)


def engines_of(config: Config) -> list[Engine]:
    """Make each voice that the configuration names, in its order."""
    return [_engine(kind, config.speak, config) for kind in dict.fromkeys(config.speak.voices)]


def _engine(kind: str, speak: SpeakSettings, config: Config) -> Engine:
    if kind == "prompts":
        return Prompts(speak.prompts or config.folder / "prompts")
    if kind == "espeak":
        return Espeak(radio_digits=speak.radio_digits)
    return Kokoro(
        lambda: kokoro_folder(config.recognise.models_dir),
        voice=speak.voice,
        speed=speak.speed,
        radio_digits=speak.radio_digits,
    )


def kokoro_folder(models_dir: Path | None) -> Path | None:
    """Return where the natural voice is, None when it is not installed or its files are damaged."""
    folder = models.find(KOKORO, models.places(first=models_dir))
    if folder is None:
        return None
    try:
        models.check_before_load(models.known(KOKORO), folder)
    except GatewayError as error:
        log.warning("the natural voice is not used", why=str(error))
        return None
    return folder
