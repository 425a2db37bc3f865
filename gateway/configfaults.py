"""Faults of a configuration in words, each with the file and the key that a person finds it by."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

_SECRET_WORDS: Final = ("password", "passwd", "secret", "token")
_WANTED: Final = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": 'a list such as ["a", "b"]',
    "tuple_type": 'a list such as ["a", "b"]',
}
"""What a value of the wrong type should have been, by pydantic's name of the fault."""


def fault_line(path: Path, key: str, message: str) -> str:
    """Word a fault the way all faults of a configuration are worded."""
    return f"{path}:{key}: {message}"


def _wanted(wanted: str, fault: Mapping[str, Any]) -> str:
    """Say what a value is and what it must be; as TOML writes it, so that a person finds it there."""
    value, message = fault["input"], str(fault["msg"])
    written = str(value).lower() if isinstance(value, bool) else repr(value)
    if wanted in _WANTED:
        return f"is {written}, must be {_WANTED[wanted]}"
    return f"{message[0].lower()}{message[1:]}, not {written}"


def describe(fault: Mapping[str, Any], tree: Mapping[str, Any], model: type[BaseModel]) -> str:
    """Say what is wrong with which key, by one of pydantic's faults of `tree` as a `model`."""
    location = tuple(fault["loc"])
    key = _key(location, tree)
    match fault["type"]:
        case "extra_forbidden":
            return f"{key}: unknown key{_did_you_mean(location, model)}"
        case "missing":
            return f"{key}: is required and not there"
        case "string_pattern_mismatch":
            return f"{key}: {fault['input']!r} may only hold lower-case letters, digits and dashes"
        case "value_error":
            return f"{key}: {str(fault['msg']).removeprefix('Value error, ')}"
        case "literal_error":
            return f"{key}: {fault['input']!r} is not one of {fault['ctx']['expected']}"
        case wanted:
            return f"{key}: {_wanted(wanted, fault)}"


def _key(location: tuple[str | int, ...], tree: Mapping[str, Any]) -> str:
    """Write `radio[ch1].source.path` rather than `radio.0.source.path`, so that a person finds the line."""
    parts: list[str] = []
    node: Any = tree
    for step in location:
        node = node[step] if _holds(node, step) else None
        if isinstance(step, int) and parts:
            name = node.get("id") if isinstance(node, dict) else None
            parts[-1] += f"[{name}]" if isinstance(name, str) else f"[{step + 1}]"
        else:
            parts.append(str(step))
    return ".".join(parts) or "file"


def _holds(node: object, step: str | int) -> bool:
    if isinstance(node, dict):
        return step in node
    return isinstance(node, list) and isinstance(step, int) and step < len(node)


def _did_you_mean(location: tuple[str | int, ...], whole: type[BaseModel]) -> str:
    wrong = str(location[-1])
    if wrong in _SECRET_WORDS:
        return "; secrets are not written here, put it in a file and name that with password_file"
    model: type[BaseModel] | None = whole
    for step in location[:-1]:
        model = _model_below(model, step) if model is not None else None
    close = difflib.get_close_matches(wrong, model.model_fields if model is not None else (), n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def _model_below(model: type[BaseModel], step: str | int) -> type[BaseModel] | None:
    if isinstance(step, int):
        return model
    field = model.model_fields.get(step)
    annotation: Any = field.annotation if field is not None else None
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
