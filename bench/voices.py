"""How much of real time the voices take, with the load meanwhile: `python -m bench.voices [MODELS_DIR]`."""

import os
import sys
import time
from pathlib import Path

from bench.figure import Figure, Options, Report
from gateway.model import RATE_HZ
from gateway.speak.espeak import Espeak
from gateway.speak.kokoro import Kokoro
from gateway.speak.utterance import NoVoice
from gateway.speak.voices import Engine
from gateway.speaking import kokoro_folder

TEXTS = (
    "呼叫金穗花园，收到请回答",
    "金穗花园收到，在岗三人，一切正常，完毕",
    "各单位注意，现在进行点名，请听到呼叫后立即回答",
)


def voices(_options: Options, models_dir: Path | None = None) -> Report:
    """Have each installed voice say what a roll-call says; a first text loads it and is not counted."""
    figures: list[Figure] = []
    engines: list[Engine] = [Espeak(), Kokoro(lambda: kokoro_folder(models_dir))]
    for engine in engines:
        name = engine.name.split()[0].replace("-", "_")
        try:
            engine.speak("一")
        except NoVoice as error:
            figures.append(Figure.noted(f"voices.{name}.real_time_factor", None, "of real time", str(error)))
            continue
        begun_s, begun_cpu_s = time.monotonic(), _cpu_s()
        sound_s = sum(len(engine.speak(text)) for text in TEXTS) / RATE_HZ
        took_s, cpu_s = time.monotonic() - begun_s, _cpu_s() - begun_cpu_s
        load = f"{len(TEXTS)} texts, one thread, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        figures += [
            Figure.noted(f"voices.{name}.real_time_factor", took_s / sound_s, "of real time", load),
            Figure.noted(f"voices.{name}.cpu_time", cpu_s / sound_s, "of real time", load),
        ]
    return Report(tuple(figures))


def _cpu_s() -> float:
    """CPU time of this process and of the programs it has waited for."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    for figure in voices(Options(), Path(sys.argv[1]) if len(sys.argv) > 1 else None).figures:
        print(f"{figure.name}: {figure.value} {figure.unit} ({figure.note})")
