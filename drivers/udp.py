"""Audio that comes over the network as raw samples, one datagram after another, without any header.

    source = { kind = "udp", host = "0.0.0.0", port = 7355, rate_hz = 16000, encoding = "f32le" }

RTLSDR-Airband's `udp_stream` sends f32le, most others s16le. Nothing in a datagram says that one before it
was lost, so losses cannot be told. A sender that falls silent between calls needs `gaps = "silence"`: then
time goes on as silence, and a call ends when its audio does. With `gaps = "none"` nothing is made up, and a
sender that stops sending is a fault.
"""

import select
import socket
import time
from dataclasses import dataclass
from typing import Literal

import numpy as np

from drivers.base import AudioFormat, AudioFrame, AudioSource, DeviceLost, DeviceMissing
from drivers.wavefile import LEAST_RATE_HZ, MOST_RATE_HZ

_LARGEST_DATAGRAM = 65_535
_RECEIVE_BUFFER_BYTES = 1 << 20
_LATE_S = 0.2
"""How late a datagram may be before its time is filled with silence."""
_FILL_S = 0.1
_LOOK_UP_S = 0.1
"""How long a read may not notice that the source was closed."""


@dataclass(frozen=True, slots=True)
class UdpOptions:
    """`host` is the address of this machine to listen on; from `sender`, when given, and from nobody else."""

    port: int
    rate_hz: int
    host: str = "127.0.0.1"
    channels: int = 1
    encoding: Literal["s16le", "f32le"] = "s16le"
    gaps: Literal["none", "silence"] = "none"
    sender: str = ""

    def faults(self) -> list[tuple[str, str]]:
        """Return what a type cannot say."""
        limits = (
            ("port", self.port, 1, 65_535),
            ("rate_hz", self.rate_hz, LEAST_RATE_HZ, MOST_RATE_HZ),
            ("channels", self.channels, 1, 8),
        )
        return [
            (key, f"is {value}, must be from {least} to {most}")
            for key, value, least, most in limits
            if not least <= value <= most
        ]


class UdpSource(AudioSource):
    """Hears whatever arrives at a port; each datagram is a frame."""

    Options = UdpOptions

    def __init__(self, options: UdpOptions) -> None:
        self._options = options
        self.format = AudioFormat(options.rate_hz, options.channels)
        self._width = 4 if options.encoding == "f32le" else 2
        self._socket: socket.socket | None = None
        self._senders: frozenset[str] = frozenset()
        self._sequence = 0
        self._until_ns = 0

    def open(self) -> None:
        """Begin to listen.

        Raises DeviceMissing when the address is not one of this machine, the port is taken, or `sender` is a
        name that nobody knows.
        """
        self.close()
        options = self._options
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
            listener.bind((options.host, options.port))
            listener.setblocking(False)
            if options.sender:
                known = socket.getaddrinfo(options.sender, None, socket.AF_INET, socket.SOCK_DGRAM)
                self._senders = frozenset(str(address[0]) for *_, address in known)
        except OSError as error:
            listener.close()
            raise DeviceMissing(
                f"cannot listen on {options.host}:{options.port} UDP: {error.strerror}"
            ) from error
        self._sequence = 0
        self._until_ns = time.monotonic_ns()
        self._socket = listener

    def close(self) -> None:
        """Stop listening."""
        listener, self._socket = self._socket, None
        if listener is not None:
            listener.close()

    def _read(self, timeout_s: float) -> AudioFrame | None:
        deadline_ns = time.monotonic_ns() + round(timeout_s * 1e9)
        listener = self._socket
        if listener is None:
            raise DeviceLost(f"UDP port {self._options.port} is not open")
        while True:
            now_ns = time.monotonic_ns()
            due_ns = min(deadline_ns, self._fill_due_ns(deadline_ns))
            pcm = self._receive(listener, min(max(0.0, (due_ns - now_ns) / 1e9), _LOOK_UP_S))
            if self._socket is not listener:
                return None
            now_ns = time.monotonic_ns()
            if pcm:
                self._until_ns = now_ns
                return self._frame(pcm, now_ns)
            if now_ns >= self._fill_due_ns(now_ns + 1):
                return self._silence()
            if now_ns >= deadline_ns:
                return None

    def _receive(self, listener: socket.socket, timeout_s: float) -> bytes:
        """Return a datagram's samples; none when none came, it was empty or somebody else's."""
        try:
            if not select.select([listener], [], [], timeout_s)[0]:
                return b""
            data, address = listener.recvfrom(_LARGEST_DATAGRAM)
        except BlockingIOError:
            return b""
        except (OSError, ValueError) as error:
            if self._socket is not listener:
                return b""
            raise DeviceLost(f"UDP port {self._options.port} failed: {error}") from error
        if self._senders and address[0] not in self._senders:
            return b""
        whole = len(data) - len(data) % (self._width * self._options.channels)
        if self._options.encoding == "s16le":
            return data[:whole]
        floats = np.nan_to_num(np.frombuffer(data[:whole], "<f4"))
        return bytes(np.rint(np.clip(floats, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())

    def _fill_due_ns(self, never_ns: int) -> int:
        if self._options.gaps == "none":
            return never_ns
        return self._until_ns + round((_LATE_S + _FILL_S) * 1e9)

    def _silence(self) -> AudioFrame:
        samples = round(_FILL_S * self.format.rate_hz)
        self._until_ns += round(_FILL_S * 1e9)
        return self._frame(bytes(samples * self.format.frame_bytes), self._until_ns)

    def _frame(self, pcm: bytes, captured_ns: int) -> AudioFrame:
        frame = AudioFrame(pcm, self.format, self._sequence, captured_ns)
        self._sequence += 1
        return frame
