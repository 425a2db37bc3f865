"""Releases side by side: switching, going back, the unit's exposure. Building one is too slow for here."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "systemd" / "radio-gateway.service"


def installer(root: Path, action: str) -> subprocess.CompletedProcess[str]:
    script = ["bash", str(ROOT / "tools" / "install.sh"), action, str(root)]
    return subprocess.run(script, capture_output=True, text=True, check=False)


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A box with three releases, the newest in use."""
    releases = tmp_path / "opt" / "radio-gateway" / "releases"
    for name in ("0.1.0-20261101000000", "0.2.0-20261110000000", "0.10.0-20261120000000"):
        (releases / name).mkdir(parents=True)
    (releases.parent / "current").symlink_to("releases/0.2.0-20261110000000")
    return tmp_path


def in_use(box: Path) -> str:
    return (box / "opt" / "radio-gateway" / "current").resolve().name


def test_rollback_goes_to_the_release_before_and_says_when_there_is_none(box: Path) -> None:
    done = installer(box, "rollback")

    assert done.returncode == 0, done.stderr
    assert in_use(box) == "0.1.0-20261101000000"
    assert installer(box, "rollback").returncode == 69
    assert in_use(box) == "0.1.0-20261101000000"


def test_list_names_the_release_in_use(box: Path) -> None:
    assert installer(box, "list").stdout.splitlines() == [
        "0.1.0-20261101000000",
        "0.2.0-20261110000000  (in use)",
        "0.10.0-20261120000000",
    ]


def test_what_is_not_asked_for_is_not_done(box: Path) -> None:
    done = installer(box, "remove")

    assert done.returncode == 64
    assert "usage" in done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_the_unit_is_exposed_to_2_0_at_most_and_has_no_misspelt_key() -> None:
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(UNIT)],
        capture_output=True,
        text=True,
        check=False,
    )
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(UNIT)], capture_output=True, text=True, check=False
    )

    assert judged.returncode == 0, judged.stdout[-300:]
    assert "Unknown" not in verified.stderr


def test_accounts_and_folders_are_declared_for_what_the_unit_uses() -> None:
    unit = UNIT.read_text(encoding="utf-8")
    users = UNIT.with_name("radio-gateway.sysusers.conf").read_text(encoding="utf-8")
    folders = UNIT.with_name("radio-gateway.tmpfiles.conf").read_text(encoding="utf-8")

    for group in unit.split("SupplementaryGroups=")[1].splitlines()[0].split():
        assert f"m radio-gateway {group}" in users
    credential = unit.split("LoadCredential=mqtt-password:")[1].splitlines()[0]
    assert f"f {credential} 0600 root root" in folders
