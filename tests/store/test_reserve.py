"""Disk space kept in hand."""

from pathlib import Path
from types import SimpleNamespace

import pytest

import gateway.store.reserve
from gateway.store.reserve import RESERVE_BYTES, Reserve, is_full


def disk(monkeypatch: pytest.MonkeyPatch, total: int, free: int) -> None:
    usage = SimpleNamespace(total=total, free=free)
    monkeypatch.setattr(gateway.store.reserve.shutil, "disk_usage", lambda _: usage)


def test_it_is_there_once_and_takes_its_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk(monkeypatch, 10**10, 10**9)
    reserve = Reserve(tmp_path)
    assert reserve.give_up() == 0
    reserve.keep()
    reserve.keep()
    assert [path.name for path in tmp_path.iterdir()] == ["reserve"]
    assert reserve.size_bytes == RESERVE_BYTES
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= RESERVE_BYTES, "no sparse file"
    assert reserve.give_up() == RESERVE_BYTES
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("total", "free"), [(10**10, 20 * 1024**2), (10**6, 10**6)], ids=["tight", "tiny"])
def test_it_is_not_what_fills_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: int, free: int
) -> None:
    disk(monkeypatch, total, free)
    Reserve(tmp_path).keep()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_refuses_is_no_reason_to_fail(tmp_path: Path) -> None:
    away = Reserve(tmp_path / "away")
    away.keep()
    assert (away.size_bytes, away.give_up()) == (0, 0)
    assert not is_full(tmp_path)
