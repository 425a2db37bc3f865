"""What a benchmark gives back, and how it is shown and kept."""

import json
import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from rich.console import Console, RenderableType
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".cache" / "bench"
"""Scratch on the same disk as the checkout, so that waiting for the disk is measured and not a RAM disk."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `reached` is None where no target is set; `detail` holds what it is made of."""

    name: str
    value: float | None
    unit: str
    target: str | None = None
    reached: bool | None = None
    note: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def at_most(cls, name: str, value: float, unit: str, limit: float, note: str = "", **detail: Any) -> Self:
        """A figure that is good when it is small."""
        return cls(name, _short(value), unit, f"≤ {limit:g}", value <= limit, note, detail)

    @classmethod
    def at_least(
        cls, name: str, value: float, unit: str, limit: float, note: str = "", **detail: Any
    ) -> Self:
        """A figure that is good when it is large."""
        return cls(name, _short(value), unit, f"≥ {limit:g}", value >= limit, note, detail)

    @classmethod
    def noted(cls, name: str, value: float | None, unit: str, note: str = "", **detail: Any) -> Self:
        """A figure without a target."""
        return cls(name, None if value is None else _short(value), unit, note=note, detail=detail)


@dataclass(frozen=True, slots=True)
class Options:
    """What a person may choose.

    `human` is a folder of real people's speech, None to leave that out. `every` is 1 for the whole corpus, 5
    for each fifth call of it. `kills` is how often the crash harness kills the daemon. `soak_calls` is how
    many transmissions the soak has, and `soak_minutes` how long it may take for them.
    """

    snrs_db: tuple[int, ...] = (20, 12)
    splits: tuple[str, ...] = ("dev", "test")
    human: Path | None = None
    path_calls: int = 10
    every: int = 1
    kills: int = 2000
    soak_calls: int = 5000
    soak_minutes: float = 60.0


@dataclass(frozen=True, slots=True)
class Report:
    """A benchmark's figures, and tables of its own for people."""

    figures: tuple[Figure, ...]
    tables: tuple[RenderableType, ...] = ()


Benchmark = Callable[[Options], Report]


def machine() -> dict[str, Any]:
    """Describe what the figures were measured on, now."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "cpu": cpu,
        "python": platform.python_version(),
        "system": platform.platform(terse=True),
        "load_1_5_15_min": [round(load, 2) for load in os.getloadavg()],
        "commit": commit(),
    }


def commit() -> str:
    """Name the commit; `+changes` when files that the product is made of differ from it."""
    name = _git("rev-parse", "--short=12", "HEAD")
    changed = _git("status", "--porcelain", "--", "gateway", "drivers", "config", "tools", "bench/*.py")
    return f"{name}+changes" if changed else name


def write_results(path: Path, header: dict[str, Any], figures: Sequence[Figure]) -> None:
    """Write header and figures as JSON, one figure after the other as they were measured."""
    document = {"header": header, "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def keep_results(path: Path, header: dict[str, Any], figures: Sequence[Figure]) -> None:
    """Put figures in the place of those of the same name, each with its own date, commit and load."""
    document = json.loads(path.read_text(encoding="utf-8"))
    stamp = {
        "measured": header["date"], "commit": header["commit"], "load_1_5_15_min": header["load_1_5_15_min"]
    }  # fmt: skip
    fresh = {one.name: asdict(one) | {"detail": one.detail | stamp} for one in figures}
    kept = [fresh.pop(one["name"], one) for one in document["figures"]]
    document["figures"] = [*kept, *fresh.values()]
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def show(figures: Sequence[Figure], console: Console) -> None:
    """Print the figures; those of the accuracy tables are left to their tables unless a target is set."""
    table = Table(title="figures", title_justify="left", show_edge=False)
    for column, justify in (("figure", "left"), ("value", "right"), ("unit", "left"), ("target", "left")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    table.add_column("")
    table.add_column("note", overflow="fold")
    for figure in figures:
        if figure.target is None and figure.name.startswith("accuracy."):
            continue
        verdict = {None: "", True: "[green]reached[/]", False: "[bold red]missed[/]"}[figure.reached]
        value = "–" if figure.value is None else f"{figure.value:g}"
        table.add_row(figure.name, value, figure.unit, figure.target or "", verdict, figure.note)
    console.print(table)


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or ("unknown" if arguments[0] == "rev-parse" else "")
