"""The devices of a radio that is only listened to."""

from dataclasses import dataclass

from drivers.base import AudioFormat, AudioSink, Carrier, RadioControl


@dataclass(frozen=True, slots=True)
class NoneOptions:
    """Nothing to set."""


class NoneSink(AudioSink):
    """Takes audio and plays it to nobody."""

    Options = NoneOptions

    def __init__(self, options: NoneOptions) -> None:
        del options

    def open(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def write(self, pcm: bytes, fmt: AudioFormat) -> None:
        """Drop the audio."""


class NoneControl(RadioControl):
    """A radio without control lines: keying it does nothing, and it cannot tell what it hears."""

    Options = NoneOptions

    def __init__(self, options: NoneOptions) -> None:
        del options

    def open(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def key(self) -> None:
        """Do nothing."""

    def unkey(self) -> None:
        """Do nothing."""

    def carrier(self) -> Carrier | None:
        """Return None: nobody can tell."""
        return None
