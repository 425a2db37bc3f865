import struct
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from drivers import registry
from drivers.base import AudioFormat, AudioSource, DeviceMissing, DeviceMisused, EndOfAudio


def open_file(path: Path, **options: object) -> AudioSource:
    source = registry.make_source("wavefile", {"path": str(path), "pace": "fast"} | options, Path())
    source.open()
    return source


def hear(path: Path, **options: object) -> tuple[AudioFormat, npt.NDArray[np.float64], str]:
    """Read a file to its end; returns its samples in -1..1, a row a frame, and what the end says."""
    source = open_file(path, **options)
    pcm = b""
    try:
        while True:
            frame = source.read(0.5)
            assert frame is not None
            pcm += frame.pcm
    except EndOfAudio as end:
        message = str(end)
    finally:
        source.close()
    width = source.format.sample_width_bytes
    integers = np.frombuffer(pcm, dtype=f"<i{width}").reshape(-1, source.format.channels)
    return source.format, integers / float(1 << (8 * width - 1)), message


@pytest.mark.parametrize(
    ("subtype", "name", "step"),
    [
        ("PCM_U8", "a.wav", 1 / 128),
        ("PCM_16", "a.wav", 1 / 32768),
        ("PCM_24", "a.wav", 2**-23),
        ("PCM_32", "a.wav", 2**-30),
        ("FLOAT", "a.wav", 2**-23),
        ("DOUBLE", "a.wav", 2**-23),
        ("ULAW", "a.wav", 0.02),
        ("PCM_16", "a.flac", 1 / 32768),
        ("PCM_24", "a.flac", 2**-23),
        ("VORBIS", "a.ogg", 0.1),
    ],
)
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_every_width_is_heard_as_it_was_recorded(
    subtype: str, name: str, step: float, channels: int, recording: Callable[..., Path]
) -> None:
    times = np.arange(4410) / 44_100
    samples = np.stack([0.5 * np.sin(2 * np.pi * 300 * (n + 1) * times) for n in range(channels)], axis=1)
    fmt, heard, _ = hear(recording(name, rate_hz=44_100, subtype=subtype, samples=samples), chunk_s=0.013)
    assert (fmt.rate_hz, fmt.channels) == (44_100, channels)
    assert heard.shape == samples.shape
    assert np.abs(heard - samples).max() <= step


def test_a_float_recording_over_full_scale_is_limited_not_wrapped(recording: Callable[..., Path]) -> None:
    samples = np.array([2.0, -2.0, np.nan, 0.5] * 100)
    _, heard, _ = hear(recording(subtype="FLOAT", samples=samples))
    assert heard[:4, 0] == pytest.approx([1.0, -1.0, 0.0, 0.5], abs=1e-6)


def test_a_loop_begins_again_without_a_gap(recording: Callable[..., Path]) -> None:
    path = recording(seconds=0.1)
    with open_file(path, loop=True, chunk_s=0.1) as source:
        frames = [source.read(0.1) for _ in range(3)]
    assert len({frame.pcm for frame in frames if frame is not None}) == 1
    assert [frame.sequence for frame in frames if frame is not None] == [0, 1, 2]


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DeviceMissing, match=r"gone\.wav cannot be read: No such file"):
        open_file(tmp_path / "gone.wav")


def wav(path: Path) -> bytes:
    soundfile.write(path, 0.1 * np.ones(4000), 16_000)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda _: b"", "is empty"),
        (lambda _: b"not sound but some words " * 20, "is not a recording"),
        (lambda content: content[:30], "is not a recording"),
        (lambda content: content[:44], "0 samples"),
        (lambda content: content[:24] + struct.pack("<II", 0, 0) + content[32:], "is not a recording"),
        (lambda content: content[:24] + struct.pack("<II", 1, 2) + content[32:], "1 samples a second"),
    ],
)
def test_what_is_no_recording_is_named_in_one_sentence(
    change: Callable[[bytes], bytes], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(change(wav(path)))
    with pytest.raises(DeviceMisused) as caught:
        open_file(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(DeviceMisused, match="is a folder"):
        open_file(tmp_path)


def test_of_a_wav_cut_short_everything_there_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(wav(path)[: 44 + 2 * 1234])
    _, heard, _ = hear(path)
    assert len(heard) == 1234


def test_of_a_flac_cut_short_the_beginning_is_heard_and_the_damage_told(
    recording: Callable[..., Path],
) -> None:
    path = recording("call.flac", samples=0.1 * np.random.default_rng(3).standard_normal(32_000))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    _, heard, message = hear(path)
    assert 8_000 < len(heard) < 20_000
    assert "damaged after" in message
    assert "call.flac" in message


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_the_sink_writes_what_it_is_given(width: int, tmp_path: Path) -> None:
    fmt = AudioFormat(8_000, channels=2, sample_width_bytes=width)
    value = 1 << (8 * width - 3)
    pcm = (value.to_bytes(width, "little") + (-value).to_bytes(width, "little", signed=True)) * 500
    sink = registry.make_sink("wavefile", {"path": "said.wav"}, tmp_path)
    with sink:
        sink.write(pcm[:1000], fmt)
        sink.write(pcm[1000:], fmt)
        with wave.open(str(tmp_path / "said.wav")) as written:
            assert written.getnframes() == len(pcm) // fmt.frame_bytes, "a killed process leaves a whole file"
    heard, rate_hz = soundfile.read(tmp_path / "said.wav")
    assert rate_hz == 8_000
    assert heard == pytest.approx(np.array([[0.25, -0.25]] * 500))


def test_the_sink_keeps_to_one_format(tmp_path: Path) -> None:
    with registry.make_sink("wavefile", {"path": "said.wav"}, tmp_path) as sink:
        sink.write(bytes(20), AudioFormat(8_000))
        with pytest.raises(DeviceMisused, match="cannot take"):
            sink.write(bytes(20), AudioFormat(16_000))


def test_the_sink_needs_its_folder(tmp_path: Path) -> None:
    with pytest.raises(DeviceMissing, match="there is no folder"):
        registry.make_sink("wavefile", {"path": "not/here.wav"}, tmp_path).open()
