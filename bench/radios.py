"""Radios: what an idle channel costs, how fast a lost device is told and back, and the first syllable."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import recordings as sound
from bench.figure import Figure, Options, Report
from bench.station import folder
from drivers.base import AudioFormat, AudioFrame, AudioSource, Carrier, RadioControl
from drivers.pacing import Pacer
from drivers.registry import make_control, make_source
from gateway.clock import IdSource, SystemClock
from gateway.hear import signalling
from gateway.hear.capture import Capture, CaptureEvent, Fault, Recovered
from gateway.hear.carrier import CarrierLine
from gateway.hear.classify import classify
from gateway.hear.segmenter import Opened, Segmenter, Squelch, SquelchKind
from gateway.model import RATE_HZ, Pcm, SoundClass
from gateway.recognise.vad import Vad
from tests.support import radiomodules
from tests.support.soundserver import SoundServer
from tools.channel import FRAME, Channel, Samples, conversation, transmit

CHANNELS = 32
IDLE_S = 20.0
CARD_HZ = 48_000
CHUNK_S = 0.1
UNPLUGS = 5
SNRS_DB: tuple[float | None, ...] = (20, 12, 8, None)


class NoiseCard(AudioSource):
    """A card at 48 kHz on which a muted receiver hisses: the sound is made before, so it costs nothing."""

    format = AudioFormat(CARD_HZ)

    def __init__(self, seed: int) -> None:
        noise = np.random.default_rng(seed).standard_normal(CARD_HZ * 4) * 10 ** (-65 / 20) * 32768
        chunk = round(CARD_HZ * CHUNK_S)
        self._chunks = [piece.astype("<i2").tobytes() for piece in noise.reshape(-1, chunk)]
        self._pacer = Pacer(is_realtime=True)
        self._sequence = 0

    def open(self) -> None:
        """Begin."""
        self._pacer = Pacer(is_realtime=True)

    def close(self) -> None:
        """End."""
        self._pacer.stop()

    def _read(self, timeout_s: float) -> AudioFrame | None:
        due_s = (self._sequence + 1) * CHUNK_S
        if not self._pacer.wait_until(due_s, timeout_s):
            return None
        pcm = self._chunks[self._sequence % len(self._chunks)]
        frame = AudioFrame(pcm, self.format, self._sequence, self._pacer.captured_ns(due_s))
        self._sequence += 1
        return frame


class ShutReceiver(RadioControl):
    """A control whose carrier is never up."""

    def open(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def key(self) -> None:
        """Do nothing."""

    def unkey(self) -> None:
        """Do nothing."""

    def carrier(self) -> Carrier | None:
        """Nobody transmits."""
        return Carrier(is_open=False, rssi_dbm=-121.0)


class NoSpool:
    """Keeps nothing, for nothing is heard."""

    def begin(self, *_: object) -> Any:
        """Refuse."""
        raise AssertionError("an idle channel opened")


def idle(_options: Options) -> Report:
    """32 idle channels as the daemon runs them: capture thread, 48 kHz to 16, vox & carrier, line watch.

    Callers' ids are decoded from transmissions only, so an idle channel does not pay for them; what it would
    pay for decoding without end is added, to be safe.
    """
    clock = SystemClock()
    events: list[CaptureEvent] = []
    captures = [
        Capture(
            f"ch{number}", NoiseCard(number), NoSpool(),
            clock=clock, new_id=IdSource(clock).new, on_event=events.append,
            squelch=Squelch(SquelchKind.BOTH), carrier=CarrierLine(ShutReceiver(), clock, lambda _: None),
        )
        for number in range(CHANNELS)
    ]  # fmt: skip
    for capture in captures:
        capture.start()
    time.sleep(2.0)
    began_cpu, began = time.process_time(), time.monotonic()
    time.sleep(IDLE_S)
    share = (time.process_time() - began_cpu) / (time.monotonic() - began) / CHANNELS
    alive = sum(capture.is_running for capture in captures)
    for capture in captures:
        capture.stop()
    if alive != CHANNELS or any(isinstance(event, Fault) for event in events):
        raise RuntimeError(f"{alive} of {CHANNELS} channels listened; {events[:3]}")
    decoding = _decoding_share()
    return Report((
        Figure.at_most(
            "radios.idle_channel_cpu", 100 * (share + decoding), "% of real time", 1.5,
            f"{CHANNELS} channels side by side for {IDLE_S:.0f} s, vox & carrier, ids decoded without end",
            without_decoding=round(100 * share, 3), decoding=round(100 * decoding, 3),
        ),
        Figure.at_most("radios.channels_on_one_core", CHANNELS * (share + decoding), "cores", 1.0),
    ))  # fmt: skip


def _decoding_share() -> float:
    """CPU time of decoding callers' ids, over the length of what they are looked for in."""
    noise = np.random.default_rng(4).standard_normal(60 * RATE_HZ) * 20
    audio: Pcm = noise.astype(np.int16)
    began = time.thread_time()
    for at in range(0, len(audio), 5 * RATE_HZ):
        signalling.decode(audio[at : at + 5 * RATE_HZ])
    return (time.thread_time() - began) / 60


def unplug(_options: Options) -> Report:
    """A card and a serial module that go away and come back, by the time of the events that tell it."""
    with folder() as where:
        card = _unplug_cards(where)
    module = _unplug_modules()
    figures = []
    for what, times in (("card", card), ("module", module)):
        lost = max(lost_s for lost_s, _ in times)
        back = max(back_s for _, back_s in times)
        note = f"longest of {len(times)}"
        figures += [
            Figure.at_most(f"radios.{what}_unplug_to_fault", lost, "s", 1.0, note),
            Figure.at_most(f"radios.{what}_back_to_recovered", back, "s", 5.0, note),
        ]
    return Report(tuple(figures))


class Ear:
    """Captures with the product's own thread and notes when faults begin and end."""

    def __init__(self, source: AudioSource, carrier: CarrierLine | None = None) -> None:
        self.told = threading.Condition()
        self.times: dict[type, float] = {}
        clock = SystemClock()
        self.capture = Capture(
            "ch1", source, NoSpool(), clock=clock, new_id=IdSource(clock).new, on_event=self.take,
            squelch=Squelch(SquelchKind.CARRIER), carrier=carrier or (lambda: Carrier(is_open=False)),
        )  # fmt: skip

    def take(self, event: CaptureEvent) -> None:
        """Note when something is told."""
        with self.told:
            self.times[type(event)] = time.monotonic()
            self.told.notify_all()

    def seconds_until(self, kind: type, since_s: float, timeout_s: float = 20.0) -> float:
        """Wait for an event that comes after a time; return how long after."""
        with self.told:
            if not self.told.wait_for(lambda: self.times.get(kind, 0.0) >= since_s, timeout_s):
                raise TimeoutError(f"no {kind.__name__} within {timeout_s} s")
            return self.times[kind] - since_s


def _unplug_cards(where: Path) -> list[tuple[float, float]]:
    server = SoundServer(where)
    os.environ.update(server.environment)
    server.start()
    ear = Ear(make_source("soundcard", {"device": "hear one"}, where))
    ear.capture.start()
    try:
        time.sleep(2.0)
        return [_times(ear, server.unload, server.load) for _ in range(UNPLUGS)]
    finally:
        ear.capture.stop()
        server.kill()


def _unplug_modules() -> list[tuple[float, float]]:
    with folder() as where:
        port = where / "radio1"
        plugged = [_plug(port)]
        told = Ear(NoiseCard(1))
        trouble: Callable[[str | None], None] = lambda message: told.take(  # noqa: E731 - one line, used once
            Recovered("ch1", "control") if message is None else Fault("ch1", "control", message)
        )
        control = make_control("sa818", {"port": str(port), "rx_mhz": 409.75}, where)
        line = CarrierLine(control, SystemClock(), trouble)
        ear = Ear(NoiseCard(2), line)
        ear.capture.start()
        try:
            time.sleep(2.0)
            return [
                _times(told, lambda: plugged.pop().unplug(), lambda: plugged.append(_plug(port)))
                for _ in range(UNPLUGS)
            ]
        finally:
            ear.capture.stop()
            line.close()
            for one in plugged:
                one.unplug()


def _plug(port: Path) -> Any:
    """Put a module on a pty, behind a stable name as udev gives one."""
    module = radiomodules.PtyModule(radiomodules.SunRiseModule().answer)
    port.unlink(missing_ok=True)
    port.symlink_to(module.path)
    return module


def _times(ear: Ear, unplug_it: Callable[[], object], plug_it: Callable[[], object]) -> tuple[float, float]:
    unplugged_s = time.monotonic()
    unplug_it()
    lost_s = ear.seconds_until(Fault, unplugged_s)
    time.sleep(4.0)
    plug_it()
    back_s = ear.seconds_until(Recovered, time.monotonic())
    time.sleep(2.0)
    return lost_s, back_s


def first_syllable(_options: Options) -> Report:
    """Every call in a row behind a receiver that is muted between calls, and over steady noise."""
    calls = [sound.clean(call) for call in sound.own_calls()]
    figures = []
    for is_muted in (True, False):
        late: list[float] = []
        for snr_db in SNRS_DB:
            late += _late_starts(calls, snr_db, is_muted=is_muted)
        kept = sum(one <= 0.0 for one in late) / len(late)
        name = "muted_receiver" if is_muted else "steady_noise"
        note = "carrier rises 0.1 s before the voice" if is_muted else "voice from 12 dB under its loudest on"
        snrs = ", ".join("none" if snr_db is None else f"{snr_db:g}" for snr_db in SNRS_DB)
        figures.append(
            Figure.at_least(
                f"radios.first_syllable_{name}", kept, "share", 1.0,
                f"{len(late)} calls, SNR {snrs} dB; {note}",
                latest_s=round(max(late), 3),
            )
        )  # fmt: skip
    return Report(tuple(figures))


def _late_starts(calls: Sequence[Samples], snr_db: float | None, *, is_muted: bool) -> list[float]:
    """How much later than the voice each call's transmission begins, in seconds; infinite when none does."""
    channel = Channel(snr_db=snr_db) if is_muted else Channel(snr_db=None, squelch_tail_s=0.0)
    sent = [transmit(clip, channel, seed) for seed, clip in enumerate(calls)]
    joined, placed = conversation(sent, 7, (1.5, 4.0), floor=1e-4 if is_muted else 0.0)
    if not is_muted:
        power = np.mean([float((one**2).mean()) for one in sent]) / 10 ** (
            (30 if snr_db is None else snr_db) / 10
        )
        hiss = np.random.default_rng(8).standard_normal(len(joined))
        joined = joined + hiss * np.sqrt(power * 8_000 / 2_700)
    audio: Pcm = np.clip(np.rint(joined * 32768), -32768, 32767).astype(np.int16)
    segmenter = Segmenter()
    events = [event for at in range(0, len(audio), 1600) for event in segmenter.feed(audio[at : at + 1600])]
    events += segmenter.flush()
    starts = np.array([event.start / RATE_HZ for event in events if isinstance(event, Opened)])
    late = []
    for clip, one in zip(calls, placed, strict=True):
        begun_s = one.start_s + channel.lead_s + _voice_begins_s(clip, 25.0 if is_muted else 12.0)
        own = starts[(starts > one.start_s - 1.0) & (starts < one.end_s)]
        late.append(float(own[0]) - begun_s if own.size else float("inf"))
    return late


def _voice_begins_s(clip: Samples, within_db: float) -> float:
    power = (clip[: len(clip) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64) ** 2).mean(1)
    return float(np.flatnonzero(power > power.max() / 10 ** (within_db / 10))[0]) * FRAME / RATE_HZ


def voice_detector(options: Options) -> Report:
    """Silero against the swelling of the level alone: which calls are speech, which noises are none."""
    vad = Vad()
    calls = [(sound.clean(call), call.file) for call in sound.own_calls()]
    figures = []
    with folder() as where:
        noises = [sound.read(path) for path in sound.wordless(where)]
    judges: dict[str, Callable[[Pcm], Any]] = {
        "silero": vad.speech_probabilities,
        "level_alone": lambda _: None,
    }
    for name, judge in judges.items():
        for snr_db in (*options.snrs_db, 8):
            heard = [_pcm(sound.on_air(clip, file, snr_db)) for clip, file in calls]
            speech = [classify(one, judge(one)).sound_class is SoundClass.SPEECH for one in heard]
            figures.append(
                Figure.noted(
                    f"radios.vad.{name}.speech_found_{snr_db}_db", sum(speech) / len(speech), "share"
                )
            )
        taken = [classify(_pcm(one), judge(_pcm(one))).sound_class is SoundClass.SPEECH for one in noises]
        figures.append(
            Figure.noted(
                f"radios.vad.{name}.noises_taken_for_speech", sum(taken), "sounds", f"of {len(noises)}"
            )
        )
    return Report(tuple(figures))


def _pcm(samples: Samples) -> Pcm:
    return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
