"""What a phone head would hear of a text, made by hand. A test module loads it with `importlib.util`."""

import numpy as np

from gateway.model import PhoneEvidence
from gateway.understand.phones import PHONES, phones_of

FRAMES_PER_PHONE = 5
PAUSE_FRAMES = 30


def evidence(text: str, *, confused: dict[str, str] | None = None, doubt: float = 0.0) -> PhoneEvidence:
    """Evidence for `text`, a comma being a pause; `confused` phones peak as another, by `doubt` more."""
    columns: list[tuple[int, str]] = []
    at = 10
    for part in text.split("，"):
        for phone in phones_of(part):
            columns.append((at, phone))
            at += FRAMES_PER_PHONE
        at += PAUSE_FRAMES
    rows = np.random.default_rng(1).normal(0, 0.3, (at, len(PHONES) + 1))
    rows[:, 0] += 6
    for frame, phone in columns:
        rows[frame, 1 + PHONES.index(phone)] += 12
        if confused and phone in confused:
            rows[frame, 1 + PHONES.index(confused[phone])] += 12 + doubt
    log_probs = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
    return PhoneEvidence(log_probs.astype(np.float32), PHONES)
