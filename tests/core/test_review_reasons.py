"""Every reason for a review is explained in the docs, and what is explained there exists."""

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GATEWAY = ROOT / "gateway"
REASONED = [
    *(GATEWAY / "understand").glob("*.py"),
    *(GATEWAY / "rollcall").glob("*.py"),
    *(GATEWAY / "recognise" / name for name in ("guard.py", "cross.py")),
    GATEWAY / "drafts.py",
]
OTHER_WORDS = {"evidence.py", "lexicon_file.py"}
"""Their words name points of evidence and faults of YAML."""
REASON = re.compile(r"[a-z]+(?:_[a-z]+)+|(?:[a-z]+_)*[a-z]+(?=:)")
DOUBTING = {"_doubted", "_reply", "unreadable"}
"""What notes the reasons that it is given beside a roll-call's or a drill's answer."""


def explained() -> set[str]:
    page = (ROOT / "docs" / "integrator.md").read_text(encoding="utf-8")
    table = page.partition("## Why a person should look\n")[2].partition("\n## ")[0]
    cells = [re.split(r"(?<!\\)\|", line)[1] for line in table.splitlines() if line.startswith("| `")]
    return {reason for cell in cells for reason in re.findall(r"`([a-z_]+)(?::[^`]+)?`", cell)}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def words(node: ast.AST) -> Iterator[str]:
    """What is written under a node, of texts with something in them only the beginning."""
    inner: set[int] = set()
    for one in ast.walk(node):
        if isinstance(one, ast.JoinedStr):
            inner |= {id(part) for part in one.values}
            if isinstance(one.values[0], ast.Constant):
                yield str(one.values[0].value)
        elif isinstance(one, ast.Constant) and isinstance(one.value, str) and id(one) not in inner:
            yield one.value


def reasons(node: ast.AST) -> set[str]:
    matches = (REASON.match(word) for word in words(node))
    return {match[0] for match in matches if match and match.string[match.end() :][:1] in {"", ":"}}


def fields() -> set[str]:
    """The names of fields and of arguments, which are written as texts here and there."""
    nodes = list(chain.from_iterable(ast.walk(tree(path)) for path in GATEWAY.rglob("*.py")))
    keywords = {node.arg for node in nodes if isinstance(node, ast.keyword) and node.arg}
    own = (part for node in nodes if isinstance(node, ast.ClassDef) for part in node.body)
    return keywords | {
        p.target.id for p in own if isinstance(p, ast.AnnAssign) and isinstance(p.target, ast.Name)
    }


def understood() -> set[str]:
    """Whatever reads like a reason where calls are understood, but for the words of acts and of fields."""
    lexicon = yaml.safe_load((ROOT / "config" / "lexicon.yaml").read_text(encoding="utf-8"))
    others = {*lexicon["acts"], *lexicon["drill"], *fields()}
    rooms = [path for path in REASONED if path.parent.name != "rollcall" and path.name not in OTHER_WORDS]
    statements = chain.from_iterable(tree(path).body for path in rooms)
    return set(chain.from_iterable(reasons(one) for one in statements if not is_list_of_names(one))) - others


def is_list_of_names(statement: ast.stmt) -> bool:
    """Whether it is `__all__`, or what a name stands for in types."""
    if not isinstance(statement, ast.Assign):
        return False
    return "__all__" in ast.unparse(statement.targets[0]) or ast.unparse(statement.value).startswith(
        "Literal"
    )


def answered() -> set[str]:
    """What is added to the reasons of an answer in a roll-call or a drill."""
    nodes = chain.from_iterable(ast.walk(tree(path)) for path in (GATEWAY / "rollcall").glob("*.py"))
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in DOUBTING:
            found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant) and arg.value}
        elif isinstance(node, ast.Tuple) and "review_reasons" in ast.unparse(node):
            found |= {part.value for part in node.elts if isinstance(part, ast.Constant)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "doubts.append":
            found |= reasons(node)
    return found


def test_every_reason_of_an_understood_call_is_explained() -> None:
    found = understood()
    assert {"kind_not_understood", "sounds_like", "place_not_heard", "phones_disagree"} <= found
    assert found - explained() == set(), "a new reason? Say in docs/integrator.md what it means"


def test_every_reason_of_an_answer_is_explained() -> None:
    found = answered()
    assert {"caller_ambiguous", "spoke_together", "stood_in_for_whom", "unreadable"} <= found
    assert found - explained() == set(), "a new reason? Say in docs/integrator.md what it means"


@pytest.mark.parametrize("reason", sorted(explained()))
def test_what_is_explained_exists(reason: str) -> None:
    written = set(chain.from_iterable(words(tree(path)) for path in REASONED))
    # the two that are put together
    made = {f"caller_{status}" for status in ("unknown", "ambiguous") if "caller_" in written}
    if '{name}_changed"' in (GATEWAY / "rollcall" / "sheet.py").read_text(encoding="utf-8"):
        made |= {f"{name}_changed" for name in ("present", "expected", "all_normal")}
    assert reason in made or reason in {word.partition(":")[0] for word in written}


def test_the_table_is_read() -> None:
    assert len(explained()) > 50
