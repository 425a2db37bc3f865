"""Caller-ID signalling: how often an id is read through a radio channel, false ids in speech, and the cost.

`python -m bench.signalling [--tries N] [FOLDER...]` prints a table. Folders hold speech (WAV or FLAC at
16 kHz) in which no radio sent an id, so every id found there is false; without any, the project's own calls
are used. `measure` returns the same figures by name.

The channel of every try: the burst, 300 to 3,000 Hz, white noise in that band 12 dB below the burst while it
is on (with 0.2 s of noise before and after), a level from −30 dBFS to 6 dB over full scale, clipped, 16 bits.
The sender is up to 1.5 % off in frequency, another amount each time.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import soundfile

from gateway.hear.signalling import decode, encode
from gateway.hear.signalling.ctcss import TONES_HZ
from gateway.hear.signalling.settings import Standard
from gateway.model import RATE_HZ, Pcm
from tools.channel import band

SNR_DB = 12.0
DRIFT = 0.015
LEVELS_DBFS = (-30.0, 6.0)
PAUSE_S = 0.2
CACHED_SPEECH = (Path(__file__).parent.parent / ".cache" / "phonehead" / "speech",)
"""Synthetic speech that the phone head was trained on, where it has been made."""
MOST_CLIPS = 600
OWN_CALLS = Path(__file__).parent.parent / "tests" / "data" / "calls"

Burst = tuple[str, str, Pcm]
"""System, id, and the clean burst."""


def through_radio(
    burst: Pcm, rng: np.random.Generator, *, snr_db: float = SNR_DB, level_dbfs: float = -12.0
) -> Pcm:
    """Return the burst as a receiver hands it over. SNR is over the burst's own length; level is its RMS."""
    pause = np.zeros(int(PAUSE_S * RATE_HZ))
    clean = band(np.concatenate([pause, burst.astype(np.float64), pause]), 300.0, 3000.0).astype(np.float64)
    power = float((clean**2).sum()) / max(int(np.count_nonzero(burst)), 1)
    noise = band(rng.standard_normal(len(clean)), 300.0, 3000.0).astype(np.float64)
    heard = clean + noise * np.sqrt(power / 10.0 ** (snr_db / 10.0) / float((noise**2).mean()))
    scaled = heard / np.sqrt(power) * 10.0 ** (level_dbfs / 20.0) * 32768.0
    pcm: Pcm = np.clip(np.rint(scaled), -32768, 32767).astype(np.int16)
    return pcm


def dtmf(rng: np.random.Generator) -> Burst:
    """Dial 3 to 8 keys, 40 to 100 ms each, high tone 4 dB stronger to 8 dB weaker."""
    digits = "".join(rng.choice(list("0123456789ABCD*#"), rng.integers(3, 9)))
    burst = encode.dtmf(
        digits,
        tone_s=rng.uniform(0.04, 0.1),
        pause_s=rng.uniform(0.04, 0.1),
        twist_db=rng.uniform(-8.0, 4.0),
        drift=rng.uniform(-DRIFT, DRIFT),
    )
    return "dtmf", digits, burst


def fivetone(standard: Standard) -> Callable[[np.random.Generator], Burst]:
    """Send five digits, every other time with a long first tone."""

    def send(rng: np.random.Generator) -> Burst:
        digits = "".join(rng.choice(list("0123456789"), 5))
        first_s = rng.uniform(0.1, 0.7) if rng.random() < 0.5 else None
        burst = encode.fivetone(digits, standard, first_tone_s=first_s, drift=rng.uniform(-DRIFT, DRIFT))
        return "fivetone", digits, burst

    return send


def mdc1200(rng: np.random.Generator) -> Burst:
    """Send a PTT id, every fourth time a double packet."""
    caller, called = (f"{rng.integers(1 << 16):04X}" for _ in range(2))
    drift = rng.uniform(-DRIFT, DRIFT)
    if rng.random() < 0.25:
        return "mdc1200", caller, encode.mdc1200(called, op=0x35, arg=0x89, caller=caller, drift=drift)
    return "mdc1200", caller, encode.mdc1200(caller, arg=int(rng.choice([0x80, 0x00])), drift=drift)


SENDERS: dict[str, Callable[[np.random.Generator], Burst]] = {
    "dtmf": dtmf,
    "mdc1200": mdc1200,
    "fivetone_zvei1": fivetone("ZVEI1"),
    "fivetone_ccir": fivetone("CCIR"),
    "fivetone_eea": fivetone("EEA"),
}


def read_share(
    sender: Callable[[np.random.Generator], Burst], tries: int, seed: int, snr_db: float = SNR_DB
) -> tuple[float, int]:
    """Return the share of bursts read exactly and alone, and how many ids came out that nobody sent."""
    rng = np.random.default_rng(seed)
    right = false = 0
    for _ in range(tries):
        system, sent, burst = sender(rng)
        audio = through_radio(burst, rng, snr_db=snr_db, level_dbfs=rng.uniform(*LEVELS_DBFS))
        heard = [(one.system, one.id) for one in decode(audio)]
        right += heard == [(system, sent)]
        false += sum(one != (system, sent) for one in heard)
    return right / tries, false


def ctcss_share(tries: int, seed: int, speech: list[Pcm]) -> tuple[float, int]:
    """Read CTCSS 15 dB below speech from 300 Hz up, 12 dB over noise; 2 s at least."""
    rng = np.random.default_rng(seed)
    right = false = 0
    for _ in range(tries):
        clip = speech[int(rng.integers(len(speech)))][: 5 * RATE_HZ]
        voice = band(np.pad(clip, (0, max(0, 2 * RATE_HZ - len(clip)))), 300.0, 3000.0).astype(np.float64)
        voice *= 3000.0 / (voice.std() + 1e-9)
        noise = rng.standard_normal(len(voice)) * 3000.0 / 10.0 ** (SNR_DB / 20.0)
        hz = float(rng.choice(TONES_HZ))
        tone = np.sin(2.0 * np.pi * hz * np.arange(len(voice)) / RATE_HZ) * np.sqrt(2.0) * 3000.0 / 10.0**0.75
        audio = np.clip(voice + noise + tone, -32768, 32767).astype(np.int16)
        heard = [(one.system, one.id) for one in decode(audio)]
        right += heard == [("ctcss", f"{hz:.1f}")]
        false += sum(one != ("ctcss", f"{hz:.1f}") for one in heard)
    return right / tries, false


def speech_clips(folders: Iterable[Path]) -> list[Pcm]:
    """Return every recording below the folders; those at another rate than 16 kHz are left out."""
    clips: list[Pcm] = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".flac", ".wav"}:
                samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
                if rate == RATE_HZ:
                    clips.append(samples[:, 0])
    return clips[:MOST_CLIPS]


def in_speech(clips: list[Pcm], seed: int) -> dict[str, object]:
    """Count ids in clips as they are and through the channel in noise, and the CPU time over both."""
    rng = np.random.default_rng(seed)
    false: list[str] = []
    heard_s = cpu_s = 0.0
    for clip in clips:
        for audio in (clip, through_radio(clip, rng, snr_db=15.0, level_dbfs=rng.uniform(-30.0, -3.0))):
            start = time.process_time()
            found = decode(audio)
            cpu_s += time.process_time() - start
            heard_s += len(audio) / RATE_HZ
            false += [f"{one.system}:{one.id}" for one in found]
    return {
        "speech_minutes": round(heard_s / 60.0, 1),
        "false_ids": len(false),
        "false_ids_heard": false,
        "cpu_share_of_real_time": round(cpu_s / max(heard_s, 1e-9), 5),
    }


def measure(tries: int = 300, folders: Iterable[Path] = (OWN_CALLS,), seed: int = 1) -> dict[str, object]:
    """Return all figures by name."""
    figures: dict[str, object] = {}
    for name, sender in SENDERS.items():
        share, false = read_share(sender, tries, seed)
        figures[f"{name}_read_at_12_db"] = round(share, 4)
        figures[f"{name}_wrong_ids"] = false
    clips = speech_clips(folders)
    share, false = ctcss_share(max(1, tries // 5), seed, clips)
    figures["ctcss_read_under_speech"] = round(share, 4)
    figures["ctcss_wrong_ids"] = false
    return figures | in_speech(clips, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, default=[OWN_CALLS])
    parser.add_argument("--tries", type=int, default=300)
    asked = parser.parse_args()
    for name, value in measure(asked.tries, asked.folders).items():
        print(f"{name:32} {value}")


if __name__ == "__main__":
    main()
