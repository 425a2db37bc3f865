"""The main path with words given instead of recognised: order, durability, and what a crash leaves."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gateway.clock import IdSource, ManualClock
from gateway.decodepool import DecodeHung
from gateway.errors import StoreUnavailable
from gateway.events import CloudEvent
from gateway.hear.classify import Classification
from gateway.hear.signalling import encode
from gateway.interpreter import Knowledge
from gateway.knowledge import build_knowledge, read_lexicon
from gateway.listener import Heard, Listener
from gateway.model import End, Pcm, Signalling, SoundClass, Transcript, Transmission, Unit
from gateway.pipeline import RadioPipeline
from gateway.store.records import SpooledAudio
from gateway.store.store import Store
from gateway.timekeeping import ClockReader

START = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
UNITS = (
    Unit("u1", "金穗花园", unit_class="C", radio_ids=("mdc1200:1A2B",)),
    Unit("u2", "棠东小学", unit_class="A"),
    Unit("u3", "五山市场", unit_class="D"),
)
KEPT = SpooledAudio(ref="spool/2026-05-01/x.wav", sha256="00", size_bytes=44, duration_s=3.0)
SPEECH = Classification(SoundClass.SPEECH, 2.0, -20.0, 20.0, 0.0)


def said(text: str, *ids: Signalling) -> Heard:
    return Heard(SPEECH, Transcript(text, text, "given", "given", 0.1, 0.9), ids)


class Bench:
    """One radio's pipeline on a real store, with a clock that stands still."""

    def __init__(self, store: Store, clock: ManualClock, knowledge: Knowledge) -> None:
        self.store = store
        self.clock = clock
        self.ids = IdSource(clock)
        self.next: list[Heard | BaseException] = []
        self.listened = 0
        self.pipeline = RadioPipeline(
            "ch1",
            streets=frozenset(),
            knowledge=lambda: knowledge,
            listen=self._listen,
            store=store,
            ids=self.ids,
            read_clock=ClockReader(clock),
        )

    async def _listen(self, _audio: Pcm) -> Heard:
        self.listened += 1
        heard = self.next.pop(0)
        if isinstance(heard, BaseException):
            raise heard
        return heard

    def transmission(self, **changes: object) -> Transmission:
        given: dict[str, object] = {
            "id": self.ids.new(),
            "radio_id": "ch1",
            "started_at": self.clock.now(),
            "duration_s": 3.0,
            "audio": np.ones(48_000, np.int16),
            "end": End.SILENCE,
        }
        return Transmission(**{**given, **changes})  # type: ignore[arg-type]

    async def say(self, heard: Heard | str) -> list[CloudEvent]:
        self.next.append(said(heard) if isinstance(heard, str) else heard)
        events = await self.pipeline.take(self.transmission(), KEPT)
        self.clock.advance(5)
        return events


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    counter = iter(range(1000))
    return build_knowledge(UNITS, "指挥中心", read_lexicon(), lambda: f"incident-{next(counter)}")


@pytest.fixture
def on_bench(tmp_path: Path, knowledge: Knowledge) -> Callable[[Callable[[Bench], Awaitable[None]]], None]:
    def run(scene: Callable[[Bench], Awaitable[None]]) -> None:
        async def with_store() -> None:
            clock = ManualClock(START)
            store = await Store.open(tmp_path, "urn:radio-gateway:a:b:c", clock)
            try:
                await scene(Bench(store, clock, knowledge))
            finally:
                await store.close()

        asyncio.run(with_store())

    return run


OnBench = Callable[[Callable[[Bench], Awaitable[None]]], None]


def test_the_transmission_comes_before_what_it_caused(on_bench: OnBench) -> None:
    async def scene(bench: Bench) -> None:
        events = await bench.say("指挥中心,我是金穗花园,2号楼着火了,请求消防支援")

        assert [event.kind for event in events] == ["transmission.received", "incident.opened"]
        received, opened = events
        assert opened.causationid == received.id
        assert received.data["incident_id"] == opened.subject == opened.data["incident_id"]
        assert opened.data["evidence"][0]["transmission_id"] == received.data["transmission_id"]

    on_bench(scene)


def test_a_unit_just_called_is_the_likely_speaker(on_bench: OnBench) -> None:
    async def scene(bench: Bench) -> None:
        await bench.say("指挥中心呼叫棠东小学,收到请回答")

        assert bench.pipeline._interpreter._expected(bench.clock.now()) == {"u2"}
        bench.clock.advance(3600)
        assert bench.pipeline._interpreter._expected(bench.clock.now()) == frozenset()

    on_bench(scene)


def test_a_registered_radio_id_decides_who_calls(on_bench: OnBench) -> None:
    async def scene(bench: Bench) -> None:
        events = await bench.say(said("有紧急情况汇报", Signalling("mdc1200", "1A2B", 0.1)))

        caller = events[0].data["caller"]
        assert (caller["unit_id"], caller["by"]) == ("u1", ["mdc1200"])

    on_bench(scene)


def test_what_was_not_recognised_goes_to_a_person(on_bench: OnBench) -> None:
    async def scene(bench: Bench) -> None:
        silent = Transcript("", "", "given", "given", 0.0)
        events = await bench.say(Heard(SPEECH, silent, failure="the model failed"))

        assert events[0].data["review"] == {"required": True, "reasons": ["not_recognised"]}

    on_bench(scene)


def test_a_refusing_store_leaves_everything_as_it_was(
    on_bench: OnBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(bench: Bench) -> None:
        call = bench.transmission()
        bench.next = [said("指挥中心,我是金穗花园,有人打架"), said("指挥中心,我是金穗花园,有人打架")]

        async def refuse(*_: object, **__: object) -> list[CloudEvent]:
            raise StoreUnavailable("disk full")

        with monkeypatch.context() as patched:
            patched.setattr(bench.store, "commit", refuse)
            with pytest.raises(StoreUnavailable):
                await bench.pipeline.take(call, KEPT)
        assert bench.pipeline.open_incidents == ()

        events = await bench.pipeline.take(call, KEPT)

        assert [event.kind for event in events] == ["transmission.received", "incident.opened"]
        assert int(events[0].sequence) == 1

    on_bench(scene)


def test_what_the_store_refuses_is_foretold_with_the_ids_it_will_have(on_bench: OnBench) -> None:
    async def scene(bench: Bench) -> None:
        texts = (
            "指挥中心,我是金穗花园,有人打架",
            "收到,最小应急单元马上到",
            "指挥中心,我是五山市场,三楼着火了",
        )
        calls = []
        for text in texts:
            calls.append(bench.transmission())
            bench.next.append(said(text))
            bench.clock.advance(5)
        told = [one for call in calls for one in await bench.pipeline.foretell(call, None)]
        opened = list(dict.fromkeys(one.incident_id for one in told))
        assert len(opened) == 2
        assert bench.pipeline.open_incidents == ()
        assert [await bench.pipeline.foretell(call, None) for call in calls] == [(), (), ()]

        events = [await bench.pipeline.take(calls[0], KEPT)]
        assert bench.pipeline.unfulfilled() == frozenset(), "the others are still to come"
        events += [await bench.pipeline.take(call, KEPT) for call in calls[1:]]

        stored = [event for one in events for event in one if event.kind.startswith("incident.")]
        assert [(event.data["incident_id"], event.data["revision"]) for event in stored] == [
            (one.incident_id, one.revision) for one in told
        ]
        assert bench.listened == 3, "each was listened to once"
        assert bench.pipeline.unfulfilled() == frozenset()

    on_bench(scene)


def test_an_incident_foretold_that_did_not_come_to_be_is_named(on_bench: OnBench) -> None:
    async def scene(bench: Bench) -> None:
        call = bench.transmission()
        bench.next.append(said("指挥中心,我是金穗花园,有人打架"))
        (incident,) = await bench.pipeline.foretell(call, None)
        await bench.pipeline.take(replace(call, audio=np.empty(0, np.int16)), None)

        assert bench.pipeline.unfulfilled() == {incident.incident_id}
        assert bench.pipeline.unfulfilled() == frozenset()

    on_bench(scene)


def test_a_transmission_that_keeps_killing_the_process_is_set_aside(on_bench: OnBench) -> None:
    class Crash(BaseException):
        """Stands for the process dying: nothing after it runs."""

    async def scene(bench: Bench) -> None:
        poison = bench.transmission()
        for _ in range(2):
            bench.next = [Crash()]
            with pytest.raises(Crash):
                await bench.pipeline.take(poison, KEPT)
            bench.pipeline._begun = ""  # a new process does not remember

        events = await bench.pipeline.take(poison, KEPT)

        assert bench.listened == 2
        assert events[0].data["review"]["reasons"] == ["not_recognised"]
        assert await bench.store.unfinished() == []

    on_bench(scene)


def test_a_transmission_whose_audio_is_gone_is_still_told(on_bench: OnBench) -> None:
    async def scene(bench: Bench) -> None:
        events = await bench.pipeline.take(bench.transmission(audio=np.empty(0, np.int16)), None)

        assert bench.listened == 0
        assert events[0].data["audio"] is None
        assert events[0].data["review"]["required"]

    on_bench(scene)


def test_the_conversation_outlives_the_process(on_bench: OnBench) -> None:
    async def scene(bench: Bench) -> None:
        await bench.say("指挥中心,我是金穗花园,有紧急情况汇报")

        stored = await bench.store.conversations()

        assert list(stored) == ["ch1"]
        again = RadioPipeline(
            "ch1",
            streets=frozenset(),
            knowledge=bench.pipeline._interpreter._knowledge,
            listen=bench._listen,
            store=bench.store,
            ids=bench.ids,
            read_clock=ClockReader(bench.clock),
            conversation=type(bench.pipeline._conversation).model_validate_json(stored["ch1"]),
        )
        assert again.open_incidents == bench.pipeline.open_incidents
        bench.next = [said("3号楼有人要跳楼,请求消防支援")]
        events = await again.take(bench.transmission(), KEPT)
        assert events[1].kind == "incident.updated"
        assert events[1].data["revision"] == 2

    on_bench(scene)


def test_tones_before_the_voice_are_read_by_the_listener() -> None:
    class NoVoice:
        def speech_probabilities(self, audio: Pcm) -> np.ndarray:
            return np.zeros(len(audio) // 512, np.float32)

    class NoWords:
        engine = model = "none"

        def transcribe(self, _audio: Pcm) -> Transcript:
            raise AssertionError("there is no voice to read")

        def close(self) -> None: ...

    burst = encode.mdc1200("1A2B")
    heard = Listener(NoVoice(), NoWords(), pool=None)._listen(burst)  # type: ignore[arg-type]

    assert [(one.system, one.id) for one in heard.signalling] == [("mdc1200", "1A2B")]


def test_time_in_events_is_when_it_was_on_the_air(on_bench: OnBench) -> None:
    async def scene(bench: Bench) -> None:
        call = bench.transmission()
        bench.clock.advance(120)
        bench.next = [said("指挥中心,我是金穗花园,有人打架")]

        events = await bench.pipeline.take(call, KEPT)

        assert all(event.time == call.started_at for event in events)
        assert events[0].time < bench.clock.now() - timedelta(seconds=100)

    on_bench(scene)


def test_stopping_in_good_order_is_no_crash(on_bench: OnBench) -> None:
    async def scene(bench: Bench) -> None:
        call = bench.transmission()
        for _ in range(5):
            bench.next = [asyncio.CancelledError()]
            with pytest.raises(asyncio.CancelledError):
                await bench.pipeline.take(call, KEPT)
        bench.next = [said("指挥中心,我是金穗花园,有人打架")]

        events = await bench.pipeline.take(call, KEPT)

        assert [event.kind for event in events] == ["transmission.received", "incident.opened"]

    on_bench(scene)


def test_a_bug_costs_the_words_of_one_transmission_only(on_bench: OnBench) -> None:
    async def scene(bench: Bench) -> None:
        events = await bench.say(ZeroDivisionError("a bug"))  # type: ignore[arg-type]

        assert events[0].data["review"]["reasons"] == ["not_recognised"]
        assert [event.kind for event in await bench.say("指挥中心,我是棠东小学,有人打架")][
            1
        ] == "incident.opened"

    on_bench(scene)


def test_a_decode_that_hangs_is_tried_once_more_and_then_set_aside(
    on_bench: OnBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(bench: Bench) -> None:
        bench.next = [DecodeHung("hung"), said("金穗花园收到")]
        (event,) = await bench.pipeline.take(bench.transmission(), KEPT)
        assert event.data["transcript"]["text"] == "金穗花园收到"

        real, refusals = bench.store.commit, [2]

        async def refuse(*arguments: object, **options: object) -> list[CloudEvent]:
            if refusals[0]:
                refusals[0] -= 1
                raise StoreUnavailable("disk full")
            return await real(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(bench.store, "commit", refuse)
        bench.next = [DecodeHung("hung"), DecodeHung("hung")]
        transmission = bench.transmission()
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await bench.pipeline.take(transmission, KEPT)
        (event,) = await bench.pipeline.take(transmission, KEPT)
        assert event.data["review"]["required"]
        assert event.data["audio"]["ref"] == KEPT.ref
        assert bench.listened == 4, "while the store refuses it is not decoded again"

    on_bench(scene)
