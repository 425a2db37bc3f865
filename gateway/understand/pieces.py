"""A linear model over pieces of what was said: each speaks a little for some kinds and against others.

A piece is a few syllables, or where they stand, written as text; a model knows some ten thousand of them
by number. What is worth knowing of a call is one sum: no piece decides, and a misheard syllable costs a few.
"""

import io
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

STEADY: Final = 2.0
"""Added to the length of what is summed: a call of two pieces does not speak as loud as one of fifty."""
STEEPNESS: Final = 3.0


def key_of(piece: str) -> int:
    """The number under which a piece is kept."""
    return zlib.crc32(piece.encode())


@dataclass(frozen=True, slots=True, eq=False)
class PieceWeights:
    """Trained weights. Immutable; any thread may ask.

    `keys` (uint32, sorted) are the pieces, `rarity` (float32) how much each says, `weights` (int8, one row a
    piece, one column a kind) times `scale` (float32 a kind) what it says in nats, `bias` (float32) what none
    says.
    """

    kinds: tuple[str, ...]
    keys: npt.NDArray[np.uint32]
    rarity: npt.NDArray[np.float32]
    weights: npt.NDArray[np.int8]
    scale: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]

    @classmethod
    def read(cls, data: bytes) -> "PieceWeights":
        """The weights from the bytes of a `.npz` file.

        Raises:
            ValueError, KeyError: it is no such file.
        """
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            kinds = tuple(str(kind) for kind in kept["kinds"])
            rarity, scale, bias = (kept[name].astype(np.float32) for name in ("rarity", "scale", "bias"))
            return cls(kinds, kept["keys"], rarity, kept["weights"], scale, bias)

    def weigh(self, pieces: Iterable[str]) -> Mapping[str, float]:
        """The log-likelihood of each kind where these pieces were said."""
        known = self._rows(sorted(pieces))
        known = known[known >= 0]
        nats = self.bias.copy()
        if len(known):
            rarity = self.rarity[known]
            length = np.sqrt((rarity**2).sum()) + STEADY
            nats += STEEPNESS * self.scale * (rarity @ self.weights[known].astype(np.float32)) / length
        nats -= np.logaddexp.reduce(nats)
        return dict(zip(self.kinds, nats.tolist(), strict=True))

    def shares(self, pieces: Sequence[str], kind: str) -> list[float]:
        """What each piece says for one kind, in no unit; 0 for a piece that is not known."""
        rows = self._rows(pieces)
        said = self.rarity[rows] * self.weights[rows, self.kinds.index(kind)]
        return [float(share) for share in np.where(rows >= 0, said, 0.0)]

    def _rows(self, pieces: Sequence[str]) -> npt.NDArray[np.int64]:
        """The row of each piece, -1 for one that is not known."""
        wanted = np.array([key_of(piece) for piece in pieces], dtype=np.uint32)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[at] == wanted, at, -1)
