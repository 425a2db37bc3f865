"""Speak the training sentences. Resumable; each clip is a pure function of its index.

    python -m tools.phonehead.speech --out .cache/phonehead/speech --start 0 --step 2

Voices are blends of Kokoro's style tables. `open` clips use only the two voices that the corpus's dev split
uses, so that a head trained on them can be judged on the other two; `all` clips blend all four.
"""

import argparse
import csv
import random
import time
from pathlib import Path

import jieba
import numpy as np
import numpy.typing as npt
import soundfile as sf
from pypinyin import lazy_pinyin

from gateway.speak.wording import spoken_form
from gateway.understand.phones import syllable_phones
from tools.phonehead.calltexts import CallTexts
from tools.phonehead.radiotexts import RadioTexts
from tools.phonehead.texts import Texts
from tools.voice import RATE_HZ, TIMBRES, VOICES, Speaker

OPEN_VOICES = ("zf_xiaobei", "zm_yunjian")
OPEN_SHARE = 0.5
FIRST_CALL = 10_000
"""Clips from this number on say `calltexts`, those before it `texts`."""
FIRST_TIMBRE = 20_000
"""Clips from this number on borrow their sound from Kokoro's voices of other languages."""
FIRST_RADIO = 40_000
"""Clips from this number on say `radiotexts`."""
COLUMNS = ("file", "seconds", "group", "voice", "speed", "text", "phones")


def said_phones(text: str) -> tuple[str, ...]:
    """The phones the voice will say: the phonemiser reads word by word, so the label does too."""
    words = jieba.lcut(spoken_form(text))
    syllables = (s for word in words for s in lazy_pinyin(word))
    return tuple(phone for s in syllables for phone in syllable_phones(s))


def text_of(index: int, texts: Texts, calls: CallTexts, radio: RadioTexts) -> str:
    """What clip `index` says."""
    if index >= FIRST_RADIO:
        return radio[index]
    return calls[index] if index >= FIRST_CALL else texts[index]


def style_of(index: int, speaker: Speaker) -> tuple[str, str, float, npt.NDArray[np.float32]]:
    """Group, voice in words, speed and style of clip `index`.

    Kokoro's style is 128 numbers for the voice's sound and 128 for its manner. For calls the two are blended
    apart, and a little beyond the voices themselves, which makes more speakers out of four.
    """
    if index < FIRST_CALL:
        group, weights, speed = voice_of(index)
        return group, _told(weights), speed, speaker.blend(weights)
    rng = np.random.default_rng([index, 1])
    group = "open" if rng.random() < OPEN_SHARE and index < FIRST_RADIO else "all"
    voices = OPEN_VOICES if group == "open" else VOICES
    sound, manner = (_beyond(rng, voices) for _ in range(2))
    if index >= FIRST_RADIO:
        foreign = rng.choice(TIMBRES, size=int(rng.integers(1, 5)), replace=False)
        share = float(rng.uniform(0.3, 1.0))
        parts = 1.3 * rng.dirichlet([0.6] * len(foreign)) - 0.3 / len(foreign)
        sound = {v: w * (1 - share) for v, w in sound.items()} | {
            str(v): float(share * w) for v, w in zip(foreign, parts, strict=True)
        }
    elif index >= FIRST_TIMBRE:
        foreign = rng.choice(TIMBRES, size=int(rng.integers(1, 3)), replace=False)
        share = float(rng.uniform(0.35, 1.0))
        parts = share * rng.dirichlet([1.0] * len(foreign))
        sound = {v: w * (1 - share) for v, w in sound.items()} | dict(
            zip(foreign, parts.tolist(), strict=True)
        )
    style = speaker.mixed(speaker.blend(sound), speaker.blend(manner))
    return group, f"{_told(sound)} / {_told(manner)}", float(rng.uniform(0.85, 1.35)), style


def _beyond(rng: np.random.Generator, voices: tuple[str, ...]) -> dict[str, float]:
    weights = 1.4 * rng.dirichlet([0.6] * len(voices)) - 0.4 / len(voices)
    return {v: float(w) for v, w in zip(voices, weights, strict=True)}


def _told(weights: dict[str, float]) -> str:
    return " ".join(f"{v}={w:.2f}" for v, w in weights.items())


def voice_of(index: int) -> tuple[str, dict[str, float], float]:
    """Group, blend weights and speed of clip `index`."""
    rng = random.Random(f"voice/{index}")
    if rng.random() < 0.6:
        weight = rng.uniform(-0.1, 1.1)
        return "open", dict(zip(OPEN_VOICES, (weight, 1 - weight), strict=True)), rng.uniform(0.85, 1.25)
    weights = np.random.default_rng(index).dirichlet([0.5] * len(VOICES))
    return "all", {v: float(w) for v, w in zip(VOICES, weights, strict=True)}, rng.uniform(0.85, 1.25)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=1e9)
    arguments = parser.parse_args()
    jieba.setLogLevel("ERROR")
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = arguments.out / f"part-{arguments.start}-{arguments.step}.csv"
    have = set()
    if rows.exists():
        with rows.open(encoding="utf-8") as done:
            have = {row[0] for row in csv.reader(done)}
    speaker, texts, calls, radio = Speaker(threads=1), Texts(), CallTexts(), RadioTexts()
    until = time.monotonic() + 60 * arguments.minutes
    for index in range(arguments.start, arguments.count, arguments.step):
        name = f"{index:06d}.flac"
        if name in have:
            continue
        if time.monotonic() > until:
            break
        group, voice, speed, style = style_of(index, speaker)
        text = text_of(index, texts, calls, radio)
        audio = speaker.say(text, style, speed)
        sf.write(arguments.out / name, audio, RATE_HZ, "PCM_16")
        phones = " ".join(said_phones(text))
        row = (name, round(len(audio) / RATE_HZ, 2), group, voice, round(speed, 3), text, phones)
        with rows.open("a", encoding="utf-8", newline="") as done:
            csv.writer(done).writerow(row)


if __name__ == "__main__":
    main()
