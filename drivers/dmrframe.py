"""The frames of NiceRF's digital radio modules (DMR858M, DMR818, DMR828). No I/O.

    68 | command | kind | status | checksum, 2 bytes | length, 2 bytes | data | 10

Numbers are big-endian. `kind` is 0 for an answer, 1 for a question or a setting, 2 for a report nobody
asked for; `status` of an answer is 0 when all is well. A checksum of 0 is not checked by the module, and
that is what is sent, because two readings of what the sum covers are in use; both are accepted.
"""

from dataclasses import dataclass

HEAD = 0x68
TAIL = 0x10
ANSWER, REQUEST, REPORT = 0, 1, 2
LONGEST_DATA_BYTES = 300
_AROUND_DATA = 9
_CHECKSUM = slice(4, 6)


@dataclass(frozen=True, slots=True)
class DmrFrame:
    """One frame."""

    command: int
    kind: int
    status: int
    data: bytes = b""

    def encode(self) -> bytes:
        """Return the frame as it goes over the line."""
        length = len(self.data).to_bytes(2, "big")
        return bytes((HEAD, self.command, self.kind, self.status, 0, 0)) + length + self.data + bytes((TAIL,))


class DmrFrameReader:
    """Finds frames in what a serial port delivers, however it is cut and whatever noise is around it."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[DmrFrame]:
        """Take bytes; return the frames that are complete now."""
        self._bytes += data
        found = []
        while (frame := self._next()) is not None:
            found.append(frame)
        return found

    def forget(self) -> None:
        """Drop a frame that is not complete."""
        self._bytes.clear()

    def _next(self) -> DmrFrame | None:
        held = self._bytes
        while True:
            start = held.find(HEAD)
            del held[: start if start >= 0 else len(held)]
            if len(held) < _AROUND_DATA:
                return None
            length = int.from_bytes(held[6:8], "big")
            if length <= LONGEST_DATA_BYTES:
                size = _AROUND_DATA + length
                if len(held) < size:
                    return None
                frame = bytes(held[:size])
                if frame[-1] == TAIL and _is_whole(frame):
                    del held[:size]
                    return DmrFrame(frame[1], frame[2], frame[3], frame[8:-1])
            # What looked like a head was noise, or a frame that noise has spoiled.
            del held[0]


def _is_whole(frame: bytes) -> bool:
    said = int.from_bytes(frame[_CHECKSUM], "big")
    blank = frame[:4] + b"\0\0" + frame[6:]
    return said in {0, ones_complement(blank), ones_complement(blank[1:-1])}


def ones_complement(data: bytes) -> int:
    """Return the 16-bit one's complement sum of big-endian words, an odd last byte being the high one."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
