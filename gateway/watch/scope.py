"""Which topics a dispatcher follows, and how topics and sources name the same gateway. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from gateway.errors import UsageError

VERSION_ROOT: Final = "rg/v1"
_GATEWAY_LEVELS: Final = 5
_LEVEL: Final = re.compile(r"[a-z0-9-]+|\+")
_SOURCE: Final = re.compile(r"urn:radio-gateway:([a-z0-9-]+):([a-z0-9-]+):([a-z0-9-]+)")


@dataclass(frozen=True, slots=True)
class Scope:
    """What is subscribed to. `is_whole` when every event of each gateway comes, so that gaps mean a loss."""

    roots: tuple[str, ...]
    filters: tuple[str, ...]
    is_whole: bool


def scope_of(root: str) -> Scope:
    """Read `--root`: rg/v1/#, rg/v1/gz/#, one gateway, or topics below one.

    Raises:
        UsageError: nothing can ever come on it, in words that say what would.
    """
    levels = root.strip("/").split("/")
    is_open = levels[-1] == "#"
    named = levels[:-1] if is_open else levels
    if root.startswith("$share/"):
        raise UsageError(f"--root {root}: shared subscriptions give each watcher a part; leave $share out")
    for level, wanted in zip(named, VERSION_ROOT.split("/"), strict=False):
        if level not in {wanted, "+"}:
            raise UsageError(f"--root {root}: nothing is published there; it begins with {VERSION_ROOT}/")
    if wrong := [level for level in named if not _LEVEL.fullmatch(level)]:
        raise UsageError(
            f"--root {root}: {wrong[0]!r} can be no part of a topic of ours: lower-case letters, digits and "
            "dashes, + for any one level, # at the end for everything below"
        )
    if len(named) < _GATEWAY_LEVELS and not is_open:
        raise UsageError(f"--root {root}: matches no topic; write {'/'.join(named)}/# for all below it")
    below = named[_GATEWAY_LEVELS:]
    if below and below[0] not in {"evt", "state", "+"}:
        raise UsageError(f"--root {root}: below a gateway there are evt/ and state/ to follow")
    version = VERSION_ROOT.split("/")
    gateway = [*named, *(version + ["+"] * 3)[len(named) :]][:_GATEWAY_LEVELS]
    base = "/".join(gateway)
    if below:
        return Scope((base,), (root.strip("/"),), is_whole=below == ["evt"] and is_open)
    return Scope((base,), (f"{base}/evt/#", f"{base}/state/#"), is_whole=True)


def shared(filters: tuple[str, ...], group: str) -> tuple[str, ...]:
    """Return the filters of one worker of a group: events are divided among them, states come to each.

    Raises:
        UsageError: the group cannot be named so.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", group):
        raise UsageError(f"{group!r} cannot name a group of workers: letters, digits, dots and dashes")
    return tuple(f"$share/{group}/{one}" if "/evt/" in one else one for one in filters)


def root_of(source: str) -> str | None:
    """Return the topic root of a CloudEvents source, None when it is none of ours."""
    match = _SOURCE.fullmatch(source)
    return None if match is None else f"{VERSION_ROOT}/{match[1]}/{match[2]}/{match[3]}"


def source_of(topic: str) -> str | None:
    """Return the CloudEvents source of the gateway that a topic belongs to, None when it is none of ours."""
    levels = topic.split("/")
    if len(levels) < _GATEWAY_LEVELS or "/".join(levels[:2]) != VERSION_ROOT:
        return None
    return "urn:radio-gateway:" + ":".join(levels[2:_GATEWAY_LEVELS])
