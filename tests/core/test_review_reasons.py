"""Every reason for a review is explained in the docs, and what is explained there exists."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields as dataclass_fields
from itertools import chain
from pathlib import Path
from typing import get_args

import pytest
import yaml

from gateway.events.incident import StagesData
from gateway.knowledge import code_names, read_lexicon
from gateway.reviewwords import HINDRANCES, REASONS, hindrance_in_words, reason_in_words
from gateway.speak.utterance import Reason
from gateway.understand.conversation import Conversation
from gateway.understand.lexicon_rules import EvidenceRules
from gateway.understand.standin import STANDS_IN

ROOT = Path(__file__).parents[2]
GATEWAY = ROOT / "gateway"
REASONED = [
    *(GATEWAY / "understand").glob("*.py"),
    *(GATEWAY / "rollcall").glob("*.py"),
    *(GATEWAY / "recognise" / name for name in ("guard.py", "cross.py")),
    GATEWAY / "drafts.py",
]
OTHER_WORDS = {"evidence.py", "lexicon_file.py", "registry.py", "rolewords.py", "roles.py"}
"""Their words name points of evidence, faults of YAML, columns of a table and roles of a name."""
PHRASE_GROUPS = {"place", "count", "expected"}
"""What a phrase searched in the audio is for, written before a colon as some reasons are."""
REASON = re.compile(r"[a-z]+(?:_[a-z]+)+|(?:[a-z]+_)*[a-z]+(?=:)")
DOUBTING = {"_doubted", "_reply", "unreadable"}
"""What notes the reasons that it is given beside a roll-call's or a drill's answer."""
HINDERING = {
    "obstruct",
    "_obstruct",
    "obstructed",
    "_obstructed",
    "_pause",
    "Deaf",
    "NotSaid",
    "NotOnAir",
    "Pause",
}
"""What notes, or is told, why silence proves nothing."""


def table() -> list[str]:
    """The first cell of each line of the table."""
    page = (ROOT / "docs" / "integrator.md").read_text(encoding="utf-8")
    lines = page.partition("## Why a person should look\n")[2].partition("\n## ")[0].splitlines()
    return [re.split(r"(?<!\\)\|", line)[1] for line in lines if line.startswith("| `")]


def explained() -> set[str]:
    return {reason for cell in table() for reason in re.findall(r"`([a-z_]+)(?::[^`]+)?`", cell)}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def words(node: ast.AST) -> Iterator[str]:
    """What is written under a node, of texts with something in them only the beginning; no subscripts."""
    inner: set[int] = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Subscript):
            inner.add(id(one.slice))
        elif isinstance(one, ast.JoinedStr):
            inner |= {id(part) for part in one.values}
            if isinstance(one.values[0], ast.Constant):
                yield str(one.values[0].value)
        elif isinstance(one, ast.Constant) and isinstance(one.value, str) and id(one) not in inner:
            yield one.value


def reasons(node: ast.AST) -> set[str]:
    matches = (REASON.match(word) for word in words(node))
    return {match[0] for match in matches if match and match.string[match.end() :][:1] in {"", ":"}}


def others() -> set[str]:
    """Names of acts, stages, evidence, groups of phrases and of what a conversation keeps."""
    lexicon = yaml.safe_load((ROOT / "config" / "lexicon.yaml").read_text(encoding="utf-8"))
    kept = {*Conversation.model_fields, *StagesData.model_fields}
    names = {*kept, *(one.name for one in dataclass_fields(EvidenceRules)), STANDS_IN}
    return {*lexicon["acts"], *lexicon["drill"], *names, *PHRASE_GROUPS}


def understood() -> set[str]:
    """Whatever reads like a reason where calls are understood, but for the words of others."""
    rooms = [path for path in REASONED if path.parent.name != "rollcall" and path.name not in OTHER_WORDS]
    statements = chain.from_iterable(tree(path).body for path in rooms)
    found = chain.from_iterable(reasons(one) for one in statements if not is_list_of_names(one))
    return {*found, *signs_of_a_guess()} - others()


def signs_of_a_guess() -> set[str]:
    """The recogniser guard's reasons: those of one word look like any other word."""
    (signs,) = (
        node.value
        for node in ast.walk(tree(GATEWAY / "recognise" / "guard.py"))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "signs"
    )
    assert isinstance(signs, ast.Dict)
    return {key.value for key in signs.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}


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


def hindering() -> set[str]:
    """What is noted beside a line as a reason why its silence proves nothing."""
    found = set(get_args(Reason))
    for path in chain.from_iterable((GATEWAY / room).glob("*.py") for room in ("rollcall", "conduct")):
        nodes = list(ast.walk(tree(path)))
        constants = {
            one.target.id: one.value.value
            for one in nodes
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
            and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str)
        }  # fmt: skip
        for part in chain.from_iterable(map(hindrances_in, nodes)):
            found |= set(words(part))
            found |= {constants[one.id] for one in ast.walk(part) if getattr(one, "id", None) in constants}
    return found - {"busy"}  # told as channel_busy


def hindrances_in(node: ast.AST) -> list[ast.expr]:
    """The parts of one piece of code that say why."""
    if isinstance(node, ast.Call):
        named = [word.value for word in node.keywords if word.arg in {"reasons", "hides"}]
        return [*node.args, *named] if ast.unparse(node.func).rpartition(".")[2] in HINDERING else named
    if isinstance(node, ast.FunctionDef) and "hides" in node.name:
        return [one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value]
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "reason":
        return [node.value]
    if isinstance(node, ast.AugAssign) and ast.unparse(node.target) == "hidden":
        return [key for one in ast.walk(node) if isinstance(one, ast.Dict) for key in one.keys if key]
    return []


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


def test_no_reason_is_named_like_what_is_left_out() -> None:
    assert explained() & others() == set(), "it would not be seen where calls are understood"


def test_every_reason_and_no_other_has_a_wording_for_the_form() -> None:
    assert set(REASONS) == explained(), "word it in gateway/reviewwords.py"


def test_every_hindrance_and_no_other_has_a_wording_for_the_form() -> None:
    found = hindering()
    assert {"gateway_deaf", "another_spoke", "closed_before_its_time", "device", "stray_reply"} <= found
    assert found - {*HINDRANCES, *REASONS} == set(), "word it in gateway/reviewwords.py"
    assert set(HINDRANCES) - found == set()


def test_wordings_are_chinese_and_tell_reasons_apart() -> None:
    for wordings in (REASONS, HINDRANCES):
        assert all(re.fullmatch(r"[^A-Za-z_;]*[\u4e00-\u9fff][^A-Za-z_;]*", one) for one in wordings.values())
    assert len(set(REASONS.values())) == len(REASONS)


@pytest.mark.parametrize("line", [one for one in table() if ":" in one])
def test_what_stands_behind_a_colon_stands_in_the_wording(line: str) -> None:
    (reason,) = re.findall(r"`([^`]+)`", line.replace("\\|", "|"))
    told = reason_in_words(reason)
    assert "{}" not in told
    assert all(about in told for about in reason.partition(":")[2].split("|"))


def test_codes_are_told_by_their_names() -> None:
    names = code_names(read_lexicon())
    assert reason_in_words("gist:FIRE", names) == "警情类型按整段话判断: 火灾"
    assert reason_in_words("heard:FIRE", names) == "录音中听到、文字中没有: 消防"
    assert reason_in_words("headcount_unclear:6人|9人", names) == "人数不清: 6人 或 9人"


def test_what_has_no_wording_is_shown_as_it_is() -> None:
    assert reason_in_words("of_a_later_gateway:{}") == hindrance_in_words("of_a_later_gateway:{}")
    assert reason_in_words("of_a_later_gateway:{}") == "of_a_later_gateway:{}"
    assert reason_in_words("by_sound:{x}") == "按读音认出: {x}"


def test_a_hindrance_is_no_reason_of_the_same_name() -> None:
    assert hindrance_in_words("no_voice") != reason_in_words("no_voice")
    assert hindrance_in_words("unreadable") == reason_in_words("unreadable")
