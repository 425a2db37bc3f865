"""Who calls, by the tones a radio sends around its speech: DTMF, MDC-1200, five-tone, CTCSS.

Written here, small and pure, since no library is good enough (looked at in 2026): icad_tone_detection 2.9.0
(PyPI) has no five-tone and no CTCSS, runs a bundled binary without source, needs ffmpeg, SciPy, requests and
pydub (150 MB), calls itself MIT in one place and Apache-2.0 in another, and writes to standard output;
multimon-ng (GPL-2, a program) has no MDC-1200. They were a second opinion: multimon-ng reads the encoders'
tones in tests; icad's decoder and this one agreed on the encoder's MDC packets and on a real radio's.
Each decoder names its standard. Tables and thresholds are literals beside the code that reads them.

Pure: no I/O, no clock, no threads; any thread may call.
"""

from gateway.hear.signalling import ctcss, dtmf, fivetone, mdc1200
from gateway.hear.signalling.settings import EVERYTHING, SignallingSettings
from gateway.hear.signalling.spectrum import spectrum
from gateway.model import Pcm, Signalling

__all__ = ["EVERYTHING", "SignallingSettings", "decode"]


def decode(audio: Pcm, settings: SignallingSettings = EVERYTHING) -> tuple[Signalling, ...]:
    """Return the ids in one complete transmission, in the order they were sent.

    `audio` is what the device handed over, before any band-pass (CTCSS lies below the voice). An id heard
    again, as MDC-1200's at key up and release, is given once, at its first time. `at_s` is seconds from the
    transmission's start. Never raises, whatever the audio.
    """
    found: list[Signalling] = []
    if settings.systems - {"ctcss"}:
        picture = spectrum(audio)
        keys = dtmf.frame_keys(picture)
        if "dtmf" in settings.systems:
            found += dtmf.decode(keys, settings.dtmf_digits, settings.dtmf_pause_s)
        if "fivetone" in settings.systems:
            found += fivetone.decode(picture, keys.key, settings.fivetone_standards, settings.fivetone_digits)
        if "mdc1200" in settings.systems:
            found += mdc1200.decode(audio, picture)
    if "ctcss" in settings.systems:
        found += ctcss.decode(audio)
    first: dict[tuple[str, str], Signalling] = {}
    for heard in sorted(found, key=lambda heard: heard.at_s):
        first.setdefault((heard.system, heard.id), heard)
    return tuple(first.values())
