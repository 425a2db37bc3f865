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
import soundfile as sf
from pypinyin import lazy_pinyin

from gateway.speak.wording import spoken_form
from gateway.understand.phones import syllable_phones
from tools.phonehead.texts import Texts
from tools.voice import RATE_HZ, VOICES, Speaker

OPEN_VOICES = ("zf_xiaobei", "zm_yunjian")
COLUMNS = ("file", "seconds", "group", "voice", "speed", "text", "phones")


def said_phones(text: str) -> tuple[str, ...]:
    """The phones the voice will say: the phonemiser reads word by word, so the label does too."""
    words = jieba.lcut(spoken_form(text))
    syllables = (s for word in words for s in lazy_pinyin(word))
    return tuple(phone for s in syllables for phone in syllable_phones(s))


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
    speaker, texts = Speaker(threads=1), Texts()
    until = time.monotonic() + 60 * arguments.minutes
    for index in range(arguments.start, arguments.count, arguments.step):
        name = f"{index:06d}.flac"
        if name in have:
            continue
        if time.monotonic() > until:
            break
        group, weights, speed = voice_of(index)
        text = texts[index]
        audio = speaker.say(text, speaker.blend(weights), speed)
        sf.write(arguments.out / name, audio, RATE_HZ, "PCM_16")
        voice = " ".join(f"{v}={w:.2f}" for v, w in weights.items())
        phones = " ".join(said_phones(text))
        row = (name, round(len(audio) / RATE_HZ, 2), group, voice, round(speed, 3), text, phones)
        with rows.open("a", encoding="utf-8", newline="") as done:
            csv.writer(done).writerow(row)


if __name__ == "__main__":
    main()
