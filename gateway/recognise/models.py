"""Where speech models live, what is wrong with them, and how they get there.

A model is a directory named after it. It becomes visible by one rename, after every file of it was checked;
beside its files lies a manifest with the size and SHA-256 of each, written then and compared ever after.
The catalogue's hashes, where published, are checked as well, so a forged manifest does not help.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gateway.errors import ModelUnavailable, UsageError
from gateway.recognise.catalogue import CATALOGUE, KnownFile, Model
from gateway.recognise.unpack import Progress, disk_faults_told, join, sha256_of, silent, unpack

PLACE_VARIABLE = "RADIO_GATEWAY_MODELS"
SYSTEM_PLACE = Path("/var/lib/radio-gateway/models")
MANIFEST = "radio-gateway-manifest.json"
NEEDED_COPIES = 3
"""While installing there are the archives, what was in them, and the joined files."""

_VOSK_FILES = ("am/final.mdl", "conf/mfcc.conf", "conf/model.conf")
_VOSK_LOOKAHEAD = ("graph/HCLr.fst", "graph/Gr.fst")
_VOSK_STATIC = ("graph/HCLG.fst", "graph/words.txt")
_VOSK_IVECTOR = tuple(
    f"ivector/{name}"
    for name in (
        "final.dubm",
        "final.ie",
        "final.mat",
        "global_cmvn.stats",
        "online_cmvn.conf",
        "splice.conf",
    )
)


def places(environ: Mapping[str, str] = os.environ, first: Path | None = None) -> tuple[Path, ...]:
    """Return the directories that may hold models, in the order searched; `first` goes before all."""
    named = environ.get(PLACE_VARIABLE)
    data_home = Path(environ.get("XDG_DATA_HOME") or Path(environ.get("HOME", "/")) / ".local/share")
    every = [
        first,
        Path(named) if named else None,
        Path(sys.prefix) / "share/radio-gateway/models",
        SYSTEM_PLACE,
        data_home / "radio-gateway/models",
    ]
    return tuple(dict.fromkeys(place for place in every if place is not None))


def known(name: str) -> Model:
    """Return the catalogue's entry for `name`.

    Raises:
        UsageError: no model has that name.
    """
    for model in CATALOGUE:
        if model.name == name:
            return model
    names = ", ".join(model.name for model in CATALOGUE)
    raise UsageError(f"{name!r} is not a model this gateway knows; it knows {names}")


def install_command(name: str) -> str:
    """Return the command a person types to install the model."""
    return f"radio-gateway models fetch {name}"


def find(name: str, where: Sequence[Path] | None = None) -> Path | None:
    """Return the directory of an installed model, None when there is none. Contents are not checked."""
    for place in places() if where is None else where:
        if (place / name).is_dir():
            return place / name
    return None


def path_of(name: str, where: Sequence[Path] | None = None) -> Path:
    """Return the directory of an installed model.

    Raises:
        UsageError: no model has that name.
        ModelUnavailable: it is not installed; the message says how to.
    """
    model = known(name)
    found = find(model.name, where)
    if found is None:
        searched = ", ".join(str(place) for place in (places() if where is None else where))
        raise ModelUnavailable(f"{name} is not installed in {searched}; install it: {install_command(name)}")
    return found


def installed(where: Sequence[Path] | None = None) -> dict[str, Path]:
    """Return the catalogue's models that are there, by name, with the directory each is loaded from."""
    found = {model.name: find(model.name, where) for model in CATALOGUE}
    return {name: path for name, path in found.items() if path is not None}


def verify(name: str, where: Sequence[Path] | None = None) -> list[str]:
    """Return what is wrong with an installed model, one sentence each; empty when every hash is right.

    Reads every byte of the model: about a second for each 500 MB.

    Raises:
        UsageError: no model has that name.
        ModelUnavailable: it is not installed.
    """
    return faults_of(known(name), path_of(name, where))


def faults_of(model: Model, folder: Path) -> list[str]:
    """Return what is wrong with the files of `model` in `folder`: missing, cut short, or of another hash."""
    wanted = {file.path: (file.size_bytes, file.sha256) for file in model.files}
    faults: list[str] = []
    if model.engine == "vosk":
        faults += _structure_faults(folder)
        wanted |= _manifest(folder, faults)
    for path, (size_bytes, sha256) in sorted(wanted.items()):
        file = folder / path
        if not file.is_file():
            faults.append(f"{file}: missing")
        elif file.stat().st_size != size_bytes:
            faults.append(f"{file}: {file.stat().st_size:,} bytes, expected {size_bytes:,}")
        elif (found := sha256_of(file)) != sha256:
            faults.append(f"{file}: wrong SHA-256 {found}, expected {sha256}")
    return faults


def check_before_load(model: Model, folder: Path) -> None:
    """Make sure that a C++ engine can be given this folder: a damaged file would end the whole process.

    Raises:
        ModelUnavailable: something is missing, cut short or changed; the message names it and the remedy.
    """
    if not folder.is_dir():
        raise ModelUnavailable(
            f"{folder}: no such model directory; install it: {install_command(model.name)}"
        )
    try:
        faults = faults_of(model, folder)
    except OSError as fault:
        raise ModelUnavailable(
            f"{folder}: {model.name} cannot be read ({fault.strerror or fault})"
        ) from fault
    if faults:
        more = f" and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise ModelUnavailable(
            f"{model.name} is damaged: {faults[0]}{more}; install it again: {install_command(model.name)}"
        )


def fetch(
    name: str, source: Path | None = None, into: Path | None = None, progress: Progress = silent
) -> Path:
    """Install a model and return its directory; does nothing when it is there and every hash is right.

    `source` is a zip, a wheel or a directory to install from, always installed anew; None downloads. `into`
    is the directory that holds models; None takes the first of `places()` that can be written. Nothing is
    visible there before every file has been checked.

    Raises:
        UsageError: no model has that name.
        MissingInput, BadInput: `source` is not there, is no archive, or is refused.
        ModelUnavailable: no network, no space, not writable, or a file is missing or has the wrong hash.
    """
    model = known(name)
    if source is None:
        there = find(name, None if into is None else (into,))
        if there is not None and not faults_of(model, there):
            return there
    holder = _writable(places() if into is None else (into,))
    with disk_faults_told(holder), tempfile.TemporaryDirectory(prefix=".fetching-", dir=holder) as scratch:
        free = shutil.disk_usage(holder).free
        if free < NEEDED_COPIES * model.unpacked_bytes:
            raise ModelUnavailable(
                f"{holder}: {free:,} bytes free, {name} needs "
                f"{NEEDED_COPIES * model.unpacked_bytes:,} while installing"
            )
        work = Path(scratch)
        (work / "unpacked").mkdir()
        # An HTTP client is no burden for a daemon that finds its model installed.
        from gateway.recognise.download import download  # noqa: PLC0415

        archives = (source,) if source is not None else download(model, work / "download", progress)
        for archive in archives:
            unpack(archive, work / "unpacked", progress)
        ready = work / name
        origin = str(source) if source is not None else "download"
        _assemble(model, work / "unpacked", ready, origin, progress)
        _make_visible(ready, holder / name, work)
    return holder / name


def _writable(candidates: Sequence[Path]) -> Path:
    for place in candidates:
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(place, os.W_OK | os.X_OK):
            return place
    tried = ", ".join(str(place) for place in candidates)
    raise ModelUnavailable(
        f"no place to install a model can be written ({tried}); use sudo or --into DIRECTORY"
    )


def _assemble(model: Model, unpacked: Path, ready: Path, origin: str, progress: Progress) -> None:
    if model.files:
        ready.mkdir()
        for file in model.files:
            _bring(model, file, unpacked, ready / file.path, progress)
    else:
        # Archives wrap the model in a folder of some name or other; the acoustic model tells which.
        roots = sorted(path.parent.parent for path in unpacked.rglob("am/final.mdl"))
        if not roots:
            raise ModelUnavailable(f"{model.name}: no am/final.mdl in {origin}; that is no Vosk model")
        roots[0].rename(ready)
    progress(f"checking {model.name}", 0, None)
    _write_manifest(model, ready)
    faults = faults_of(model, ready)
    if faults:
        told = "; ".join(fault.removeprefix(f"{ready}/") for fault in faults)
        raise ModelUnavailable(f"{model.name} from {origin} was not installed: {told}")


def _bring(model: Model, file: KnownFile, unpacked: Path, target: Path, progress: Progress) -> None:
    whole = sorted(unpacked.rglob(file.path))
    if whole:
        whole[0].rename(target)
        return
    parts = [found[0] for part in file.parts if (found := sorted(unpacked.rglob(part)))]
    if not file.parts or len(parts) < len(file.parts):
        missing = " and ".join(part for part in file.parts if not list(unpacked.rglob(part))) or file.path
        raise ModelUnavailable(f"{model.name} was not installed: {missing} is not in what was given")
    join(parts, target, progress)


def _make_visible(ready: Path, target: Path, work: Path) -> None:
    if target.exists():
        target.rename(work / "replaced")
    ready.rename(target)


def _structure_faults(folder: Path) -> list[str]:
    wanted = list(_VOSK_FILES)
    if (folder / "ivector").is_dir():
        wanted += _VOSK_IVECTOR
    lookahead = any((folder / name).is_file() for name in _VOSK_LOOKAHEAD)
    wanted += _VOSK_LOOKAHEAD if lookahead else _VOSK_STATIC
    return [
        f"{folder / name}: missing or empty"
        for name in wanted
        if not (folder / name).is_file() or (folder / name).stat().st_size == 0
    ]


def _write_manifest(model: Model, folder: Path) -> None:
    files = {
        path.relative_to(folder).as_posix(): {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    text = json.dumps({"model": model.name, "files": files}, indent=1)
    (folder / MANIFEST).write_text(text, encoding="utf-8")


def _manifest(folder: Path, faults: list[str]) -> dict[str, tuple[int, str]]:
    path = folder / MANIFEST
    try:
        read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {name: (int(told["size_bytes"]), str(told["sha256"])) for name, told in read["files"].items()}
    except FileNotFoundError:
        faults.append(
            f"{path}: missing, so nothing vouches for these files; install them with "
            f"radio-gateway models fetch {folder.name} --from {folder}"
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        faults.append(f"{path}: is no manifest of this gateway")
    return {}
