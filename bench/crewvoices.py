"""Speaks the answers of a roll-call's crew into .cache/bench/crew: `python -m bench.crewvoices`.

Two answers of every active unit of the test registry, in the voices held out for tests, and the head counts
that follow when they are asked for. Of every fifth unit also what its neighbour says in its place and its own
check-in, of some what they say in a drill. Resumable; a clip that is there is not spoken again.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
CREW = ROOT / ".cache" / "bench" / "crew"
UNITS = ROOT / "tests" / "data" / "units.csv"
VOICES = ("zf_xiaoxiao", "zm_yunxi")
SPEEDS = (0.95, 1.05, 1.15)
FULL = (
    "{u}收到，在岗{n}人，一切正常",
    "指挥中心，{u}收到，{n}人在岗",
    "{u}最小应急单元到，在岗{n}人，情况正常",
    "收到，我是{u}，在岗{n}人，装备齐全",
)
SHORT = ("{u}收到", "收到，{u}收到", "指挥中心，我是{u}，请讲", "{u}到")
COUNT = ("在岗{n}人，一切正常", "报告，在岗{n}人", "现在{n}人在岗")
FOR = ("{v}代{u}应答，在岗{n}人", "我是{v}，替{u}回答，他们在岗{n}人", "{u}对讲机没电，我是{v}，代他们应答")
DUTY = ("{u}{n}人上岗，一切正常", "{u}最小应急单元{n}人已打卡上岗，情况正常")
GONE = ("{u}正在前往", "{u}已经出发，正在赶往现场")
THERE = ("{u}{n}人到达现场，装备齐全", "报告，{u}{n}人已到位，请指示")
FIFTH = 5
DRILLED = 14
MOST_PEOPLE = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One answer. `unit_id` is empty for a head count that names nobody; `by` who says it for the unit."""

    file: str
    text: str
    unit_id: str
    present: int | None
    voice: str
    speed: float
    by: str | None = None

    @property
    def kind(self) -> str:
        """What is said: full, short, for, duty, gone or there."""
        return self.file.removesuffix(".flac").rpartition("-")[2]


def lines() -> list[Line]:
    """Every line of the crew, always the same."""
    with UNITS.open(encoding="utf-8", newline="") as rows:
        units = [(row["unit_id"], row["name"]) for row in csv.DictReader(rows) if row["state"] == "active"]
    made = []
    for number, (unit_id, name) in enumerate(units):
        rng = Random(f"crew/{unit_id}")
        voice, speed = VOICES[number % 2], rng.choice(SPEEDS)
        present = rng.randint(2, MOST_PEOPLE)
        made.append(
            Line(
                f"{unit_id}-full.flac",
                rng.choice(FULL).format(u=name, n=present),
                unit_id,
                present,
                voice,
                speed,
            )
        )
        made.append(
            Line(f"{unit_id}-short.flac", rng.choice(SHORT).format(u=name), unit_id, None, voice, speed)
        )
    made += _of_some(units)
    for present in range(2, MOST_PEOPLE + 1):
        for voice in VOICES:
            text = COUNT[present % len(COUNT)].format(n=present)
            made.append(Line(f"count-{present}-{voice}.flac", text, "", present, voice, 1.05))
    return made


def _of_some(units: list[tuple[str, str]]) -> list[Line]:
    """What only some units say."""
    made = []
    for number, (unit_id, name) in enumerate(units):
        rng = Random(f"some/{unit_id}")
        voice, speed, present = VOICES[number % 2], rng.choice(SPEEDS), rng.randint(2, MOST_PEOPLE)
        beside, its_name = units[(number + 1) % len(units)]

        def line(kind: str, texts: tuple[str, ...], by: str | None = None) -> Line:
            text = rng.choice(texts).format(u=name, v=its_name, n=present)  # noqa: B023 - called at once
            said = present if "人" in text else None  # noqa: B023
            return Line(f"{unit_id}-{kind}.flac", text, unit_id, said, voice, speed, by)  # noqa: B023

        if number % FIFTH == 0:
            made += [line("for", FOR, beside), line("duty", DUTY)]
        if number < DRILLED:
            made += [line("gone", GONE), line("there", THERE)]
    return made


def spoken() -> list[Line]:
    """The lines that have been spoken so far."""
    return [line for line in lines() if (CREW / line.file).exists()]


def main() -> None:
    """Speak what is missing: head counts first, then unit by unit."""
    import soundfile  # noqa: PLC0415 - reading the lines needs neither

    from tools.voice import RATE_HZ, Speaker  # noqa: PLC0415

    speaker = Speaker(threads=1)
    CREW.mkdir(parents=True, exist_ok=True)
    for line in sorted(lines(), key=lambda line: (line.unit_id, line.file)):
        path = CREW / line.file
        if path.exists():
            continue
        partial = path.with_suffix(".part")
        sound = speaker.say(line.text + "。", line.voice, line.speed)
        soundfile.write(partial, sound, RATE_HZ, "PCM_16", format="FLAC")
        partial.rename(path)


if __name__ == "__main__":
    main()
