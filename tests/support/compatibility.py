"""What a new AsyncAPI document breaks for those who built on an old one. Loaded with `importlib.util`.

Of what we send nothing may go, be renamed, stop being there always, or change its type; an enumeration may
grow. Of what we take nothing may be asked that was not asked before.
"""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
Schema = dict[str, Any]


def breaks(old: Document, new: Document) -> Iterator[str]:
    """Yield everything that the new document takes from readers of the old one."""
    for name, channel in old["channels"].items():
        if name not in new["channels"]:
            yield f"channel {name} is gone"
        elif new["channels"][name]["address"] != channel["address"]:
            yield f"channel {name} has moved to {new['channels'][name]['address']}"
        else:
            gone = channel["messages"].keys() - new["channels"][name]["messages"].keys()
            yield from (f"channel {name}: message {message} is gone" for message in sorted(gone))
    for name, operation in old["operations"].items():
        now = new["operations"].get(name)
        if now is None or now["action"] != operation["action"] or now["bindings"] != operation["bindings"]:
            yield f"operation {name} is gone or another"
    for name, message in old["components"]["messages"].items():
        now = new["components"]["messages"].get(name)
        if now is None:
            continue
        taken = name.startswith("cmd.")
        yield from _schema(message["payload"], now["payload"], (old, new), name, set(), taken=taken)


def _schema(
    old: Schema, new: Schema, roots: tuple[Document, Document], path: str, seen: set[str], *, taken: bool
) -> Iterator[str]:
    if "$ref" in old:
        if (key := f"{old['$ref']} {new.get('$ref')}") in seen:
            return
        seen.add(key)
    old, new = _resolved(old, roots[0]), _resolved(new, roots[1])
    before, after = _kinds(old), _kinds(new)
    lost = before - after if taken else (before ^ after)
    if lost:
        yield f"{path}: was {sorted(before)}, is {sorted(after)}"
        return
    yield from _narrowed(old, new, path, taken=taken)
    for name, one in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{path}.{name} is gone"
        else:
            yield from _schema(one, new["properties"][name], roots, f"{path}.{name}", seen, taken=taken)
    for keyword in ("items", "additionalProperties"):
        if isinstance(old.get(keyword), dict) and isinstance(new.get(keyword), dict):
            yield from _schema(old[keyword], new[keyword], roots, f"{path}[]", seen, taken=taken)
    yield from _alternatives(old, new, roots, path, seen, taken=taken)


def _narrowed(old: Schema, new: Schema, path: str, *, taken: bool) -> Iterator[str]:
    if missing := _values(old) - _values(new):
        yield f"{path}: no longer knows {sorted(missing)}"
    for keyword in ("const", "pattern", "format"):
        if old.get(keyword) != new.get(keyword):
            yield f"{path}: {keyword} was {old.get(keyword)}, is {new.get(keyword)}"
    required = set(old.get("required", ())), set(new.get("required", ()))
    narrowed = required[1] - required[0] if taken else required[0] - required[1]
    word = "is asked for now" if taken else "need not be there any more"
    yield from (f"{path}.{name} {word}" for name in sorted(narrowed))


def _alternatives(
    old: Schema, new: Schema, roots: tuple[Document, Document], path: str, seen: set[str], *, taken: bool
) -> Iterator[str]:
    """Hold each object or list among the alternatives to its like."""
    for one in old.get("anyOf", ()):
        if not {"object", "array"} & _kinds(_resolved(one, roots[0])):
            continue
        likes = [
            n
            for n in new.get("anyOf", ())
            if _kinds(_resolved(n, roots[1])) == _kinds(_resolved(one, roots[0]))
        ]
        if likes:
            yield from _schema(one, likes[0], roots, path, seen, taken=taken)


def _resolved(schema: Schema, root: Document) -> Schema:
    while "$ref" in schema:
        node: Any = root
        for step in schema["$ref"][2:].split("/"):
            node = node[step]
        schema = node
    return schema


def _kinds(schema: Schema) -> set[str]:
    """The JSON types a schema allows, as far as it says so; references count as what they are called."""
    if "anyOf" in schema:
        return {kind for one in schema["anyOf"] for kind in _kinds(one)}
    if "type" in schema:
        return {schema["type"]}
    if "$ref" in schema:
        return {"object"}
    return {"string"} if "enum" in schema or "const" in schema else set()


def _values(schema: Schema) -> set[str]:
    listed = {str(value) for value in schema.get("enum", ())}
    return listed.union(*(_values(one) for one in schema.get("anyOf", ())))
