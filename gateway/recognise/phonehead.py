"""The phone head: what was said as pinyin initials and finals, read from Whisper's encoder frames.

It hears the closed set (names, callsigns, incident words) where the text decoder guesses at an open one; see
PHONEHEAD.md beside this file for how it was trained and what it can do.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.errors import ModelUnavailable
from gateway.model import PhoneEvidence

SHIPPED = Path(__file__).with_name("phonehead.onnx")
ENCODER_WIDTH = 512


class PhoneHead:
    """Encoder frames in, phone probabilities out, about 1 ms for a second of audio. Any thread may call."""

    def __init__(self, path: Path = SHIPPED) -> None:
        """Load the network and the column names from the JSON beside it.

        Raises:
            ModelUnavailable: a file is missing, damaged, or onnxruntime cannot be imported.
        """
        card = _card(path.with_suffix(".json"))
        network = _read(path)
        if hashlib.sha256(network).hexdigest() != card["sha256"]:
            raise ModelUnavailable(f"{path}: SHA-256 differs from its .json; install the package again")
        self.phones: tuple[str, ...] = tuple(card["phones"])
        self.frame_s = float(card["frame_s"])
        self._session = _session(network, path)

    def __call__(self, frames: npt.NDArray[np.float32]) -> PhoneEvidence:
        """The phones in encoder `frames` [time, 512], one row for each `frame_s`. No frames give no rows.

        Raises:
            ModelUnavailable: onnxruntime failed.
        """
        if not len(frames):
            return PhoneEvidence(np.zeros((0, len(self.phones) + 1), np.float32), self.phones, self.frame_s)
        try:
            (log_probs,) = self._session.run(None, {"frames": np.ascontiguousarray(frames, np.float32)})
        except Exception as fault:
            # onnxruntime raises bare exceptions of its own kinds
            raise ModelUnavailable(f"the phone head failed: {fault}") from fault
        return PhoneEvidence(log_probs, self.phones, self.frame_s)


def _card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(_read(path))
    except ValueError as fault:
        raise ModelUnavailable(
            f"{path}: not readable as JSON ({fault}); install the package again"
        ) from fault
    if not isinstance(card, dict) or not {"phones", "frame_s", "sha256"} <= card.keys():
        raise ModelUnavailable(f"{path}: phones, frame_s or sha256 is missing; install the package again")
    return card


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise ModelUnavailable(
            f"{path}: the phone head cannot be read ({fault}); install the package again"
        ) from fault


def _session(network: bytes, path: Path) -> Any:
    try:
        import onnxruntime  # noqa: PLC0415 - a quarter of a second, and only stations with Whisper need it
    except ImportError as fault:
        raise ModelUnavailable(f"onnxruntime cannot be imported ({fault}); run make setup") from fault
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as fault:
        raise ModelUnavailable(f"{path}: the phone head cannot be loaded ({fault})") from fault
