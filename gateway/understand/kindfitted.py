"""What the evidence for a kind of incident is worth: written by tools/gist/fit.py, not by hand."""

from typing import Final

from gateway.understand.weights import KindWeights

BESIDE: Final = KindWeights(
    text=0.61, ear=0.85, told=0.4, written=1.42, by_sound=1.16, heard=1.35, agreed=-0.61, clear=0.48
)
TEXT_ALONE: Final = KindWeights(
    text=1.26, ear=0.0, told=0.0, written=2.47, by_sound=2.37, heard=0.0, agreed=0.0, clear=0.0
)
