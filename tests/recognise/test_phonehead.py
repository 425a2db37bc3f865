"""The shipped phone head loads, refuses damage, and hears a name in a real recording."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from gateway.errors import ModelUnavailable
from gateway.recognise.encoder import Encoder, Window
from gateway.recognise.phonehead import SHIPPED, PhoneHead
from gateway.understand.phonereading import read_phones
from gateway.understand.phones import PHONES, phones_of
from gateway.understand.phonesearch import PhoneIndex

CALLS = Path(__file__).parents[1] / "data" / "calls"


@pytest.fixture(scope="module")
def head() -> PhoneHead:
    return PhoneHead()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for suffix in (".onnx", ".json"):
        shutil.copy(SHIPPED.with_suffix(suffix), tmp_path / f"head{suffix}")
    return tmp_path / "head.onnx"


def test_columns_are_the_phones_that_names_are_made_of(head: PhoneHead) -> None:
    assert head.phones == PHONES
    assert SHIPPED.stat().st_size < 3_000_000


def test_rows_are_log_probabilities(head: PhoneHead) -> None:
    frames = np.random.default_rng(0).standard_normal((50, 512)).astype(np.float32)
    heard = head(frames)
    assert heard.log_probs.shape == (50, len(PHONES) + 1)
    assert np.allclose(np.exp(heard.log_probs).sum(axis=1), 1, atol=1e-4)
    assert np.array_equal(heard.log_probs, head(frames).log_probs)


def test_no_frames_give_no_rows(head: PhoneHead) -> None:
    assert head(np.zeros((0, 512), np.float32)).log_probs.shape == (0, len(PHONES) + 1)


def test_frames_of_another_width_are_refused(head: PhoneHead) -> None:
    with pytest.raises(ModelUnavailable, match="phone head failed"):
        head(np.zeros((5, 80), np.float32))


def test_a_damaged_network_is_refused(copied: Path) -> None:
    copied.write_bytes(copied.read_bytes()[:-1] + b"\0")
    with pytest.raises(ModelUnavailable, match="SHA-256"):
        PhoneHead(copied)


@pytest.mark.parametrize("gone", [".onnx", ".json"])
def test_a_missing_file_is_named(copied: Path, gone: str) -> None:
    copied.with_suffix(gone).unlink()
    with pytest.raises(ModelUnavailable, match=rf"head\{gone}"):
        PhoneHead(copied)


@pytest.mark.parametrize("card", ["{", "[]", json.dumps({"phones": ["a"]})])
def test_a_card_that_says_too_little_is_refused(copied: Path, card: str) -> None:
    copied.with_suffix(".json").write_text(card)
    with pytest.raises(ModelUnavailable, match=r"head\.json"):
        PhoneHead(copied)


@pytest.mark.model
def test_a_name_is_heard_in_a_real_call(head: PhoneHead, whisper_folder: Path) -> None:
    audio, _ = sf.read(CALLS / "scripted-roll-2.flac", dtype="int16")
    encoded = Encoder(whisper_folder, threads=1).encode(audio, Window(0, len(audio)))
    heard = head(encoded.frames)
    names = ["黄石中学", "千耀酒店", "碧桂华庭", "乾元饭店", "华夏A区"]
    best = PhoneIndex([phones_of(n) for n in names]).search(heard)[0]
    assert names[best.entry] == "千耀酒店"
    assert best.start_s < 1.0
    assert "收到在岗三人" in read_phones(heard).text
