"""Which numbers of a contiguous sequence are still missing, as ranges, however many they are. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Self


class Missing:
    """Numbers that were skipped and have not come since. Ranges never touch and stand in order."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        """Start with `ranges`, each first and last, in order."""
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self._firsts.append(first)
            self._lasts.append(last)

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Self:
        """Make ranges of single numbers."""
        missing = cls()
        for number in sorted(set(numbers)):
            missing.add(number, number)
        return missing

    def __bool__(self) -> bool:
        return bool(self._firsts)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(list(zip(self._firsts, self._lasts, strict=True)))

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]

    def add(self, first: int, last: int) -> None:
        """Note that everything from `first` to `last`, all beyond what is noted, was skipped."""
        if last < first:
            return
        if self._lasts and self._lasts[-1] == first - 1:
            self._lasts[-1] = last
        else:
            self._firsts.append(first)
            self._lasts.append(last)

    def discard(self, first: int, last: int | None = None) -> int:
        """Note that these numbers are missing no more; return how many of them were."""
        last = first if last is None else last
        at = max(0, bisect_right(self._firsts, first) - 1)
        gone = 0
        while at < len(self._firsts) and self._firsts[at] <= last:
            low, high = self._firsts[at], self._lasts[at]
            cut_low, cut_high = max(low, first), min(high, last)
            if cut_low > cut_high:
                at += 1
                continue
            gone += cut_high - cut_low + 1
            left = [(low, cut_low - 1)] * (low < cut_low) + [(cut_high + 1, high)] * (cut_high < high)
            self._firsts[at : at + 1] = [one for one, _ in left]
            self._lasts[at : at + 1] = [one for _, one in left]
            at += len(left)
        return gone


def ranges_in_words(missing: Sequence[tuple[int, int]], most: int = 5) -> str:
    """Write ranges such as `3-5, 9`, the first few of them."""
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in missing[:most]]
    return ", ".join(shown) + (", …" if len(missing) > most else "")
