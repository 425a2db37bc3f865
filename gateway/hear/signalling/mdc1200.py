"""MDC-1200 out of audio: 1200 bit/s, minimum shift keying between 1200 and 1800 Hz.

A bit equal to the one before is a cycle of 1200 Hz, a changed one a cycle and a half of 1800 Hz; so the phase
at the end of every bit says the bit itself, and once the sync word has given the carrier's phase each bit is
read by correlation with a half sine two bits long, the best filter there is for this modulation. The sync
word's waveform is searched by correlation where the power lies as this modulation puts it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gateway.hear.signalling.mdc1200_packet import (
    BLOCK_BITS,
    DOUBLE_OPS,
    SYNC_BITS,
    Packet,
    read_block,
    sync_bits,
)
from gateway.hear.signalling.spectrum import HOP, QUIETEST, Float64, Spectrum
from gateway.model import RATE_HZ, Pcm, Signalling

BIT_SAMPLES = RATE_HZ / 1200
CENTRE_CYCLES = 1.25
"""Cycles of 1500 Hz, midway between the tones, in one bit."""

SHARE = 0.68
"""Of the band's power in the modulation's main lobe: it has 0.9 in 12 dB of noise, white noise has 0.4."""
SHARE_HZ = (900.0, 2100.0)
SHARE_FRAMES = 13
MARGIN_FRAMES = 12
LEAST_MATCH = 0.45
"""Of the power explained by the sync word's waveform. Noise reaches 0.1, 0 dB of noise leaves 0.5."""
PIECE = 4 * RATE_HZ
LONGEST_PACKET = RATE_HZ // 2
PACES = tuple(1.0 + step / 1000 for step in range(-15, 16, 5))
FINE = np.arange(-5, 6) * 0.0005

Complex128 = npt.NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class _Sync:
    """A sync word found: where it starts (a sample), how much slower than 1200 bit/s, how well it fits."""

    start: int
    pace: float
    match: float


def decode(audio: Pcm, spectrum: Spectrum) -> list[Signalling]:
    """Return the senders' ids in a transmission, one for each packet that names a sender."""
    return [
        Signalling("mdc1200", packet.caller, packet.at_s)
        for packet in packets(audio, spectrum)
        if packet.caller is not None
    ]


def packets(audio: Pcm, spectrum: Spectrum) -> list[Packet]:
    """Return every packet whose checksum holds, whatever its operation, in order."""
    found: list[Packet] = []
    for start, end, until in _pieces(_stretches(spectrum)):
        piece = audio[start:end].astype(np.float64) / 32768.0
        for sync in _syncs(piece):
            if not 0 <= sync.start < until - start:
                continue
            packet = _read(piece, sync)
            if packet is not None:
                at_s = (start + sync.start) / RATE_HZ
                found.append(Packet(packet.op, packet.arg, packet.unit_id, packet.extra, at_s))
    return found


def _stretches(spectrum: Spectrum) -> list[tuple[int, int]]:
    """Return from which sample to which the power lies where this modulation has it for 100 ms or longer."""
    inside = spectrum.within(*SHARE_HZ) >= SHARE * spectrum.band
    fits = (inside & (spectrum.band >= QUIETEST)).astype(np.float32)
    if len(fits) < SHARE_FRAMES:
        return []
    steady = np.convolve(fits, np.ones(SHARE_FRAMES, np.float32), "same") >= SHARE_FRAMES - 2
    wide = np.convolve(steady, np.ones(2 * (SHARE_FRAMES // 2 + MARGIN_FRAMES) + 1), "same") > 0.0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wide, [False]])))
    return [(int(start) * HOP, int(end) * HOP) for start, end in edges.reshape(-1, 2)]


def _pieces(stretches: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Cut long stretches, so that a whistle of minutes takes no more memory than one of seconds.

    Each piece is a start, an end, and the sample before which its sync words must start; a packet that
    begins later is whole in the next piece.
    """
    return [
        (at, min(at + PIECE + LONGEST_PACKET, end), min(at + PIECE, end))
        for start, end in stretches
        for at in range(start, end, PIECE)
    ]


def _sync_wave(pace: float) -> Complex128:
    """Return the sync word's analytic waveform, less its first bit, whose tone hangs on what was before."""
    bits = sync_bits().astype(np.float64)
    turns = np.cumsum(np.where(np.diff(bits) == 0.0, 1.0, 1.5))
    at = np.arange(int((SYNC_BITS - 1) * BIT_SAMPLES * pace)) / (BIT_SAMPLES * pace)
    phase = np.interp(at, np.arange(SYNC_BITS), np.concatenate([[0.0], turns]))
    wave: Complex128 = np.exp(2j * np.pi * (phase + bits[0] / 2))
    return wave


def _syncs(piece: Float64) -> list[_Sync]:
    """Return the sync words in a stretch, in order, none overlapping a better one."""
    waves = [_sync_wave(pace) for pace in PACES]
    longest = max(len(wave) for wave in waves)
    if len(piece) < longest:
        return []
    size = 1 << (len(piece) + longest - 1).bit_length()
    lines = np.fft.fft(piece, size)
    energy = np.concatenate([[0.0], np.cumsum(piece**2)])
    matches = np.zeros((len(PACES), len(piece) - longest + 1))
    for row, wave in enumerate(waves):
        product = np.fft.ifft(lines * np.fft.fft(wave, size).conj())[: matches.shape[1]]
        power = energy[len(wave) :][: matches.shape[1]] - energy[: matches.shape[1]]
        # A real wave holds half of its power on the analytic waveform's side, hence the 2.
        matches[row] = 2.0 * np.abs(product) ** 2 / (len(wave) * np.maximum(power, QUIETEST * len(wave) / 8))
    best = matches.max(axis=0)
    found: list[_Sync] = []
    while (top := float(best.max(initial=0.0))) >= LEAST_MATCH:
        place = int(best.argmax())
        pace = PACES[int(matches[:, place].argmax())]
        found.append(_Sync(place - round(BIT_SAMPLES * pace), pace, top))
        best[max(0, place - longest // 2) : place + longest // 2] = 0.0
    return sorted(found, key=lambda sync: sync.start)


def _read(piece: Float64, sync: _Sync) -> Packet | None:
    """Read the packet behind a sync word; None when its checksum fails at every pace near the sync word's."""
    best = max(
        (_bits(piece, sync, sync.pace + step) for step in FINE), key=lambda soft: float(np.abs(soft).sum())
    )
    first = read_block(best[:BLOCK_BITS])
    if first is None:
        return None
    extra = read_block(best[BLOCK_BITS:]) if first[0] in DOUBLE_OPS else None
    return Packet(first[0], first[1], int.from_bytes(first[2:4], "big"), extra)


def _bits(piece: Float64, sync: _Sync, pace: float) -> Float64:
    """Return the soft bits of two blocks behind the sync word, as heard at one pace."""
    bit = BIT_SAMPLES * pace
    # The pace was searched with the sync word's middle held still.
    middle = sync.start + (SYNC_BITS + 1) / 2 * BIT_SAMPLES * sync.pace
    ends = middle + (np.arange(SYNC_BITS + 2 * BLOCK_BITS) + 1 - (SYNC_BITS + 1) / 2) * bit
    taps = np.arange(-int(bit), int(bit) + 1)
    samples = np.rint(ends).astype(np.intp)[:, np.newaxis] + taps
    away = (samples - ends[:, np.newaxis]) / bit
    filters = np.exp(-2j * np.pi * CENTRE_CYCLES * away) * np.cos(np.pi / 2 * np.clip(away, -1.0, 1.0))
    heard = np.where((samples >= 0) & (samples < len(piece)), piece[np.clip(samples, 0, len(piece) - 1)], 0.0)
    turned = (heard * filters).sum(axis=1)
    signs = 1.0 - 2.0 * sync_bits()
    carrier = (signs * turned[:SYNC_BITS]).sum()
    soft: Float64 = (turned[SYNC_BITS:] * np.conj(carrier)).real / max(abs(carrier), 1e-12)
    return soft
