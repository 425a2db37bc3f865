"""What radio modules with AT commands answer, one byte or a thousand at a time. No I/O."""

import re
from dataclasses import dataclass

LONGEST_LINE_BYTES = 200
_REPLY = re.compile(r"\b(DMO[A-Z]+|VERSION|RSSI|S)\s*(?:[=:]\s*(.*?))?\s*$")
_STRANGE = re.compile(r"[ -~]{4,}")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: `+DMOSETGROUP:0` has the name DMOSETGROUP and the value "0"."""

    name: str
    value: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether a command that sets something has worked."""
        return self.value == "0"


class ReplyReader:
    """Finds replies in what a serial port delivers, however it is cut and whatever noise is around it."""

    def __init__(self) -> None:
        self._line = bytearray()
        self.strange = ""
        """The last readable line that was no reply; it tells what else is on the line."""

    def feed(self, data: bytes) -> list[Reply]:
        """Take bytes; return the replies that are complete now."""
        found = []
        for byte in data:
            if byte not in b"\r\n":
                self._line.append(byte)
                # The end of a line counts: noise comes before the reply it spoils.
                del self._line[:-LONGEST_LINE_BYTES]
            elif self._line:
                reply = self._read(self._line.decode("ascii", errors="replace"))
                self._line.clear()
                if reply is not None:
                    found.append(reply)
        return found

    def forget(self) -> None:
        """Drop a line that is not complete."""
        self._line.clear()

    def _read(self, line: str) -> Reply | None:
        # Modules do not echo; a line with our own command comes from transmit and receive wired together.
        match = None if "AT+" in line else _REPLY.search(line)
        if match is None or (match[2] is None and match[1] != "DMOERROR"):
            readable = max(_STRANGE.findall(line), key=len, default="").strip()
            self.strange = readable or self.strange
            return None
        return Reply(match[1], match[2] or "")
