"""Words for what a dispatcher lacks of each gateway's events. Pure."""

from collections.abc import Iterable, Iterator, Sequence

MOST_RUNS = 5


class Gaps:
    """Says when events go missing and when all of them have come after all; each change once."""

    def __init__(self) -> None:
        self._missing: dict[str, frozenset[int]] = {}

    def changed(self, source: str, missing: Sequence[int]) -> str | None:
        """Note which numbers of a source are missing now; return a line when that is news, else None."""
        before = self._missing.get(source, frozenset())
        now = frozenset(missing)
        self._missing[source] = now
        if now - before:
            return f"{len(now)} events missing: {in_words(now)}; cmd/resync has them sent again"
        if before and not now:
            return "nothing is missing any more"
        return None


def in_words(numbers: Iterable[int]) -> str:
    """Write numbers as runs, such as `3-5, 9`, the first few of them."""
    runs = list(_runs(sorted(numbers)))
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in runs[:MOST_RUNS]]
    return ", ".join(shown) + (", …" if len(runs) > MOST_RUNS else "")


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for number in numbers:
        if last is not None and first is not None and number > last + 1:
            yield first, last
            first = number
        elif first is None:
            first = number
        last = number
    if first is not None and last is not None:
        yield first, last
