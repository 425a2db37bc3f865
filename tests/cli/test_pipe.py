import subprocess
import sys
from pathlib import Path

COMMAND = Path(sys.executable).with_name("radio-gateway")


def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    first = subprocess.Popen([COMMAND, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert first.stdout is not None
    assert first.stderr is not None
    assert first.stdout.readline() == b"{\n"
    first.stdout.close()
    said = first.stderr.read()
    first.stderr.close()
    assert (first.wait(timeout=60), said) == (0, b"")
