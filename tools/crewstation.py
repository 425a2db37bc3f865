"""The daemon on a virtual radio with a crew: `python -m tools.crewstation CONFIG CREW`.

CREW is JSON: `prompt_s`, how long the gateway takes to say anything; `answers`, for each unit's name what it
does when it is called for the first, second, … time (the last again and again): null for silence, or
`delay_s` and a recording as `file`, or `dtmf`, digits that its radio sends, or the one and then the other;
`noise_dbfs`, `lead_s` and `tail_s` as in a script. `drill` holds for each unit's name the answers to the
first order that names it, each with a word for what it says as `step`; ordered again it says the first once
more, as step `again`. With `gap_s` a drill's crew listens before it keys and waits until the channel has been
free for so long; without it everybody talks over everybody. Where everybody sends digits nothing is
recognised: whoever sends registered ones has said 收到,在岗3人, or with a `tail_s` of 2 that three are there,
so that a process starts in no time. What the crew did is printed as JSON lines, in the radio's seconds: when
it was keyed and released, when each answer began.
"""

import asyncio
import json
import signal
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import soundfile

from drivers.virtualradio import KeyUp as HeardKeyUp
from drivers.virtualradio import Reply, VirtualRadio
from gateway.app import Daemon
from gateway.config import Config, RadioSettings, load_config
from gateway.hear import signalling
from gateway.hear.classify import Classification
from gateway.hear.signalling import encode
from gateway.listener import CALLER_IDS, Heard
from gateway.log import configure_log
from gateway.model import RATE_HZ, Pcm, SoundClass, Transcript
from gateway.speak.transmitter import KeysUp, KeyUp
from gateway.speak.utterance import Utterance

Crew = dict[str, Any]
IS_THERE_S = 2.5
"""Digits with so much behind them say that somebody has arrived."""


class Hum:
    """A voice for where nobody listens: each text is a noise of its own, all of one length."""

    def __init__(self, length_s: float) -> None:
        self._length = round(length_s * RATE_HZ)
        self.texts: dict[bytes, str] = {}

    async def render(self, text: str) -> Utterance:
        """Make a noise."""
        draw = np.random.default_rng(list(text.encode()))
        pcm = draw.integers(-3000, 3000, self._length).astype(np.int16)
        self.texts[pcm.tobytes()] = text
        return Utterance(text, "hum", pcm)

    async def look(self) -> None:
        """Nothing can be wrong."""

    def close(self) -> None:
        """Nothing is open."""


class Noting:
    """A key that remembers what was said last."""

    def __init__(self, key: KeysUp) -> None:
        self._key = key
        self.said = b""

    async def transmit(self, pcm: Pcm) -> KeyUp:
        """Key up, play, release."""
        self.said = pcm.tobytes()
        return await self._key.transmit(pcm)

    async def ready(self) -> None:
        """Open what it is keyed through."""
        await self._key.ready()

    def longest_s(self) -> float:
        """How long one key-up may be."""
        return self._key.longest_s()

    def cut(self) -> None:
        """Release the key now."""
        self._key.cut()


class Station(Daemon):
    """The daemon with a mouth for each virtual radio, and somebody who answers."""

    def __init__(self, config: Config, crew: Crew) -> None:
        super().__init__(config)
        self._crew = crew
        self._virtual: list[VirtualRadio] = []
        self._drill: Crew = crew.get("drill", {})
        told = [does for one in (*crew["answers"].values(), *self._drill.values()) for does in one if does]
        self._sounds = {(does.get("file", ""), does.get("dtmf", "")): _samples(does) for does in told}
        self._notes: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._write, name="notes", daemon=True).start()
        self._calls: dict[str, int] = {}
        self._on_their_way: set[str] = set()
        self._taken: dict[str, list[tuple[float, float]]] = {}
        """When a drill's crew is on the air or will be, by radio."""

    async def _load_listener(self) -> Any:
        whole = (*self._crew["answers"].values(), *self._drill.values())
        answers = [one for told in whole for one in told if one]
        if any("dtmf" not in one for one in answers):
            return await super()._load_listener()
        return DigitListener()

    def _add_radio(self, settings: RadioSettings) -> None:
        """Let a hum speak through the radio's own transmitter, and the crew answer what it hums."""
        voice = Hum(self._crew["prompt_s"])
        self._speaking._voices = voice  # type: ignore[assignment]  # noqa: SLF001 - nobody waits for a real one
        super()._add_radio(settings)
        transmitter = self._speaking.transmitters[settings.id]
        key = transmitter._key = Noting(transmitter._key)  # noqa: SLF001
        radio = VirtualRadio.named(settings.source.options["radio"])
        radio.crew = lambda key_up: self._answer(settings.id, voice.texts.get(key.said, ""), key_up)
        self._virtual.append(radio)

    def _answer(self, radio: str, text: str, key_up: HeardKeyUp) -> list[Reply]:
        self._note(radio=radio, said=text, keyed_s=key_up.started_s, released_s=key_up.ended_s)
        # Behind the order stands the place, which is named like the unit on the spot.
        called = text.rpartition("立即")[0]
        ordered = [name for name in self._drill if "演练," in called and name in called]
        if ordered:
            # Who is on its way does not set out again; a new process knows of nobody.
            told = [
                (name, does)
                for name in ordered
                for does in (
                    [self._drill[name][0] | {"step": "again"}]
                    if name in self._on_their_way
                    else self._drill[name]
                )
            ]
            self._on_their_way.update(ordered)
            told.sort(key=lambda one: one[1]["delay_s"])
            return [self._reply(radio, name, does, key_up) for name, does in told]
        name = next((name for name in self._crew["answers"] if f"呼叫{name}," in text), None)
        if name is None:
            return []
        told = self._crew["answers"][name]
        self._calls[name] = self._calls.get(name, 0) + 1
        does = told[min(self._calls[name], len(told)) - 1]
        return [] if does is None else [self._reply(radio, name, does, key_up)]

    def _reply(self, radio: str, name: str, does: Crew, key_up: HeardKeyUp) -> Reply:
        lead_s, tail_s = does.get("lead_s", 0.0), does.get("tail_s", 0.0)
        sound = self._sounds[does.get("file", ""), does.get("dtmf", "")]
        length_s = lead_s + len(sound) / RATE_HZ + tail_s
        delay_s = self._free_after(radio, key_up.ended_s, does["delay_s"], length_s)
        reply = Reply(delay_s, sound, does.get("noise_dbfs"), lead_s, tail_s)
        began_s = key_up.ended_s + delay_s
        self._note(
            radio=radio, unit=name, call=self._calls.get(name, 0), step=does.get("step"), after_s=delay_s,
            began_s=began_s, ended_s=began_s + length_s,
        )  # fmt: skip
        return reply

    def _free_after(self, radio: str, since_s: float, delay_s: float, length_s: float) -> float:
        """How long after `since_s` the channel is free for `length_s`, `delay_s` at least."""
        gap_s = self._crew.get("gap_s")
        if gap_s is None:
            return delay_s
        taken = self._taken.setdefault(radio, [])
        for begun_s, until_s in sorted(taken):
            began_s = since_s + delay_s
            if began_s < until_s + gap_s and began_s + length_s + gap_s > begun_s:
                delay_s = until_s + gap_s - since_s
        taken.append((since_s + delay_s, since_s + delay_s + length_s))
        return delay_s

    def _note(self, **what: Any) -> None:
        """Have it written by another thread.

        The crew decides while the key is being released: each wait for the interpreter would be taken from
        the answer times, 60 ms of them where a whole line was ordered on a busy machine.
        """
        self._notes.put(json.dumps(what, ensure_ascii=False))

    def _write(self) -> None:
        while True:
            print(self._notes.get(), flush=True)


class DigitListener:
    """Takes whoever sends digits for somebody who answers."""

    recogniser = None

    async def __call__(self, audio: Pcm) -> Heard:
        """Listen, in no time."""
        ids = signalling.decode(audio, CALLER_IDS)
        is_there = len(audio) > IS_THERE_S * RATE_HZ
        text = ("3人到达现场,装备齐全" if is_there else "收到,在岗3人") if ids else ""
        sound = Classification(SoundClass.SPEECH, 1.0, -20.0, 20.0, 0.0)
        return Heard(sound, Transcript(text, text, "digits", "digits", 0.0, 0.9), ids)

    def close(self) -> None:
        """Nothing to free."""


def _samples(does: dict[str, Any]) -> Any:
    """What is heard of an answer; read beforehand, as the key is released only when the crew has decided."""
    speech = soundfile.read(does["file"], dtype="float32")[0] if "file" in does else np.empty(0, np.float32)
    if "dtmf" not in does:
        return speech
    return np.concatenate([speech, encode.dtmf(does["dtmf"]).astype(np.float32) / 32768.0])


async def run(config: Config, crew: Crew) -> None:
    """Run until asked to stop."""
    daemon = Station(config, crew)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, daemon.ask_to_stop)
    try:
        await daemon.start()
        await daemon.wait()
    finally:
        await daemon.stop()


def main() -> None:
    config = load_config(Path(sys.argv[1]))
    configure_log(config.log.level)
    asyncio.run(run(config, json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
