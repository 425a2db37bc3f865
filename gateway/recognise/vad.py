"""How likely each instant of audio is a voice: Silero's small network, shipped inside faster-whisper."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.errors import ModelUnavailable
from gateway.model import RATE_HZ, Pcm

FRAME_SAMPLES = 512
FRAME_S = FRAME_SAMPLES / RATE_HZ
VOICE = 0.5
"""Probability from which a frame counts as voice."""

_PASSES = ((0, 1.0), (256, 0.1))
"""How many samples earlier the frames lie, and the gain, of each pass over the audio."""
_MORE_PASSES = ((256, 1.0), (128, 1.0), (384, 1.0), (64, 1.0), (192, 1.0), (320, 1.0), (448, 1.0))
"""For a short sound in which little voice was found."""
_SHORT_S = 2.0
_SURE_S = 0.5
_CONTEXT_SAMPLES = 64
_STATE_SIZE = 128
_FULL_SCALE = 32768.0
_INPUTS = {"input", "h", "c"}


SpeechProbabilities = npt.NDArray[np.float32]
"""The probability of a voice in each 512 samples."""


class Vad:
    """The voice detector with its network loaded. About 4 ms for each second of audio on one core.

    What the network hears in a word that begins at once depends much on where its frames of 32 ms happen to
    lie, and a loud voice without any noise, as a limiter makes it, may escape it altogether while the same
    voice 20 dB lower does not. So it listens twice, the second time to quieter audio with the frames half a
    frame earlier, and the pass that heard more voice counts. Short audio with little voice, where a single
    "收到" is at stake, gets up to seven passes more: 40 ms at most for one transmission.

    Any number of threads may use one object at once: every call carries its own state.
    """

    def __init__(self) -> None:
        """Load the network.

        Raises:
            ModelUnavailable: faster-whisper or onnxruntime is missing, or brings another network.
        """
        self._session = _load(_network_file())

    def speech_probabilities(self, audio: Pcm) -> SpeechProbabilities:
        """Return the probability of a voice in each 512 samples (32 ms) of mono 16 kHz audio, 0 to 1.

        The last frame is filled up with silence; no audio gives no frames.
        """
        frames = -(-len(audio) // FRAME_SAMPLES)
        if frames == 0:
            return np.zeros(0, dtype=np.float32)
        samples = audio.astype(np.float32) / np.float32(_FULL_SCALE)
        best = max((self._pass(samples, *one) for one in _PASSES), key=voiced_s)
        if len(audio) <= _SHORT_S * RATE_HZ:
            for one in _MORE_PASSES:
                if voiced_s(best) >= _SURE_S:
                    break
                best = max(best, self._pass(samples, *one), key=voiced_s)
        return best

    def _pass(self, samples: npt.NDArray[np.float32], shift: int, gain: float) -> npt.NDArray[np.float32]:
        """Listen once with frames `shift` samples earlier; return one value for each unshifted frame."""
        frames = -(-len(samples) // FRAME_SAMPLES)
        shifted = -(-(len(samples) + shift) // FRAME_SAMPLES)
        padded = np.zeros(shifted * FRAME_SAMPLES, dtype=np.float32)
        padded[shift : shift + len(samples)] = samples * np.float32(gain)
        blocks = padded.reshape(shifted, FRAME_SAMPLES)
        before = np.zeros((shifted, _CONTEXT_SAMPLES), dtype=np.float32)
        before[1:] = blocks[:-1, -_CONTEXT_SAMPLES:]
        still = np.zeros((1, 1, _STATE_SIZE), dtype=np.float32)
        feeds = {"input": np.concatenate([before, blocks], axis=1), "h": still, "c": still}
        heard = np.asarray(self._session.run(None, feeds)[0], dtype=np.float32).reshape(-1)
        # Shifted by more than half a frame, the first one lies mostly before the audio.
        first = min(int(shift > FRAME_SAMPLES // 2), shifted - frames)
        return heard[first : first + frames]

    def speech_s(self, audio: Pcm) -> float:
        """Return how many seconds of the audio are voice."""
        return voiced_s(self.speech_probabilities(audio))


def voiced_s(probabilities: npt.NDArray[np.float32]) -> float:
    """Return how many seconds of voice a row of frame probabilities amounts to."""
    return float(np.count_nonzero(probabilities >= VOICE)) * FRAME_S


def _network_file() -> Path:
    # find_spec does not import faster_whisper, which would cost a second and 100 MB where only Vosk is used.
    package = importlib.util.find_spec("faster_whisper")
    folders = package.submodule_search_locations if package is not None else None
    found = sorted(
        Path(folder) for base in folders or () for folder in Path(base, "assets").glob("silero_vad*.onnx")
    )
    if not found:
        raise ModelUnavailable(
            "the voice detector is missing: faster-whisper is not installed; run make setup"
        )
    return found[-1]


def _load(network: Path) -> Any:
    try:
        import onnxruntime  # noqa: PLC0415 - loaded only where a voice detector is wanted

        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(
            str(network), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as fault:
        raise ModelUnavailable(
            f"{network}: the voice detector cannot be loaded ({fault}); run make setup"
        ) from fault
    if {given.name for given in session.get_inputs()} != _INPUTS:
        raise ModelUnavailable(f"{network}: not the voice detector this gateway knows; run make setup")
    return session
