from pathlib import Path

import pytest

from gateway.errors import ModelUnavailable
from gateway.recognise import engines

CN = "vosk-model-small-cn-0.22"


@pytest.fixture(autouse=True)
def nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the folder a test names is searched, whatever this machine has installed."""
    monkeypatch.setattr(engines.models, "places", lambda first=None: (first or tmp_path,))


def test_without_any_model_the_message_names_the_command(tmp_path: Path) -> None:
    for engine in ("auto", "whisper"):
        with pytest.raises(ModelUnavailable, match=r"radio-gateway models fetch whisper-base$"):
            engines.choose(engine, "zh", tmp_path)
    with pytest.raises(ModelUnavailable, match=rf"radio-gateway models fetch {CN}$"):
        engines.choose("vosk", "zh", tmp_path)
    with pytest.raises(ModelUnavailable, match="no Vosk model for the language 'xx'"):
        engines.choose("vosk", "xx", tmp_path)


def test_auto_takes_vosk_when_its_model_is_there(tmp_path: Path) -> None:
    """A Vosk model that is there but damaged is told about, not silently passed over."""
    (tmp_path / CN).mkdir()
    with pytest.raises(ModelUnavailable, match=rf"{CN} is damaged"):
        engines.choose("auto", "zh", tmp_path)


def test_auto_takes_the_larger_of_two_vosk_models(tmp_path: Path) -> None:
    for name in (CN, "vosk-model-cn-0.22"):
        (tmp_path / name).mkdir()
    with pytest.raises(ModelUnavailable, match=r"^vosk-model-cn-0\.22 is damaged"):
        engines.choose("auto", "zh", tmp_path)


@pytest.mark.model
def test_auto_is_whisper_where_only_whisper_is(whisper_folder: Path) -> None:
    recogniser = engines.choose("auto", "zh", whisper_folder.parent)
    assert (recogniser.engine, recogniser.model) == ("whisper", "whisper-base")
    recogniser.close()
