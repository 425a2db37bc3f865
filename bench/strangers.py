"""People who speak other languages and things that only sound like speech: nobody there reports anything.

The voices are espeak-ng's (Japanese, Korean, Cantonese, English, and Mandarin small talk), the sounds are
made here: music, a hummed tune, barking, a motor, squelch tails. All of them go through the radio channel.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bench import recordings as sound
from tools.channel import RATE_HZ, band

_SENTENCES: Final = {
    "ja": (
        "本日は晴天なり、本日は晴天なり。感度はいかがですか、どうぞ。",
        "三番線に電車がまいります。危ないですから黄色い線の内側までお下がりください。",
        "消防車が現場に到着しました。けが人はいません。",
    ),
    "ko": (
        "안녕하세요. 오늘 점심은 무엇을 드시겠습니까?",
        "이번 역은 시청역입니다. 내리실 문은 오른쪽입니다.",
        "소방차가 현장에 도착했습니다. 다친 사람은 없습니다.",
    ),
    "yue": (
        "今日天氣好好，我哋放工之後去飲茶啦。",
        "唔該借借，前面嗰架巴士幾點開呀？",
    ),
    "en-us": (
        "Good morning everybody, the weather today is mostly sunny with light winds.",
        "Base from unit seven, radio check, how do you read me, over.",
        "There is a fire on the second floor, send an engine and an ambulance.",
    ),
    "cmn": (
        "今天晚上食堂吃什么,我想吃面条.",
        "你把那个充电器放到抽屉里,明天我来拿.",
        "昨天的比赛你看了没有,最后一球太可惜了.",
    ),
}  # fmt: skip
_ESPEAK_RATE_HZ: Final = 22_050


def strange_voices(folder: Path, snrs_db: tuple[int, ...]) -> list[Path]:
    """Sentences in other languages, and everyday Mandarin, at each SNR; nothing without espeak-ng."""
    made = []
    for language, sentences in _SENTENCES.items():
        for number, sentence in enumerate(sentences):
            speech = _spoken(sentence, language)
            for snr_db in snrs_db if len(speech) else ():
                name = f"{language}-{number}@{snr_db}"
                made.append(sound.record([sound.on_air(speech, name, snr_db)], folder / f"{name}.wav"))
    return made


def strange_sounds(folder: Path, snrs_db: tuple[int, ...]) -> list[Path]:
    """Sounds with the rhythm or the pitch of speech, at each SNR."""
    made = []
    for name, samples in _sounds(np.random.default_rng(7)):
        for snr_db in snrs_db:
            stem = f"{name}@{snr_db}"
            aired = sound.on_air(samples.astype(np.float32), stem, snr_db)
            made.append(sound.record([aired], folder / f"{stem}.wav"))
    return made


def _spoken(sentence: str, language: str) -> npt.NDArray[np.float32]:
    try:
        done = subprocess.run(
            ["espeak-ng", "-v", language, "-s", "150", "--stdout", sentence], capture_output=True, check=True
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return np.zeros(0, np.float32)
    pcm = np.frombuffer(done.stdout[44:], "<i2").astype(np.float32) / 32_768
    at = np.arange(int(len(pcm) * RATE_HZ / _ESPEAK_RATE_HZ)) * _ESPEAK_RATE_HZ / RATE_HZ
    return np.interp(at, np.arange(len(pcm)), pcm).astype(np.float32)


def _sounds(rng: np.random.Generator) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    def seconds(length: float) -> npt.NDArray[np.float64]:
        return np.arange(int(length * RATE_HZ)) / RATE_HZ

    def note(hz: float, length: float, partials: int = 6) -> npt.NDArray[np.float64]:
        at = seconds(length)
        tone = sum(np.sin(2 * np.pi * hz * k * at) / k for k in range(1, partials + 1))
        return np.asarray(tone) * np.minimum(1, 12 * at) * np.exp(-1.5 * at)

    scale = (262, 294, 330, 392, 440, 523)
    yield "melody", 0.2 * np.concatenate([note(hz, 0.4) for hz in rng.choice(scale, 20)])
    chords = ((262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294))
    played = [np.sum([note(hz, 1.2) for hz in chord], axis=0) for chord in chords * 2]
    yield "chords", 0.12 * np.concatenate(played)
    yield "sung", 0.3 * np.concatenate([_vowel(hz, 0.6, rng) for hz in rng.choice(scale, 12)])
    yield "barks", 0.4 * np.concatenate([_bark(rng) for _ in range(9)])
    motor = np.sign(np.sin(2 * np.pi * (60 + 30 * np.sin(2 * np.pi * 0.3 * seconds(8))) * seconds(8)))
    yield "motor", band(motor, 200, 3_000).astype(np.float64) * 0.3
    tails = [np.r_[rng.standard_normal(int(0.2 * RATE_HZ)), np.zeros(int(0.7 * RATE_HZ))] for _ in range(8)]
    yield "squelch-tails", 0.15 * np.concatenate(tails)
    yield "static-long", 0.2 * rng.standard_normal(25 * RATE_HZ)
    siren = np.sin(2 * np.pi * np.cumsum(900 + 400 * np.sin(2 * np.pi * 0.5 * seconds(10))) / RATE_HZ)
    yield "siren", 0.3 * siren


def _vowel(hz: float, length: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A sung vowel: harmonics with vibrato under two formants."""
    at = np.arange(int(length * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(hz * (1 + 0.01 * np.sin(2 * np.pi * 5.5 * at))) / RATE_HZ
    low, high = rng.uniform(300, 800), rng.uniform(900, 2_400)
    voice = np.zeros(len(at))
    for k in range(1, int(3_400 / hz)):
        weight = np.exp(-(((k * hz - low) / 200) ** 2)) + 0.6 * np.exp(-(((k * hz - high) / 250) ** 2))
        voice += weight * np.sin(k * phase)
    return voice * np.minimum(1, 15 * at) * np.minimum(1, 15 * (length - at))


def _bark(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    at = np.arange(int(0.25 * RATE_HZ)) / RATE_HZ
    falling = np.cumsum(rng.uniform(450, 700) * (1 - 1.2 * at)) / RATE_HZ
    voice = np.sin(2 * np.pi * falling) + 0.5 * np.sin(4 * np.pi * falling)
    rough = (voice + 0.6 * rng.standard_normal(len(at))) * np.exp(-10 * at)
    return np.concatenate([rough, np.zeros(int(rng.uniform(0.2, 0.6) * RATE_HZ))])
