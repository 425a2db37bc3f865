from pathlib import Path

import pytest

from gateway.config import load_config
from gateway.errors import BadConfig, MissingInput

GOOD = """
[gateway]
org = "gz"
district = "tianhe"
id = "shipai"
command_post = "指挥中心"
data_dir = "data"

[units]
csv = "units.csv"

[mqtt]
url = "mqtt://127.0.0.1:1883"

[recognise]
engine = "auto"

[[radio]]
id = "ch1"
source = { kind = "wavefile", path = "call.wav", pace = "realtime" }
sink = { kind = "none" }
control = { kind = "none" }
squelch = { kind = "vox" }
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "station.toml"
    file.write_text(text, encoding="utf-8")
    return file


def faults_of(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(BadConfig) as caught:
        load_config(write(folder, text))
    assert caught.value.exit_code == 78
    return caught.value.faults


def test_contract_example_is_read(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))

    assert config.gateway.source == "urn:radio-gateway:gz:tianhe:shipai"
    assert config.gateway.topic_root == "rg/v1/gz/tianhe/shipai"
    assert config.radio[0].source.options == {"path": "call.wav", "pace": "realtime"}


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))

    assert config.gateway.data_dir == tmp_path / "data"
    assert config.units.csv == tmp_path / "units.csv"


@pytest.mark.parametrize(
    ("old", "new", "key", "hint"),
    [
        ('org = "gz"', "", "gateway.org", "required"),
        ('org = "gz"', 'org = "广州"', "gateway.org", "lower-case"),
        ('org = "gz"', 'org = "gz"\ndistrikt = "x"', "gateway.distrikt", "'district'"),
        ('url = "mqtt://127.0.0.1:1883"', 'url = "http://x"', "mqtt", "mqtt://"),
        ('url = "mqtt://127.0.0.1:1883"', 'url = "mqtt://u:p@x"', "mqtt", "password_file"),
        (
            'url = "mqtt://127.0.0.1:1883"',
            'url = "mqtt://x"\npassword = "p"',
            "mqtt.password",
            "password_file",
        ),
        ('engine = "auto"', 'engine = "siri"', "recognise.engine", "vosk"),
        ('kind = "vox"', 'kind = "vox", hang = 1', "radio[ch1].squelch.hang", "hang_s"),
        ('id = "ch1"', "id = 3", "radio[1].id", "is 3, must be text in quotes"),
    ],
)
def test_each_fault_names_file_key_and_remedy(
    tmp_path: Path, old: str, new: str, key: str, hint: str
) -> None:
    assert old in GOOD

    faults = faults_of(tmp_path, GOOD.replace(old, new))

    assert len(faults) == 1
    assert faults[0].startswith(f"{tmp_path / 'station.toml'}:{key}: ")
    assert hint in faults[0]


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, GOOD.replace('org = "gz"', "").replace('engine = "auto"', "engine = 1"))

    assert len(faults) == 2


def test_radio_ids_must_differ(tmp_path: Path) -> None:
    radio = GOOD[GOOD.index("[[radio]]") :]

    assert "ch1" in faults_of(tmp_path, GOOD + radio)[0]


def test_password_never_appears_in_the_complaint(tmp_path: Path) -> None:
    text = GOOD.replace('url = "mqtt://127.0.0.1:1883"', 'url = "mqtt://x"\npassword = "s3cret"')

    assert "s3cret" not in "".join(faults_of(tmp_path, text))


@pytest.mark.parametrize("content", [b"[gateway\n", b"\xff\xfe[gateway]", b"", b"x = 1\nx = 2"])
def test_broken_toml_is_one_clear_fault(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "station.toml"
    file.write_bytes(content)

    with pytest.raises(BadConfig) as caught:
        load_config(file)

    assert all(str(file) in fault for fault in caught.value.faults)


def test_missing_file_has_its_own_exit_code(tmp_path: Path) -> None:
    with pytest.raises(MissingInput) as caught:
        load_config(tmp_path / "absent.toml")

    assert caught.value.exit_code == 66
