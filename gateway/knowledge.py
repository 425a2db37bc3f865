"""Builds what the station knows: registry, lexicon, rules, and how it cuts transmissions."""

from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.config import SquelchSettings
from gateway.errors import MissingInput
from gateway.hear.segmenter import Squelch, SquelchKind
from gateway.model import Unit
from gateway.pipeline import Knowledge
from gateway.shipped import shipped_text
from gateway.understand.conversation import Rules
from gateway.understand.lexicon import Lexicon
from gateway.understand.registry import Registry
from gateway.understand.resolve import Resolver

LEXICON = "lexicon.yaml"


def read_lexicon(station_words: Path | None = None) -> Lexicon:
    """Compile the shipped lexicon and the station's own words.

    Raises:
        MissingInput: the station's file is not there.
        BadInput: with every fault in it as `file:key: message`.
    """
    extra = None
    if station_words is not None:
        try:
            extra = (station_words.read_text(encoding="utf-8"), str(station_words))
        except OSError as error:
            raise MissingInput(f"{station_words}: the station's words cannot be read: {error}") from None
    return Lexicon.parse(shipped_text(LEXICON), LEXICON, extra)


def build_knowledge(
    units: Sequence[Unit], command_post: str, lexicon: Lexicon, new_id: Callable[[], str]
) -> Knowledge:
    """Index the registry, which takes a moment for thousands of units. `new_id` names incidents."""
    resolver = Resolver(Registry(tuple(units)), command_post)
    resolver.prepare()
    return Knowledge(
        resolver=resolver,
        lexicon=lexicon,
        rules=Rules(lexicon=lexicon, new_id=new_id, command_post=command_post),
    )


def squelch_of(settings: SquelchSettings) -> Squelch:
    """Turn a radio's squelch settings into the segmenter's; what is not set keeps the segmenter's default."""
    given = settings.model_dump(exclude={"kind"}, exclude_none=True)
    return Squelch(kind=SquelchKind.parse(settings.kind), **given)
