"""What the evidence for a kind of incident is worth: written by tools/gist/fit.py, not by hand."""

from typing import Final

from gateway.understand.weights import KindWeights

BESIDE: Final = KindWeights(
    text=0.52, ear=0.8, told=0.37, written=1.57, by_sound=1.28, heard=1.3, agreed=-0.23, clear=0.34
)
TEXT_ALONE: Final = KindWeights(
    text=1.0, ear=0.0, told=0.0, written=2.5, by_sound=1.0, heard=0.0, agreed=0.0, clear=0.0
)
