"""Holds a document to a JSON Schema, for the keywords our schemas use; any other keyword is an error.

Not a test module and not on the import path: a conftest loads it with `importlib.util`.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

Schema = dict[str, Any]
NOTES = {"$schema", "$id", "$defs", "title", "description", "default"}
TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}


def faults(document: Any, schema: Schema, root: Schema, path: str = "$") -> Iterator[str]:
    """Yield what is wrong with a document, each with its place. `root` is where references begin."""
    for keyword, wanted in schema.items():
        if keyword in NOTES:
            continue
        match keyword:
            case "$ref":
                yield from faults(document, resolve(wanted, root), root, path)
            case "anyOf":
                if all(any(faults(document, one, root, path)) for one in wanted):
                    yield f"{path}: {document!r} is none of {wanted}"
            case "properties" | "required" | "additionalProperties":
                yield from _object_faults(document, keyword, schema, root, path)
            case "items":
                for i, item in enumerate(document if isinstance(document, list) else ()):
                    yield from faults(item, wanted, root, f"{path}[{i}]")
            case _:
                if not _holds(keyword, wanted, document):
                    yield f"{path}: {document!r} breaks {keyword} {wanted!r}"


def resolve(reference: str, root: Schema) -> Schema:
    """Follow a reference within one document."""
    assert reference.startswith("#/"), reference
    node: Any = root
    for step in reference[2:].split("/"):
        node = node[step]
    assert isinstance(node, dict), reference
    return node


def _object_faults(document: Any, keyword: str, schema: Schema, root: Schema, path: str) -> Iterator[str]:
    if not isinstance(document, dict):
        return
    known = schema.get("properties", {})
    match keyword:
        case "properties":
            for name in known.keys() & document.keys():
                yield from faults(document[name], known[name], root, f"{path}.{name}")
        case "required":
            yield from (f"{path}: {name} is missing" for name in schema["required"] if name not in document)
        case _:
            for name in document.keys() - known.keys():
                if schema[keyword] is False:
                    yield f"{path}: {name} is not allowed"
                elif schema[keyword] is not True:
                    yield from faults(document[name], schema[keyword], root, f"{path}.{name}")


def _holds(keyword: str, wanted: Any, document: Any) -> bool:
    if keyword not in RULES:
        raise AssertionError(f"the schema uses {keyword}, which this check does not know")
    applies, rule = RULES[keyword]
    return not applies(document) or rule(document, wanted)


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


RULES: dict[str, tuple[Callable[[Any], bool], Callable[[Any, Any], bool]]] = {
    "type": (lambda _: True, lambda v, wanted: TYPES[wanted](v)),
    "const": (lambda _: True, lambda v, wanted: v == wanted),
    "enum": (lambda _: True, lambda v, wanted: v in wanted),
    "pattern": (TYPES["string"], lambda v, wanted: re.search(wanted, v) is not None),
    "format": (TYPES["string"], lambda v, wanted: wanted != "date-time" or _is_time(v)),
    "minLength": (TYPES["string"], lambda v, wanted: len(v) >= wanted),
    "maxLength": (TYPES["string"], lambda v, wanted: len(v) <= wanted),
    "minItems": (TYPES["array"], lambda v, wanted: len(v) >= wanted),
    "maxItems": (TYPES["array"], lambda v, wanted: len(v) <= wanted),
    "minimum": (TYPES["number"], lambda v, wanted: v >= wanted),
    "maximum": (TYPES["number"], lambda v, wanted: v <= wanted),
    "exclusiveMaximum": (TYPES["number"], lambda v, wanted: v < wanted),
}
