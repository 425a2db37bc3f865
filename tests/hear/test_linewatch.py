"""Hum, clipping, level and silence: told when they last, not when somebody speaks, and never to and fro."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from gateway.hear.linewatch import Latch, LineLimits, LineWatch, hum_of, loud_dbfs
from gateway.model import RATE_HZ, Pcm

CALLS = sorted((Path(__file__).parents[1] / "data" / "calls").glob("*.flac"))
HOUR_S = 3600.0
Floats = npt.NDArray[np.float64]


def hum(seconds: float, dbfs: float, mains_hz: float = 50.0) -> Floats:
    """50 Hz with the harmonics of a rectifier."""
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    weights = {1: 1.0, 2: 0.8, 3: 0.4, 4: 0.3, 6: 0.2}
    sound = sum(w * np.sin(2 * np.pi * mains_hz * k * times + k) for k, w in weights.items())
    return np.asarray(sound / np.sqrt(np.mean(sound**2)) * 10 ** (dbfs / 20))


def pcm(sound: Floats) -> Pcm:
    return np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16)


def call(index: int, gain_db: float = 0.0) -> Pcm:
    """A call of the corpus with its loud parts at -20 dBFS and so much more."""
    samples, _ = soundfile.read(CALLS[index % len(CALLS)], dtype="int16")
    heard: Pcm = samples
    return pcm(heard / 32768 * 10 ** ((gain_db - 20.0 - loud_dbfs(heard)) / 20))


class Line:
    """A watch that hears a tenth of a second at a time, and what it said in the order it began or ended."""

    def __init__(self, limits: LineLimits | None = None, **earlier: str) -> None:
        self.watch = LineWatch(limits, earlier)
        self.at_s = 0.0
        self.said: list[str] = []
        self.before = set(self.watch.troubles)

    def idle(self, sound: Pcm, *, is_idle: bool = True) -> "Line":
        for start in range(0, len(sound), 1600):
            self.at_s += 0.1
            self.watch.hear(sound[start : start + 1600], self.at_s, is_idle=is_idle)
            self.note()
        return self

    def calls(self, *calls: Pcm) -> "Line":
        for one in calls:
            self.watch.transmission(one, self.at_s)
            self.note()
        return self

    def wait(self, hours: float) -> "Line":
        for _ in range(round(hours * 60)):
            self.at_s += 60.0
            self.watch.hear(np.zeros(0, np.int16), self.at_s, is_idle=True)
            self.note()
        return self

    def note(self) -> None:
        now = set(self.watch.troubles)
        self.said += [f"+{what}" for what in sorted(now - self.before)]
        self.said += [f"-{what}" for what in sorted(self.before - now)]
        self.before = now


class TestHum:
    @pytest.mark.parametrize("mains_hz", [49.8, 50.0, 50.2])
    @pytest.mark.parametrize("noise_dbfs", [-90, -55])
    def test_is_told_once_and_ends_once(self, signals: Any, mains_hz: float, noise_dbfs: float) -> None:
        quiet = signals.noise(20.0, noise_dbfs)
        line = Line().idle(pcm(quiet)).idle(pcm(quiet + hum(20.0, -38, mains_hz))).idle(pcm(quiet))
        assert line.said == ["+hum", "-hum"]

    def test_the_message_says_how_loud(self) -> None:
        line = Line().idle(pcm(hum(12.0, -38)))
        assert "hum of -38 dBFS" in line.watch.troubles["hum"]

    def test_what_is_at_the_limit_does_not_flap(self) -> None:
        swaying = np.concatenate([hum(1.0, -45 + (-1) ** second * 2) for second in range(60)])
        assert len(Line().idle(pcm(swaying)).said) <= 1
        told = Line().idle(pcm(hum(10.0, -40)))
        assert told.idle(pcm(swaying)).said == ["+hum"]

    def test_faint_hum_and_other_noise_are_none(self, signals: Any) -> None:
        for sound in (hum(20.0, -52), signals.noise(20.0, -30), signals.tone(20.0, -30, hz=437.0)):
            assert Line().idle(pcm(sound)).said == []

    def test_speech_is_no_hum_even_when_the_squelch_misses_it(self) -> None:
        speech = np.concatenate([call(index) for index in range(0, len(CALLS), 2)])
        assert len(speech) / RATE_HZ > 200
        assert Line().idle(speech).said == []

    def test_what_is_said_over_it_is_not_listened_to(self) -> None:
        assert Line().idle(pcm(hum(20.0, -30)), is_idle=False).said == []

    def test_its_level_is_measured(self, signals: Any) -> None:
        level, share = hum_of(pcm(hum(1.0, -40) + signals.noise(1.0, -40)))
        assert level == pytest.approx(-40, abs=0.7)
        assert 0.3 < share < 0.9


class TestClipping:
    def test_is_told_after_three_clipped_calls_and_ends_after_three_clean_ones(self) -> None:
        line = Line().calls(call(0), call(1), call(2, 30), call(3, 30))
        assert line.said == []
        line.calls(call(4, 30), call(5, 30))
        assert line.said == ["+clipping"]
        line.calls(call(6), call(7), call(8, 30), call(9), call(10))
        assert line.said == ["+clipping"]
        assert line.calls(call(11)).said == ["+clipping", "-clipping"]

    def test_one_who_shouts_is_no_fault(self) -> None:
        assert Line().calls(*(call(index, 30 if index % 3 == 0 else 0) for index in range(30))).said == []


class TestLevel:
    def test_is_told_and_ends(self) -> None:
        line = Line().calls(*(call(index, -30) for index in range(4)))
        assert line.said == ["+level"]
        assert "too low" in line.watch.troubles["level"]
        assert line.calls(*(call(index) for index in range(3))).said == ["+level", "-level"]

    def test_key_ups_without_words_say_nothing_about_it(self, signals: Any) -> None:
        assert Line().calls(*[pcm(signals.noise(0.5, -60))] * 10).said == []

    def test_no_call_of_the_corpus_is_too_low_or_clipped(self) -> None:
        assert Line().calls(*(call(index) for index in range(len(CALLS)))).said == []


class TestSilence:
    def day(self, line: Line) -> Line:
        """Ten busy hours and fourteen quiet ones."""
        for _ in range(10):
            line.calls(call(0)[:100]).wait(0.5).calls(call(0)[:100]).wait(0.5)
        return line.wait(14)

    def test_a_quiet_night_is_no_fault_and_a_quiet_day_is(self) -> None:
        line = self.day(self.day(self.day(Line(LineLimits(silence_h=4.0)))))
        assert line.said == []
        line.wait(10.0)
        assert line.said == ["+silence"]
        assert "nobody was heard for" in line.watch.troubles["silence"]
        line.wait(10.0)
        assert line.said == ["+silence"], "it is told once, and lasts"
        assert line.calls(call(0)[:100]).said == ["+silence", "-silence"]

    def test_a_channel_that_is_seldom_used_may_be_silent(self) -> None:
        line = Line(LineLimits(silence_h=4.0))
        for _ in range(5):
            line.calls(call(0)[:100]).wait(24.0)
        assert line.said == []

    def test_what_an_earlier_run_heard_counts(self) -> None:
        line = Line(LineLimits(silence_h=2.0))
        for hours in np.arange(72, 0, -0.25):
            line.watch.heard_before(-hours * HOUR_S)
        assert line.wait(3.0).said == ["+silence"]


def test_what_was_wrong_before_a_restart_goes_on_until_it_is_over() -> None:
    line = Line(hum="it hums", silence="nobody", level="too low")
    assert line.watch.troubles == {"hum": "it hums", "silence": "nobody", "level": "too low"}
    line.idle(pcm(hum(3.0, -38)))
    assert line.said == []
    line.idle(np.zeros(10 * RATE_HZ, np.int16)).calls(*(call(index) for index in range(3)))
    assert line.said == ["-hum", "-silence", "-level"]


def test_an_alarm_can_be_left_out() -> None:
    off = LineLimits(hum_dbfs=None, clipped_share=None, low_dbfs=None, silence_h=None)
    line = Line(off).idle(pcm(hum(20.0, -30)))
    assert (
        line.calls(*(call(index, 30) for index in range(4)), *(call(index, -40) for index in range(4))).said
        == []
    )


def test_a_latch_needs_as_many_in_a_row_both_ways() -> None:
    latch = Latch(3)
    seen = "110111010001"
    assert [latch.note(present=one == "1", absent=one == "0") for one in seen] == [
        False, False, False, False, False, True, True, True, True, True, False, False,
    ]  # fmt: skip
