"""`[speak]` and `transmit` of the configuration: with which voice, how loud, and for how long at most."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

VoiceKind = Literal["prompts", "kokoro", "espeak"]
KokoroVoice = Literal["zf_xiaobei", "zf_xiaoxiao", "zm_yunjian", "zm_yunxi"]
LEAST_SPEECH_S = 1.0
"""What is left of a key-up for speech."""


class SpeakSettings(BaseModel):
    """What the gateway speaks with; every radio alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    voices: Annotated[tuple[VoiceKind, ...], Field(min_length=1)] = ("prompts", "kokoro", "espeak")
    """In the order they are tried."""
    prompts: Path | None = None
    """The station's own recordings, named by what is said in them; None is `prompts` beside this file."""
    voice: KokoroVoice = "zf_xiaobei"
    """Which of the natural voices: zf are women, zm men."""
    speed: Annotated[float, Field(ge=0.5, le=2.0)] = 1.0
    """Of the natural voice."""
    radio_digits: bool = True
    """Numbers are read 洞幺两三四五六拐八勾."""
    level_dbfs: Annotated[float, Field(ge=-40.0, le=-6.0)] = -18.0
    """Mean level of speech sent to the radio; peaks stay under -1 dBFS."""
    cache_mb: Annotated[int, Field(ge=0, le=100_000)] = 200
    """Disk for what was rendered, in data_dir/voice; 0 keeps nothing."""


class TransmitSettings(BaseModel):
    """How one radio is keyed. Seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_s: Annotated[float, Field(ge=3.0, le=300.0)] = 60.0
    """The time-out timer: PTT is never pressed for longer, whatever hangs."""
    lead_s: Annotated[float, Field(ge=0.0, le=3.0)] = 0.35
    """From PTT to the first word, for radios and repeaters that open late."""
    tail_s: Annotated[float, Field(ge=0.0, le=3.0)] = 0.15
    """From the last word to the release."""
    busy_wait_s: Annotated[float, Field(ge=0.0, le=600.0)] = 20.0
    """How long a channel in use is waited for."""

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.lead_s + self.tail_s + LEAST_SPEECH_S > self.max_s:
            raise ValueError("lead_s and tail_s leave no time to speak within max_s")
        return self
