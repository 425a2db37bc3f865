"""What radios send as their id, as audio: for the virtual radio, the demo, the tests and the benchmarks.

Every encoder returns mono samples at RATE_HZ. `level_dbfs` is the RMS while tones are on (a full-scale sine
is −3 dBFS); louder than full scale is clipped, as a sound card does. `drift` is the sender's frequency error
as a fraction (0.01 is 1 % high).
"""

import numpy as np

from gateway.hear.signalling.dtmf import HIGH_HZ, KEYS, LOW_HZ
from gateway.hear.signalling.fivetone import REPEAT, TABLES
from gateway.hear.signalling.mdc1200_packet import DOUBLE_OPS, Packet, block, sync_bits
from gateway.hear.signalling.settings import Standard
from gateway.hear.signalling.spectrum import Float64
from gateway.model import RATE_HZ, Pcm

LEVEL_DBFS = -12.0
LEADER = 0x55
LEADER_BYTES = 7


def dtmf(
    digits: str,
    *,
    tone_s: float = 0.08,
    pause_s: float = 0.08,
    twist_db: float = 0.0,
    level_dbfs: float = LEVEL_DBFS,
    drift: float = 0.0,
) -> Pcm:
    """Dial `digits` (0 to 9, A to D, * and #). `twist_db` is how much stronger the high tone is."""
    pieces: list[Float64] = []
    high_share = 1.0 / (1.0 + 10.0 ** (-twist_db / 10.0))
    for digit in digits:
        row, column = divmod(KEYS.index(digit), 4)
        at = np.arange(round(tone_s * RATE_HZ)) / RATE_HZ * (1.0 + drift) * 2.0 * np.pi
        low, high = np.sin(at * LOW_HZ[row]), np.sin(at * HIGH_HZ[column])
        pieces += [
            np.sqrt(2.0 * (1.0 - high_share)) * low + np.sqrt(2.0 * high_share) * high,
            np.zeros(round(pause_s * RATE_HZ)),
        ]
    return _pcm(np.concatenate(pieces[:-1]) if pieces else np.zeros(0), level_dbfs)


def fivetone(
    digits: str,
    standard: Standard = "ZVEI1",
    *,
    first_tone_s: float | None = None,
    tone_s: float | None = None,
    level_dbfs: float = LEVEL_DBFS,
    drift: float = 0.0,
) -> Pcm:
    """Send `digits` in a row; None means the standard's tone length. Raises KeyError for an unknown digit."""
    table = TABLES[standard]
    length_s = table.tone_s if tone_s is None else tone_s
    pieces: list[Float64] = []
    last = ""
    for digit in digits:
        sent = REPEAT if digit == last else digit
        last = sent
        stretched = first_tone_s is not None and not pieces
        samples = round((first_tone_s if stretched and first_tone_s else length_s) * RATE_HZ)
        pieces.append(np.full(samples, table.hz[sent] * (1.0 + drift)))
    hz = np.concatenate(pieces) if pieces else np.zeros(0)
    return _pcm(np.sqrt(2.0) * np.sin(2.0 * np.pi * np.cumsum(hz) / RATE_HZ), level_dbfs)


def mdc1200(
    unit_id: str,
    *,
    op: int = 0x01,
    arg: int = 0x80,
    caller: str | None = None,
    leader_bytes: int = LEADER_BYTES,
    level_dbfs: float = LEVEL_DBFS,
    drift: float = 0.0,
) -> Pcm:
    """Send a packet for `unit_id` (hex).

    Ops 35 and 55 are double packets and need `caller`, the sender's id; without it they raise ValueError.
    """
    packet = Packet(op, arg, int(unit_id, 16))
    bits = [np.unpackbits(np.full(leader_bytes, LEADER, np.uint8)), sync_bits()]
    bits.append(block(bytes((packet.op, packet.arg)) + packet.unit_id.to_bytes(2, "big")))
    if op in DOUBLE_OPS:
        if caller is None:
            raise ValueError(f"op {op:02X} is a double packet: name the caller")
        bits.append(block(bytes(2) + int(caller, 16).to_bytes(2, "big")))
    sent = np.concatenate([np.zeros(1), *bits])
    turns = np.concatenate([[0.0], np.cumsum(np.where(np.diff(sent) == 0.0, 1.0, 1.5))])
    bit = RATE_HZ / (1200.0 * (1.0 + drift))
    phase = np.interp(np.arange(int((len(sent) - 1) * bit)) / bit, np.arange(len(sent)), turns)
    return _pcm(np.sqrt(2.0) * np.sin(2.0 * np.pi * phase), level_dbfs)


def ctcss(hz: float, duration_s: float, *, level_dbfs: float = -27.0) -> Pcm:
    """Send a steady tone, to be added to speech: usually 15 dB below it."""
    at = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return _pcm(np.sqrt(2.0) * np.sin(2.0 * np.pi * hz * at), level_dbfs)


def _pcm(wave: Float64, level_dbfs: float) -> Pcm:
    scaled = wave * (32768.0 * 10.0 ** (level_dbfs / 20.0))
    samples: Pcm = np.clip(np.rint(scaled), -32768, 32767).astype(np.int16)
    return samples
