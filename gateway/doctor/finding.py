"""What an examination finds."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["good", "doubtful", "bad"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was looked at, what came out, and what a person should do about it; None when nothing."""

    what: str
    verdict: Verdict
    message: str
    action: str | None = None
