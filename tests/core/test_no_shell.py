"""Nothing in the product goes through a shell, and no program is started from one string."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(file for room in ("gateway", "drivers") for file in (ROOT / room).rglob("*.py"))
STARTERS = {"run", "Popen", "call", "check_call", "check_output"}
NEVER = {
    "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell", "pty.spawn", "eval", "exec", "pickle.loads", "pickle.load",
    "yaml.load", "yaml.unsafe_load",
}  # fmt: skip


def faults_of(source: str) -> list[str]:
    """What in a program could hand words to a shell, or run them."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module in {"subprocess", "os"}:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found += [f"{node.lineno}: imports {name}" for name in names & NEVER]
            found += [f"{node.lineno}: imports {n}" for n in names if n.partition(".")[2] in STARTERS]
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in NEVER:
            found.append(f"{node.lineno}: {name}")
        if any(word.arg == "shell" for word in node.keywords):
            found.append(f"{node.lineno}: {name} with shell")
        first = node.args[0] if node.args else None
        one_string = isinstance(first, ast.JoinedStr | ast.BinOp) or (
            isinstance(first, ast.Constant) and isinstance(first.value, str)
        )
        if name.rpartition(".")[0] == "subprocess" and name.rpartition(".")[2] in STARTERS and one_string:
            found.append(f"{node.lineno}: {name} from one string")
    return found


def test_nothing_goes_through_a_shell() -> None:
    assert len(FILES) > 200
    found = {
        str(file.relative_to(ROOT)): faults
        for file in FILES
        if (faults := faults_of(file.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "program",
    [
        "import os\nos.system('ls')",
        "import subprocess\nsubprocess.run(['ls'], shell=True)",
        "import subprocess\nsubprocess.Popen(f'ls {x}')",
        "from subprocess import run",
        "from os import system",
        "asyncio.create_subprocess_shell(x)",
        "eval(x)",
    ],
)
def test_the_test_sees_a_shell(program: str) -> None:
    assert faults_of(program)
