"""What C libraries write on stderr while sound is being opened, sorted into noise and the rest.

ALSA, JACK and PortAudio complain about every kind of device a machine does not have. While `quiet` lasts,
file descriptor 2 leads into memory; afterwards what is not known noise is written where it belonged. ALSA's
own messages, which come by the second while a card underruns, are turned off for good: what they mean comes
back as error codes and overflow flags too.
"""

import contextlib
import ctypes
import ctypes.util
import os
import re
from collections.abc import Iterator

_NOISE = re.compile(
    rb"^(ALSA lib |Cannot connect to server|jack server is not|JackShm|Expression '|connect\(2\) call to|"
    rb"attempt to connect to server|\s*$)"
)
_STDERR = 2
_SAY_NOTHING = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
)(lambda *_: None)
"""ALSA keeps a pointer to it, so it must never be freed."""


def silence_alsa() -> None:
    """Turn off the messages of ALSA's library in this process, where there is one."""
    name = ctypes.util.find_library("asound")
    if name is not None:
        ctypes.CDLL(name).snd_lib_error_set_handler(_SAY_NOTHING)


@contextlib.contextmanager
def quiet() -> Iterator[list[str]]:
    """Keep noise off stderr. The list holds it afterwards, for the message of an error it may explain.

    One thread at a time.
    """
    noise: list[str] = []
    kept = os.dup(_STDERR)
    memory = os.memfd_create("stderr")
    os.dup2(memory, _STDERR)
    try:
        yield noise
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        os.lseek(memory, 0, os.SEEK_SET)
        with os.fdopen(memory, "rb") as written:
            for line in written:
                if _NOISE.match(line):
                    noise.append(line.decode(errors="replace").strip())
                else:
                    os.write(_STDERR, line)
