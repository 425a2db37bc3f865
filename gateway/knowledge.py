"""Builds what the station knows: registry, lexicon, rules, and how it cuts transmissions."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from gateway.clock import Clock
from gateway.config import AlarmSettings, SquelchSettings
from gateway.errors import MissingInput
from gateway.hear.linewatch import LineLimits
from gateway.hear.segmenter import Squelch, SquelchKind
from gateway.interpreter import Knowledge
from gateway.model import Unit
from gateway.reviewwords import CodeNames
from gateway.shipped import shipped_text
from gateway.store.store import Store
from gateway.understand.conversation import Rules
from gateway.understand.lexicon import Lexicon
from gateway.understand.registry import Registry
from gateway.understand.resolve import Resolver, ResolverSettings

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


def code_names(lexicon: Lexicon) -> CodeNames:
    """What people call the lexicon's codes."""
    return CodeNames(
        incidents={code: kind.label for code, kind in lexicon.types.items()},
        agencies={code: agency.label for code, agency in lexicon.agencies.items()},
    )


def build_knowledge(
    units: Sequence[Unit],
    command_post: str,
    lexicon: Lexicon,
    new_id: Callable[[], str],
    wrong_unit_cost: float | None = None,
) -> Knowledge:
    """Index the registry and the lexicon, which takes a second. `new_id` names incidents.

    `wrong_unit_cost` is how many unknown callers one wrong unit is worth, None for the resolver's own.
    """
    lexicon.prepare()
    settings = ResolverSettings()
    if wrong_unit_cost is not None:
        settings = replace(settings, wrong_unit_cost=wrong_unit_cost)
    resolver = Resolver(Registry(tuple(units)), command_post, settings)
    resolver.prepare()
    return Knowledge(
        resolver=resolver,
        lexicon=lexicon,
        rules=Rules(lexicon=lexicon, new_id=new_id, command_post=command_post),
    )


def line_limits_of(settings: AlarmSettings) -> LineLimits:
    """Turn a radio's alarm settings into the line watch's."""
    return LineLimits(
        hum_dbfs=settings.hum_dbfs or None,
        clipped_share=settings.clipped_share or None,
        low_dbfs=settings.low_dbfs or None,
        silence_h=settings.silence_h or None,
        busy_calls=settings.busy_calls,
    )


async def heard_before(store: Store, clock: Clock) -> dict[str, list[float]]:
    """Return when each radio's transmissions of the last week began, on this run's monotonic clock."""
    now, now_s = clock.now(), clock.monotonic_s()
    started = await store.started_since(now - timedelta(days=7))
    return {
        radio_id: [now_s - (now - at).total_seconds() for at in times] for radio_id, times in started.items()
    }


def squelch_of(settings: SquelchSettings) -> Squelch:
    """Turn a radio's squelch settings into the segmenter's; what is not set keeps the segmenter's default."""
    given = settings.model_dump(exclude={"kind"}, exclude_none=True)
    return Squelch(kind=SquelchKind.parse(settings.kind), **given)
