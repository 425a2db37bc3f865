"""MDC-1200's bits: sync word, interleaver, convolutional code, checksum. No audio here.

Motorola never published it. The facts are those that the decoders in the field agree on (SDRTrunk, svxlink,
GopherTrunk), checked against a recording of a real radio and against icad_tone_detection's decoder:
- 40 bits of sync, then 112 bits of data; a double packet has 112 more straight after.
- Data is 7 bytes (op, arg, unit id high and low, CRC low and high, one spare) and 7 bytes of parity from a
  systematic rate 1/2 code with constraint length 7 and taps 0, 2, 5, 6, each byte's lowest bit first.
- The 112 bits are written into a 16 by 7 block by rows and sent by columns.
- CRC-16 over op, arg and unit id: polynomial x^16+x^12+x^5+1 reflected, start 0, inverted at the end.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.int8]
Soft = npt.NDArray[np.float64]
"""A bit with its certainty: above zero for 0, below for 1."""

SYNC = 0x07092A446F
SYNC_BITS = 40
BLOCK_BITS = 112
DATA_BITS = 56
DOUBLE_OPS = frozenset((0x35, 0x55))
"""Operations whose packet goes on for a second block."""
MOST_WRONG = 14
"""Bits of a block that may be wrong; more, and the checksum fits by chance."""

_ROWS, _COLUMNS = 16, 7
_TAPS = (0, 2, 5, 6)
_STATES = 64


@dataclass(frozen=True, slots=True)
class Packet:
    """One MDC-1200 packet. `extra` is the second block's four bytes, None in a single packet."""

    op: int
    arg: int
    unit_id: int
    extra: bytes | None = None
    at_s: float = 0.0

    @property
    def caller(self) -> str | None:
        """The sender's id, four hex digits; None when the packet names only whom it is for.

        PTT id (op 01, arg 80 at key up and 00 at release) and emergency (op 00) carry the sender; call alert
        and selective call (35 and 55, double) the called unit first and the sender in the last two bytes.
        """
        if self.op in DOUBLE_OPS:
            return None if self.extra is None else self.extra[2:4].hex().upper()
        return f"{self.unit_id:04X}" if self.op in {0x00, 0x01} else None


def sync_bits() -> Bits:
    """Return the sync word in the order of sending."""
    return np.array([SYNC >> shift & 1 for shift in range(SYNC_BITS - 1, -1, -1)], np.int8)


def crc16(data: bytes) -> int:
    """Return the checksum of op, arg and unit id."""
    register = 0
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x8408 if register & 1 else 0)
    return register ^ 0xFFFF


def block(four: bytes) -> Bits:
    """Return the 112 bits to send for op, arg and unit id (or a second block's four bytes)."""
    data = four + crc16(four).to_bytes(2, "little") + b"\0"
    return _code(_unpack(data))[_on_air()]


def read_block(soft: Soft) -> bytes | None:
    """Return the four bytes in 112 received bits; None when the checksum or too many bits are wrong."""
    received = np.empty(BLOCK_BITS)
    received[_on_air()] = soft
    data = _viterbi(received[:DATA_BITS], received[DATA_BITS:])
    if np.count_nonzero(_code(data) != (received < 0.0)) > MOST_WRONG:
        return None
    packed = np.packbits(data.astype(np.uint8), bitorder="little").tobytes()
    if crc16(packed[:4]) != int.from_bytes(packed[4:6], "little"):
        return None
    return packed[:4]


def _unpack(data: bytes) -> Bits:
    return np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little").astype(np.int8)


def _on_air() -> npt.NDArray[np.intp]:
    """Return which of the block's bits is sent at each moment."""
    return np.arange(BLOCK_BITS).reshape(_ROWS, _COLUMNS).T.reshape(-1)


def _code(data: Bits) -> Bits:
    """Append the parity bits to the data bits."""
    history = np.concatenate([np.zeros(max(_TAPS), np.int8), data])
    parity = np.zeros(len(data), np.int8)
    for tap in _TAPS:
        start = max(_TAPS) - tap
        parity ^= history[start : start + len(data)]
    return np.concatenate([data, parity])


def _viterbi(data: Soft, parity: Soft) -> Bits:
    """Return the data bits of the likeliest path; a state holds the six bits before, newest lowest."""
    states = np.arange(_STATES)
    # A state is reached with its own newest bit from the two states that differ in the oldest bit they drop.
    newest = states & 1
    older = np.stack([states >> 1, states >> 1 | _STATES >> 1])
    taps = [older >> (tap - 1) & 1 for tap in _TAPS if tap]
    checks = newest ^ taps[0] ^ taps[1] ^ taps[2]
    score = np.full(_STATES, -1e30)
    score[0] = 0.0
    choices = np.empty((len(data), _STATES), np.int8)
    for step in range(len(data)):
        paths = score[older] + (1 - 2 * checks) * parity[step]
        choices[step] = paths.argmax(axis=0)
        score = paths.max(axis=0) + (1 - 2 * newest) * data[step]
    bits = np.empty(len(data), np.int8)
    state = int(score.argmax())
    for step in range(len(data) - 1, -1, -1):
        bits[step] = state & 1
        state = int(older[choices[step, state], state])
    return bits
