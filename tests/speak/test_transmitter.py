"""Turns, the wait for a free channel, and every way in which something is not said."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from gateway.clock import SystemClock
from gateway.events import AudioRef
from gateway.model import RATE_HZ, Pcm
from gateway.speak.transmitter import KeyUp, KeyUpFailed, NotSpoken, Sent, Spoken, Transmitter
from gateway.speak.utterance import NoVoice, Utterance


class OneVoice:
    async def render(self, text: str) -> Utterance:
        if "?" in text:
            raise NoVoice("nobody can say that")
        return Utterance(text, "test", np.zeros(round(RATE_HZ * 0.01 * len(text)), np.int16))


@dataclass
class Key:
    clock: SystemClock
    played: list[int] = field(default_factory=list)
    fails: str = ""
    ended: Any = "complete"
    is_cut: asyncio.Event = field(default_factory=asyncio.Event)
    plays: bool = False

    async def transmit(self, pcm: Pcm) -> KeyUp:
        if self.fails:
            raise KeyUpFailed(self.fails)
        self.played.append(len(pcm))
        pressed_s = self.clock.monotonic_s()
        if self.plays:
            await self.is_cut.wait()
            return KeyUp(pressed_s, self.clock.monotonic_s(), "stopped", "cut")
        return KeyUp(pressed_s, pressed_s + 1.0, self.ended, "why")

    async def ready(self) -> None:
        if self.fails:
            raise KeyUpFailed(self.fails)

    def longest_s(self) -> float:
        return 1.0

    def cut(self) -> None:
        self.is_cut.set()


@dataclass
class Station:
    transmitter: Transmitter
    key: Key
    sent: list[Sent]
    states: list[bool]
    busy: list[bool]
    unsaid: list[str]


def with_station(check: Callable[[Station], Awaitable[None]], busy_wait_s: float = 0.3) -> None:
    async def run() -> None:
        clock = SystemClock()
        key, sent, states, busy = Key(clock), list[Sent](), list[bool](), [False]
        ids = iter(range(1000))

        async def keep(_id: str, _at: datetime, pcm: Pcm) -> AudioRef | None:
            return AudioRef(ref="x", sha256="y", size_bytes=len(pcm))

        async def on_sent(one: Sent) -> None:
            sent.append(one)

        unsaid: list[str] = []

        async def on_unsaid(sent_id: str, audio: AudioRef | None) -> None:
            assert audio is not None
            unsaid.append(sent_id)

        transmitter = Transmitter(
            "ch1", voice=OneVoice(), key=key, is_busy=lambda: busy[0], busy_wait_s=busy_wait_s, clock=clock,
            new_id=lambda: f"t{next(ids)}", keep=keep, on_sent=on_sent, on_unsaid=on_unsaid,
            on_state=states.append,
        )  # fmt: skip
        transmitter.start()
        try:
            await asyncio.wait_for(check(Station(transmitter, key, sent, states, busy, unsaid)), 20)
        finally:
            await transmitter.stop()

    asyncio.run(run())


def test_what_is_said_is_told_with_the_times_of_the_key() -> None:
    async def check(station: Station) -> None:
        outcome = await station.transmitter.say("收到", correlation_id="rc-1")
        assert isinstance(outcome, Spoken)
        assert (outcome.ended_at - outcome.started_at).total_seconds() == pytest.approx(1.0, abs=0.01)
        assert outcome.duration_s == pytest.approx(1.0)
        assert outcome.audio is not None
        (sent,) = station.sent
        assert (sent.transmission_id, sent.text, sent.voice) == (outcome.transmission_id, "收到", "test")
        assert (sent.ended, sent.correlation_id) == ("complete", "rc-1")
        assert station.states == [True, False]

    with_station(check)


def test_turns_are_taken_in_order_and_urgent_goes_first() -> None:
    async def check(station: Station) -> None:
        station.busy[0] = True
        said = [asyncio.create_task(station.transmitter.say("一" * n)) for n in (1, 2, 3)]
        await asyncio.sleep(0.1)
        urgent = asyncio.create_task(station.transmitter.say("一" * 9, priority="urgent"))
        said[1].cancel()
        await asyncio.sleep(0)
        station.busy[0] = False
        await asyncio.gather(said[0], said[2], urgent)
        assert [round(n / 160) for n in station.key.played] == [1, 9, 3]

    with_station(check, busy_wait_s=5.0)


@pytest.mark.parametrize(
    ("text", "reason"), [("?", "no_voice"), ("一" * 200, "timed_out")], ids=["no voice", "too long"]
)
def test_what_cannot_be_said_never_keys_up(text: str, reason: str) -> None:
    async def check(station: Station) -> None:
        outcome = await station.transmitter.say(text)
        assert isinstance(outcome, NotSpoken)
        assert outcome.reason == reason
        assert station.key.played == []
        assert station.sent == []

    with_station(check)


def test_a_busy_channel_is_waited_for_and_then_given_up() -> None:
    async def check(station: Station) -> None:
        station.busy[0] = True
        outcome = await station.transmitter.say("收到")
        assert isinstance(outcome, NotSpoken)
        assert outcome.reason == "busy"
        assert station.unsaid == ["t0"], "what was kept of it can go"
        later = asyncio.create_task(station.transmitter.say("收到"))
        await asyncio.sleep(0.1)
        assert not later.done()
        station.busy[0] = False
        assert isinstance(await later, Spoken)
        assert station.unsaid == ["t0"]

    with_station(check)


def test_a_device_that_fails_is_told_and_the_next_one_is_said() -> None:
    async def check(station: Station) -> None:
        station.key.fails = "unplugged"
        outcome = await station.transmitter.say("收到")
        assert isinstance(outcome, NotSpoken)
        assert (outcome.reason, outcome.message) == ("device", "unplugged")
        assert station.sent == []
        station.key.fails = ""
        assert isinstance(await station.transmitter.say("收到"), Spoken)

    with_station(check)


def test_a_key_up_cut_by_the_time_out_timer_is_sent_but_not_spoken() -> None:
    async def check(station: Station) -> None:
        station.key.ended = "timed_out"
        outcome = await station.transmitter.say("收到")
        assert isinstance(outcome, NotSpoken)
        assert (outcome.reason, outcome.message) == ("timed_out", "why")
        assert [one.ended for one in station.sent] == ["timed_out"]

    with_station(check)


def test_stopping_cuts_what_is_on_the_air_and_refuses_what_waits() -> None:
    async def check(station: Station) -> None:
        station.key.plays = True
        said = [asyncio.create_task(station.transmitter.say("收到")) for _ in range(3)]
        await asyncio.sleep(0.05)
        await station.transmitter.stop()
        outcomes = await asyncio.gather(*said)
        assert [one.reason for one in outcomes if isinstance(one, NotSpoken)] == ["stopped"] * 3
        late = await station.transmitter.say("收到")
        assert isinstance(late, NotSpoken)
        assert late.reason == "stopped"

    with_station(check)


def test_preparing_tells_what_cannot_be_spoken() -> None:
    async def check(station: Station) -> None:
        assert await station.transmitter.prepare(["收到", "?"]) == ("?",)
        assert station.key.played == []

    with_station(check)


def test_a_device_in_trouble_is_tried_until_it_is_back_though_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.speak.transmitter.TRY_AGAIN_S", 0.02)

    async def check(station: Station) -> None:
        troubles: list[str | None] = []
        monkeypatch.setattr(station.transmitter, "_on_trouble", troubles.append)
        station.key.fails = "unplugged"
        await station.transmitter.say("收到")
        await asyncio.sleep(0.1)
        assert set(troubles) == {"unplugged"}
        station.key.fails = ""
        await asyncio.sleep(0.1)
        assert troubles[-1] is None
        assert troubles.count(None) == 1
        assert station.key.played == []

    with_station(check)


def test_what_an_earlier_run_met_is_tried_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.speak.transmitter.TRY_AGAIN_S", 0.02)

    async def run() -> None:
        troubles: list[str | None] = []
        clock = SystemClock()

        async def on_sent(_: Sent) -> None: ...

        async def keep(_id: str, _at: datetime, _pcm: Pcm) -> AudioRef | None:
            return None

        transmitter = Transmitter(
            "ch1", voice=OneVoice(), key=Key(clock), is_busy=lambda: False, busy_wait_s=1.0, clock=clock,
            new_id=lambda: "t1", keep=keep, on_sent=on_sent, on_trouble=troubles.append,
        )  # fmt: skip
        transmitter.doubt()
        transmitter.start()
        await asyncio.sleep(0.2)
        await transmitter.stop()
        assert troubles == [None]

    asyncio.run(run())
