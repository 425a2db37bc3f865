"""Fuzz what reads other people's bytes: `python -m tools.fuzz [TARGET...] [--seconds 60]`.

With atheris installed (`pip install atheris`, Linux) coverage leads the way, one process for each target;
without it inputs are good ones mutated at random. A fault ends the run with its input in fuzz-TARGET-SEED.
"""

import argparse
import importlib.util
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tools.fuzztargets import TARGETS, seeds


def mutated(seed: bytes, chance: random.Random) -> bytes:
    """Return a good input cut short, with bytes changed, parts doubled or moved."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        upto = min(len(data), at + chance.randint(1, 16))
        match chance.randrange(5):
            case 0:
                del data[at:]
            case 1:
                data[at:upto] = chance.randbytes(upto - at)
            case 2:
                data[at:at] = data[at:upto] * chance.randint(1, 4)
            case 3:
                data[at:at] = chance.choice(
                    (b"\xff\xff\xff\xff", b"\x00" * 4, b"\x7f\xff", b'"', b",", b"\n")
                )
            case _:
                del data[at:upto]
    return bytes(data)


def by_chance(name: str, seconds: float, seed: int) -> int:
    """Feed a target mutated inputs; return how many. Raises what the target raises."""
    chance = random.Random(seed)
    ends_s = time.monotonic() + seconds
    count = 0
    while time.monotonic() < ends_s:
        data = mutated(chance.choice(seeds(name)), chance)
        try:
            TARGETS[name](data)
        except BaseException:
            kept = Path(f"fuzz-{name}-{seed}")
            kept.write_bytes(data)
            print(f"{name}: FAULT after {count} inputs; the input is in {kept}")
            raise
        count += 1
    return count


def by_coverage(name: str, seconds: float) -> int:
    """Let atheris look for faults, in a process of its own; return its exit code."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for number, seed in enumerate(seeds(name)):
            (Path(folder) / str(number)).write_bytes(seed)
        command = [
            sys.executable, "-m", "tools.fuzz", "--inside", name, folder,
            f"-max_total_time={seconds:.0f}", "-max_len=65536", "-timeout=20",
            f"-artifact_prefix=fuzz-{name}-",
        ]  # fmt: skip
        return subprocess.run(command, check=False).returncode


def _inside(name: str, arguments: list[str]) -> None:
    import atheris  # noqa: PLC0415 - only where it is installed

    target: Callable[[bytes], None] = TARGETS[name]
    atheris.instrument_func(target)
    atheris.Setup([sys.argv[0], *arguments], target)
    atheris.Fuzz()


def main() -> int:
    if sys.argv[1:2] == ["--inside"]:
        _inside(sys.argv[2], sys.argv[3:])
        return 0
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--by-chance", action="store_true", help="do not use atheris even if it is there")
    asked = parser.parse_args()
    has_atheris = importlib.util.find_spec("atheris") is not None and not asked.by_chance
    for name in asked.targets or TARGETS:
        if has_atheris:
            if by_coverage(name, asked.seconds):
                return 1
        else:
            print(f"{name}: {by_chance(name, asked.seconds, asked.seed)} inputs, no fault", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
