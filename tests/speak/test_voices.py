"""Which voice speaks, what is kept on disk, and that each of the real ones can be used."""

import asyncio
import importlib.util
import os
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from gateway.model import RATE_HZ, Pcm
from gateway.speak.espeak import Espeak
from gateway.speak.kokoro import VOICES, Kokoro
from gateway.speak.prompts import Prompts
from gateway.speak.sound import PEAK_DBFS, at_level, joined, level_dbfs, trimmed
from gateway.speak.utterance import NoVoice
from gateway.speak.voicecache import VoiceCache
from gateway.speak.voices import Voices


def tone(seconds: float, amplitude: float = 0.3, hz: float = 440.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)


def pcm_tone(seconds: float) -> Pcm:
    return (tone(seconds) * 32767).astype(np.int16)


class Counted:
    """A voice that says a tone, and counts how often it was asked."""

    def __init__(self, name: str = "counted", refuses: str = "") -> None:
        self.name = name
        self.cache_key: str | None = name
        self.faults: tuple[str, ...] = ()
        self.said: list[str] = []
        self._refuses = refuses

    def look(self) -> None: ...

    def speak(self, text: str) -> Pcm:
        self.said.append(text)
        if self._refuses:
            raise NoVoice(self._refuses)
        return pcm_tone(0.5)


@pytest.fixture
def cache(tmp_path: Path) -> VoiceCache:
    return VoiceCache(tmp_path, 1_000_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "prompts"
    path.mkdir()
    return path


class TestPrompts:
    def test_a_recording_of_any_kind_is_found_by_what_is_said(self, folder: Path) -> None:
        soundfile.write(folder / "收到，请讲.wav", tone(0.5, rate_hz=44_100), 44_100)
        stereo = np.stack([tone(0.4, rate_hz=8_000)] * 2, axis=1)
        soundfile.write(folder / "greeting.flac", stereo, 8_000)
        (folder / "greeting.txt").write_text("各单位注意，现在点名。\n", encoding="utf-8")
        prompts = Prompts(folder)
        assert len(prompts.speak("收到请讲！")) == pytest.approx(0.5 * RATE_HZ, rel=0.02)
        assert len(prompts.speak("各单位注意 现在点名")) == pytest.approx(0.4 * RATE_HZ, rel=0.02)
        assert prompts.faults == ()

    def test_clauses_make_a_text_when_every_one_is_recorded(self, folder: Path) -> None:
        soundfile.write(folder / "华夏A区.wav", tone(0.5), RATE_HZ)
        soundfile.write(folder / "请回答.wav", tone(0.3), RATE_HZ)
        prompts = Prompts(folder)
        assert len(prompts.speak("华夏A区，请回答。")) == pytest.approx(1.0 * RATE_HZ, rel=0.02)
        with pytest.raises(NoVoice, match="nobody has recorded"):
            prompts.speak("华夏A区，请讲。")

    def test_a_recording_put_there_later_is_found(self, folder: Path) -> None:
        prompts = Prompts(folder)
        with pytest.raises(NoVoice):
            prompts.speak("收到")
        soundfile.write(folder / "收到.wav", tone(0.5), RATE_HZ)
        assert prompts.speak("收到").size

    def test_bad_recordings_are_named_and_harm_nothing(self, folder: Path) -> None:
        (folder / "收到.wav").write_bytes(b"not a wave file")
        soundfile.write(folder / "请讲.wav", tone(0.5), RATE_HZ)
        soundfile.write(folder / "请讲 .wav", tone(0.5), RATE_HZ)
        soundfile.write(folder / "！.wav", tone(0.5), RATE_HZ)
        soundfile.write(folder / "安静.wav", np.zeros(8000), RATE_HZ)
        prompts = Prompts(folder)
        assert prompts.speak("请讲").size
        for text in ("收到", "安静"):
            with pytest.raises(NoVoice, match=text):
                prompts.speak(text)
        assert len(prompts.faults) == 3
        assert any("收到.wav" in fault for fault in prompts.faults)

    def test_bad_recordings_are_told_before_anything_is_said_and_when_they_are_mended(
        self, folder: Path, cache: VoiceCache
    ) -> None:
        (folder / "收到.wav").write_bytes(b"not a wave file")
        told: list[tuple[str, ...]] = []

        async def run() -> None:
            voices = Voices([Prompts(folder), Counted()], cache, -20.0, on_faults=told.append)
            await voices.look()
            assert (await voices.render("收到")).voice == "counted"
            await voices.render("收到")
            soundfile.write(folder / "收到.wav", tone(0.5), RATE_HZ)
            assert (await voices.render("收到")).voice == "prompts"
            voices.close()

        asyncio.run(run())
        assert len(set(told[:3])) == 1
        assert len(told[0]) == 1
        assert "收到.wav" in told[0][0]
        assert told[3] == ()

    def test_no_folder_is_no_fault(self, tmp_path: Path) -> None:
        prompts = Prompts(tmp_path / "nowhere")
        with pytest.raises(NoVoice):
            prompts.speak("收到")
        assert prompts.faults == ()


class TestCache:
    def test_what_was_rendered_is_not_rendered_again_also_after_a_restart(self, tmp_path: Path) -> None:
        voice = Counted()
        for _ in range(2):
            voices = Voices([voice], VoiceCache(tmp_path, 1_000_000), -20.0)
            first, again = voices.speak("收到"), voices.speak("收到")
            assert np.array_equal(first.pcm, again.pcm)
            voices.close()
        assert voice.said == ["收到"]

    def test_another_voice_or_text_is_another_entry(self, cache: VoiceCache) -> None:
        cache.keep("a", "收到", pcm_tone(0.5))
        assert cache.find("b", "收到") is None
        assert cache.find("a", "收到！") is None
        found = cache.find("a", "收到")
        assert found is not None
        assert np.array_equal(found, pcm_tone(0.5))

    def test_its_size_is_bounded_and_the_longest_unused_goes(self, tmp_path: Path) -> None:
        noise = np.random.default_rng(0).integers(-9000, 9000, RATE_HZ).astype(np.int16)
        cache = VoiceCache(tmp_path, 200_000)
        for number in range(12):
            cache.keep("a", f"text {number}", noise)
            if number > 1:
                assert cache.find("a", "text 0") is not None
                for path in tmp_path.rglob("*.flac"):
                    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 10))
                assert cache.find("a", "text 0") is not None
        kept = list(tmp_path.rglob("*.flac"))
        assert sum(path.stat().st_size for path in kept) <= 200_000
        assert len(kept) >= 4
        assert cache.find("a", "text 11") is not None
        assert cache.find("a", "text 1") is None
        assert not list(tmp_path.rglob("*.tmp"))

    def test_a_damaged_file_is_made_again(self, tmp_path: Path) -> None:
        voice = Counted()
        voices = Voices([voice], VoiceCache(tmp_path, 1_000_000), -20.0)
        voices.speak("收到")
        (kept,) = tmp_path.rglob("*.flac")
        kept.write_bytes(b"damaged")
        assert voices.speak("收到").pcm.size
        assert voice.said == ["收到"] * 2
        voices.close()

    def test_a_disk_that_refuses_costs_the_copy_only(self, tmp_path: Path) -> None:
        (tmp_path / "voice").write_text("in the way")
        voices = Voices([Counted()], VoiceCache(tmp_path, 1_000_000), -20.0)
        assert voices.speak("收到").pcm.size
        voices.close()

    def test_a_text_cannot_name_a_path(self, cache: VoiceCache, tmp_path: Path) -> None:
        cache.keep("../../evil", "../../../etc/passwd\0", pcm_tone(0.1))
        (kept,) = tmp_path.rglob("*.flac")
        assert kept.parent.parent == tmp_path / "voice"


class TestOrder:
    def test_the_first_voice_that_can_speaks(self, cache: VoiceCache) -> None:
        first, second = Counted("first", refuses="hoarse"), Counted("second")
        voices = Voices([first, second], cache, -20.0)
        assert voices.speak("收到").voice == "second"
        voices.close()

    def test_when_none_can_each_says_why(self, cache: VoiceCache) -> None:
        voices = Voices([Counted("first", refuses="hoarse"), Counted("second", refuses="mute")], cache, -20.0)
        with pytest.raises(NoVoice, match="first: hoarse; second: mute"):
            voices.speak("收到")
        voices.close()

    def test_a_text_of_punctuation_is_nothing_to_say(self, cache: VoiceCache) -> None:
        voices = Voices([Counted()], cache, -20.0)
        with pytest.raises(NoVoice, match="nothing to say"):
            voices.speak("。！")
        voices.close()

    def test_rendering_never_holds_up_the_loop(self, cache: VoiceCache) -> None:
        gate = threading.Event()

        class Slow(Counted):
            def speak(self, text: str) -> Pcm:
                assert gate.wait(10)
                return super().speak(text)

        async def run() -> None:
            voices = Voices([Slow()], cache, -20.0)
            rendering = asyncio.create_task(voices.render("收到"))
            await asyncio.sleep(0.05)
            assert not rendering.done()
            gate.set()
            assert (await rendering).voice == "counted"
            voices.close()

        asyncio.run(run())


class TestLevel:
    @pytest.mark.parametrize("amplitude", [0.003, 0.05, 0.9])
    def test_every_voice_is_as_loud(self, amplitude: float) -> None:
        quiet = (tone(1.0, amplitude) * 32767).astype(np.int16)
        with_pause = joined([quiet, quiet], pause_s=2.0)
        assert level_dbfs(at_level(with_pause, -20.0)) == pytest.approx(-20.0, abs=0.5)

    def test_nothing_clips_however_loud_it_should_be(self) -> None:
        loud = at_level(pcm_tone(0.5), 0.0)
        assert np.abs(loud.astype(int)).max() == pytest.approx(32768 * 10 ** (PEAK_DBFS / 20), rel=0.01)

    def test_silence_stays_silence(self) -> None:
        nothing = np.zeros(1000, np.int16)
        assert not at_level(nothing, -20.0).any()
        assert not trimmed(nothing).size


class TestEspeak:
    @pytest.mark.parametrize(
        "text", ["收到", "呼叫华夏A区，01279，请报告在岗12人", "-v en --help; rm -rf /", "$(reboot)`x`"]
    )
    def test_the_real_program_speaks(self, text: str) -> None:
        pcm = Espeak().speak(text)
        assert len(pcm) > 0.2 * RATE_HZ
        assert level_dbfs(pcm) is not None

    def test_digits_sound_as_on_the_air(self) -> None:
        assert not np.array_equal(Espeak().speak("777"), Espeak(radio_digits=False).speak("777"))
        assert np.array_equal(Espeak().speak("777"), Espeak().speak("拐拐拐"))

    def test_nothing_to_say_and_no_program_are_told(self, tmp_path: Path) -> None:
        with pytest.raises(NoVoice):
            Espeak().speak("。")
        with pytest.raises(NoVoice, match="apt install espeak-ng"):
            Espeak(program="espeak-nowhere").speak("收到")

    @pytest.mark.parametrize(
        ("script", "message"), [("exit 3", "failed with 3"), ("echo no sound", "gave no sound")]
    )
    def test_a_program_that_fails_is_told(self, tmp_path: Path, script: str, message: str) -> None:
        program = tmp_path / "espeak-broken"
        program.write_text(f"#!/bin/sh\ncat >/dev/null\n{script}\n")
        program.chmod(0o755)
        with pytest.raises(NoVoice, match=message):
            Espeak(program=str(program)).speak("收到")

    def test_a_program_that_hangs_is_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def hang(*_: object, **__: object) -> None:
            raise subprocess.TimeoutExpired("espeak-ng", 20)

        monkeypatch.setattr(subprocess, "run", hang)
        with pytest.raises(NoVoice, match="timed out"):
            Espeak().speak("收到")


class TestKokoro:
    def test_absent_it_says_how_to_install_it(self) -> None:
        with pytest.raises(NoVoice, match="models fetch kokoro"):
            Kokoro(lambda: None).speak("收到")

    def test_without_its_phonemes_it_says_what_to_install(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(__import__("sys").modules, "misaki.zh", None)
        kokoro = Kokoro(lambda: tmp_path)
        for _ in range(2):
            with pytest.raises(NoVoice, match=r"radio-gateway\[voice\]"):
                kokoro.speak("收到")

    def test_a_damaged_model_is_told(self, tmp_path: Path) -> None:
        pytest.importorskip("misaki.zh")
        with pytest.raises(NoVoice, match="cannot be loaded"):
            Kokoro(lambda: tmp_path).speak("收到")

    @pytest.fixture(scope="class")
    def model(self) -> Path:
        """The model where a developer has fetched it; a fresh machine has none and needs none."""
        from gateway.recognise import models  # noqa: PLC0415

        where = [*models.places(), Path(__file__).parents[2] / ".cache" / "voice"]
        found = next((models.find("kokoro-v1.0-int8-zh", [place]) for place in where), None)
        folder = found or where[-1]
        if not (folder / "vocab.json").exists() or importlib.util.find_spec("misaki") is None:
            pytest.skip("the natural voice is not installed")
        return folder

    @pytest.mark.filterwarnings("ignore")
    def test_it_speaks_a_long_text_in_parts(self, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        said = Kokoro(lambda: model, voice=VOICES[3])
        whole = said.speak("洞拐，收到")
        monkeypatch.setattr("gateway.speak.kokoro.MOST_TOKENS", 8)
        parts = said.speak("07，收到")
        assert 0.8 < len(whole) / RATE_HZ < 4.0
        assert len(whole) < len(parts) < 2 * len(whole) + RATE_HZ
