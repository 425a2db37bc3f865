"""Recordings through the daemon's own path, as fast as the machine can: no broker, no network."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import file_digest
from pathlib import Path

from drivers.base import AudioSource, DeviceError, DeviceMissing
from drivers.registry import make_source
from gateway.clock import IdSource, SystemClock
from gateway.config import DEFAULT_COMMAND_POST, Config
from gateway.errors import BadInput, MissingInput
from gateway.events import CloudEvent
from gateway.hear.capture import CaptureEvent, Ended, Fault
from gateway.hear.segmenter import Squelch
from gateway.interpreter import Knowledge
from gateway.knowledge import build_knowledge, code_names, read_lexicon, squelch_of
from gateway.listener import Heard, Listen, Listener
from gateway.model import RATE_HZ, End, Pcm, Unit
from gateway.pipeline import RadioPipeline
from gateway.radio import Radio
from gateway.recognise.engines import EngineChoice
from gateway.reviewwords import CodeNames
from gateway.station import read_units_file
from gateway.store.records import SpooledAudio
from gateway.store.store import Store
from gateway.timekeeping import ClockReader
from gateway.understand.lexicon import Lexicon

SOURCE = "urn:radio-gateway:replay:replay:replay"


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """What a replay knows of the station whose recordings it hears."""

    lexicon: Lexicon
    units: tuple[Unit, ...] = ()
    engine: EngineChoice = "auto"
    command_post: str = DEFAULT_COMMAND_POST
    source: str = SOURCE
    models_dir: Path | None = None
    threads: int = 0
    squelch: Squelch = field(default_factory=Squelch)
    wrong_unit_cost: float | None = None

    @property
    def names(self) -> CodeNames:
        """What people call each agency and each kind of incident."""
        return code_names(self.lexicon)


def settings_of(
    config: Config | None,
    *,
    units: Path | None = None,
    engine: EngineChoice | None = None,
    command_post: str | None = None,
) -> ReplaySettings:
    """Take a station's settings, the first radio's squelch among them; what is given here goes first.

    Raises:
        MissingInput, BadInput: the registry or the station's words.
    """
    if config is None:
        known = read_units_file(units)[0] if units is not None else ()
        lexicon = read_lexicon()
        return ReplaySettings(lexicon, known, engine or "auto", command_post or DEFAULT_COMMAND_POST)
    return ReplaySettings(
        lexicon=read_lexicon(config.understand.lexicon),
        units=read_units_file(units or config.units.csv)[0],
        engine=engine or config.recognise.engine,
        command_post=command_post or config.gateway.command_post,
        source=config.gateway.source,
        models_dir=config.recognise.models_dir,
        threads=config.recognise.threads,
        squelch=squelch_of(config.radio[0].squelch),
        wrong_unit_cost=config.understand.wrong_unit_cost,
    )


class RecordingSpool:
    """Stands where the spool is, but the audio is kept already: events refer to the recording itself."""

    def __init__(self, recording: Path) -> None:
        """Take the recording's hash, once for all its transmissions."""
        self._recording = recording
        with recording.open("rb") as file:
            self._sha256 = file_digest(file, "sha256").hexdigest()
        self._size_bytes = recording.stat().st_size
        self._began_at: datetime | None = None

    def begin(self, _transmission_id: str, _radio_id: str, started_at: datetime) -> "_Stretch":
        """Note where a transmission begins, counted from the start of the recording."""
        self._began_at = self._began_at or started_at
        return _Stretch(self, (started_at - self._began_at).total_seconds())

    def stretch(self, samples: int) -> SpooledAudio:
        """Refer to the recording for a transmission of so many samples."""
        return SpooledAudio(
            ref=self._recording.name,
            sha256=self._sha256,
            size_bytes=self._size_bytes,
            duration_s=samples / RATE_HZ,
        )


class _Stretch:
    def __init__(self, spool: RecordingSpool, at_s: float) -> None:
        self._spool = spool
        self._at_s = at_s
        self._samples = 0

    def append(self, pcm: Pcm) -> None:
        self._samples += len(pcm)

    def finish(self, end: End, dropped_frames: int = 0) -> SpooledAudio:  # noqa: ARG002 - the spool's seam
        return self._spool.stretch(self._samples)

    def discard(self) -> None:
        pass


def replay(
    recordings: Sequence[Path],
    settings: ReplaySettings,
    write: Callable[[CloudEvent], None],
    *,
    on_heard: Callable[[Heard], None] | None = None,
) -> None:
    """Hear each recording as one radio's audio, named by the file's stem, and `write` every event in order.

    `on_heard` is told what listening to each transmission gave, before its events are written.

    Raises:
        MissingInput, BadInput: a recording is not there or not audio; nothing was heard then.
        ModelUnavailable: the speech model is not installed.
    """
    sources = [open_recording(path) for path in recordings]
    ids = IdSource(SystemClock())
    knowledge = build_knowledge(
        settings.units, settings.command_post, settings.lexicon, ids.new, settings.wrong_unit_cost
    )
    with ThreadPoolExecutor(1, thread_name_prefix="decode") as pool:
        listener = Listener.load(pool, settings.engine, settings.models_dir, settings.threads)
        try:
            listen = listener if on_heard is None else _told(listener, on_heard)
            asyncio.run(_replay_all(recordings, sources, settings, knowledge, listen, ids, write))
        finally:
            listener.close()


def _told(listener: Listener, on_heard: Callable[[Heard], None]) -> Listen:
    async def listen(audio: Pcm) -> Heard:
        heard = await listener(audio)
        on_heard(heard)
        return heard

    return listen


def open_recording(path: Path) -> AudioSource:
    """Make the source of a recording and try it, so that a wrong file is told before a model is loaded.

    Raises:
        MissingInput: there is no such file.
        BadInput: it is not audio.
    """
    source = make_source("wavefile", {"path": path.resolve(), "pace": "fast"}, Path())
    try:
        source.open()
    except DeviceMissing as error:
        raise MissingInput(str(error)) from None
    except DeviceError as error:
        raise BadInput(str(error)) from None
    finally:
        source.close()
    return source


async def _replay_all(
    recordings: Sequence[Path],
    sources: Sequence[AudioSource],
    settings: ReplaySettings,
    knowledge: Knowledge,
    listen: Listen,
    ids: IdSource,
    write: Callable[[CloudEvent], None],
) -> None:
    clock = SystemClock()
    read_clock = ClockReader(clock)

    def write_all(events: list[CloudEvent]) -> None:
        for event in events:
            write(event)

    with tempfile.TemporaryDirectory(prefix="radio-gateway-replay-") as folder:
        store = await Store.open(Path(folder), settings.source, clock)
        try:
            for path, source in zip(recordings, sources, strict=True):
                pipeline = RadioPipeline(
                    path.stem, streets=frozenset(), knowledge=lambda: knowledge, listen=listen,
                    store=store, ids=ids, read_clock=read_clock,
                )  # fmt: skip
                faults: list[str] = []
                radio = Radio(
                    path.stem, source, pipeline, spool=RecordingSpool(path), read_audio=_never_spooled,
                    squelch=settings.squelch, clock=clock, on_report=_note_faults(faults),
                    on_events=write_all,
                )  # fmt: skip
                radio.start()
                try:
                    await radio.run()
                finally:
                    await asyncio.to_thread(radio.stop_listening)
                if faults:
                    raise BadInput(faults[0])
        finally:
            await store.close()


def _note_faults(faults: list[str]) -> Callable[[CaptureEvent], None]:
    def note(event: CaptureEvent) -> None:
        if isinstance(event, Fault):
            faults.append(event.message)
        elif isinstance(event, Ended) and event.is_damaged and event.message:
            faults.append(f"{event.message}; what is there was heard")

    return note


def _never_spooled(ref: str) -> Pcm:
    raise AssertionError(f"{ref}: a recording's transmissions stay in memory until their turn")
