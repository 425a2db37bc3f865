from hypothesis import given
from hypothesis import strategies as st

from gateway.publish.subscribe import Sieve
from gateway.watch.gaps import Gaps, in_words

SOURCE = "urn:radio-gateway:gz:tianhe:shipai"


def test_each_change_is_told_once() -> None:
    gaps = Gaps()

    told = [gaps.changed(SOURCE, missing) for missing in ([], [3, 4], [3, 4], [4], [4, 9], [], [])]

    assert told == [
        None,
        "2 events missing: 3-4; cmd/resync has them sent again",
        None,
        None,
        "2 events missing: 4, 9; cmd/resync has them sent again",
        "nothing is missing any more",
        None,
    ]


def test_gateways_are_kept_apart() -> None:
    gaps = Gaps()

    assert gaps.changed("a", [1]) is not None
    assert gaps.changed("b", []) is None


@given(st.sets(st.integers(1, 40)))
def test_words_stand_for_the_numbers(numbers: set[int]) -> None:
    words = in_words(numbers)

    said: set[int] = set()
    for run in words.removesuffix(", …").split(", ") if words else []:
        first, _, last = run.partition("-")
        said |= set(range(int(first), int(last or first) + 1))
    assert said <= numbers
    if not words.endswith("…"):
        assert said == numbers


@given(st.permutations(range(1, 12)), st.sets(st.integers(2, 10)))
def test_nothing_is_missing_once_everything_has_come(order: list[int], lost: set[int]) -> None:
    gaps, sieve = Gaps(), Sieve()
    lines = []
    start = [1, 11]
    for number in [*start, *(n for n in order if n not in {1, 11} | lost), *sorted(lost)]:
        sieve.is_new({"source": SOURCE, "id": str(number), "sequence": str(number)})
        lines.append(gaps.changed(SOURCE, sieve.missing(SOURCE)))

    assert lines[1] is not None
    assert lines[-1] == "nothing is missing any more"
    assert sum(line is not None for line in lines) == 2
