"""The last resort: espeak-ng, a program from Debian that speaks Mandarin like a machine, but always.

Every call is a process of its own with a list of arguments and the text on its standard input, so no shell
and no option can hide in a text.
"""

import io
import shutil
import subprocess

import soundfile

from gateway.model import Pcm
from gateway.speak.sound import to_pcm, trimmed
from gateway.speak.utterance import NoVoice
from gateway.speak.wording import spoken_form

PROGRAM = "espeak-ng"
WORDS_PER_MINUTE = 150
LONGEST_S = 20.0


class Espeak:
    """espeak-ng's Mandarin. Any thread may call."""

    def __init__(self, *, radio_digits: bool = True, program: str = PROGRAM, voice: str = "cmn") -> None:
        self._program = program
        self._voice = voice
        self._radio_digits = radio_digits
        self.faults: tuple[str, ...] = ()
        self.name = f"espeak-ng {voice}"
        self.cache_key: str | None = f"{self.name} {WORDS_PER_MINUTE} {radio_digits}"

    def look(self) -> None:
        """It is looked for when it speaks."""

    def speak(self, text: str) -> Pcm:
        """Return `text` spoken.

        Raises:
            NoVoice: the program is not there, fails, or says nothing.
        """
        program = shutil.which(self._program)
        if program is None:
            raise NoVoice(f"{self._program} is not installed (apt install espeak-ng)")
        command = [program, "-v", self._voice, "-s", str(WORDS_PER_MINUTE), "-b", "1", "--stdin", "--stdout"]
        said = spoken_form(text, radio_digits=self._radio_digits)
        try:
            done = subprocess.run(  # noqa: S603 - a list of our own arguments, the text goes in by a pipe
                command, input=said.encode(), capture_output=True, check=False, timeout=LONGEST_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoVoice(f"{self._program} failed: {error}") from error
        if done.returncode != 0:
            told = done.stderr.decode(errors="replace").strip()
            raise NoVoice(f"{self._program} failed with {done.returncode}: {told[:200]}")
        try:
            samples, rate_hz = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
        except RuntimeError as error:
            raise NoVoice(f"{self._program} gave no sound: {error}") from error
        pcm = trimmed(to_pcm(samples, rate_hz))
        if not pcm.size:
            raise NoVoice(f"{self._program} finds nothing to say in it")
        return pcm
