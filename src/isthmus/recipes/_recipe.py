"""What a recipe is: cases measured seed by seed, parts that judge what was measured, and nothing made twice.

Its folder holds recipe.json (format, paper, scale, sizes), a file for each case and seed with what was measured, and a
file for each part with its rows, beside the pictures of either. Each says where it comes from; each is written whole
or not at all.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from isthmus.errors import RunError
from isthmus.recipes._source import source_of
from isthmus.report.axes import png
from isthmus.run import Run

__all__ = [
    "FORMAT",
    "Expected",
    "Measured",
    "Part",
    "Recipe",
    "Row",
    "Scale",
    "Task",
    "Told",
    "at_work",
    "last",
    "within",
]

FORMAT = 1
_CORE = "an AMD EPYC"

Told = Callable[[float, str], None]
"""Called with the share that is done, from 0 to 1, and what is being done."""

Measured = dict[str, dict[int, dict[str, Any]]]
"""What was measured, by case and seed."""


@dataclass(frozen=True)
class Row:
    """A number of the paper beside ours, or a claim: held, not held, confounded, or None where nothing is claimed."""

    what: str
    paper: float | None
    ours: float | None
    per_seed: dict[str, float]
    interval: tuple[float, float] | None
    verdict: str | None
    words: str


@dataclass(frozen=True)
class Task:
    """What a measurement is handed; in `folder` it may keep what takes long, and find it again."""

    sizes: Any
    case: str
    seed: int
    folder: Path
    told: Told


@dataclass(frozen=True)
class Part:
    """A table or figure: what the paper claims with it, which cases it is made from, and how it is judged.

    What `draw` makes of the same numbers is kept beside the rows, as part-name.png.
    """

    name: str
    claim: str
    cases: tuple[str, ...]
    judge: Callable[[Measured, Any], list[Row]]
    draw: Callable[[Measured, Any], dict[str, Image.Image]] | None = None


Expected = dict[str, dict[str, tuple[float, float]]]
"""By part and row: the number that was found, and how far from it another machine or seed may come."""


@dataclass(frozen=True)
class Scale:
    """How large: `sizes` are a dataclass of the recipe's own; `fewer` names cases that get so many seeds only.

    `seconds` are those of a processor for all the seeds, as measured on one core; None where it was not run whole.
    """

    sizes: Any
    seeds: tuple[int, ...]
    seconds: float | None
    fewer: dict[str, int] = field(default_factory=dict)
    expected: Expected = field(default_factory=dict)

    @property
    def cost(self) -> str:
        """In words."""
        if self.seconds is None:
            return "not run whole"
        hours = self.seconds >= 2 * 3600
        much = f"{self.seconds / 3600:.1f} CPU-hours" if hours else f"{max(1, round(self.seconds / 60))} CPU-minutes"
        return f"about {much} on one core of {_CORE}"

    def seeds_of(self, case: str, seeds: Sequence[int]) -> Sequence[int]:
        """Those of `seeds` that this case is measured with."""
        return seeds[: self.fewer.get(case, len(seeds))]


@dataclass(frozen=True)
class Recipe:
    """One paper. `measures` are its cases by name; a part names those that it needs."""

    paper: str
    title: str
    scales: dict[str, Scale]
    measures: dict[str, Callable[[Task], dict[str, Any]]]
    parts: tuple[Part, ...]

    def run(
        self, parts: Sequence[Part], scale: str, seeds: Sequence[int], root: Path, command: str, told: Told
    ) -> list[dict[str, Any]]:
        """The parts as they are written; what the folder holds already is not measured again."""
        run, size = Run(root / f"{self.paper}-{scale}"), self.scales[scale]
        source = source_of(command)
        cases = dict.fromkeys(case for part in parts for case in part.cases)
        wanted = [(case, seed) for case in cases for seed in size.seeds_of(case, seeds)]
        with run.writing():
            self._begin(run, scale)
            todo = [(case, seed) for case, seed in wanted if not run.has(_file(case, seed))]
            for number, (case, seed) in enumerate(todo):
                share = within(told, number / len(todo), (number + 1) / len(todo), f"{self.paper} {case}, seed {seed}")
                task = Task(size.sizes, case, seed, run.path / f"{case}-seed-{seed}", share)
                cpu, wall = time.process_time(), time.monotonic()
                found = self.measures[case](task)
                seconds = {"cpu_seconds": time.process_time() - cpu, "wall_seconds": time.monotonic() - wall}
                run.write_json(_file(case, seed), {"seed": seed, "found": found} | seconds | source)
            return [self._judged(run, part, seeds, size, source) for part in parts]

    def _judged(
        self, run: Run, part: Part, seeds: Sequence[int], size: Scale, source: dict[str, Any]
    ) -> dict[str, Any]:
        kept = {
            case: {seed: run.read_json(_file(case, seed)) for seed in size.seeds_of(case, seeds)} for case in part.cases
        }
        measured = {case: {seed: one["found"] for seed, one in by_seed.items()} for case, by_seed in kept.items()}
        files = [one | {"case": case} for case, by_seed in kept.items() for one in by_seed.values()]
        made = {
            "part": f"{self.paper}/{part.name}",
            "claim": part.claim,
            "scale": run.path.name.partition("-")[2],
            "seeds": list(seeds),
            "cpu_seconds": round(sum(one["cpu_seconds"] for one in files), 1),
            "measured": [{key: one[key] for key in ("case", "seed", "commit", "machine")} for one in files],
            "rows": _beside(part.judge(measured, size.sizes), size.expected.get(part.name, {})),
        } | source
        for name, image in (part.draw(measured, size.sizes) if part.draw else {}).items():
            run.write(f"{part.name}-{name}.png", png(image))
        run.write_json(f"{part.name}.json", made)
        return made

    def _begin(self, run: Run, scale: str) -> None:
        asked = {"format": FORMAT, "paper": self.paper, "scale": scale, "sizes": asdict(self.scales[scale].sizes)}
        asked = json.loads(json.dumps(asked))
        if not run.has("recipe.json"):
            run.write_json("recipe.json", asked)
        there = run.read_json("recipe.json")
        if there.get("format") != FORMAT:
            what = f"{run.path} holds results of format {there.get('format')}; this version reads format {FORMAT}"
            raise RunError(what, "Give another folder with --out.")
        if there != asked:
            raise RunError(f"{run.path} was made with other sizes than {scale} has now", "Give another --out.")


def _beside(rows: Sequence[Row], expected: dict[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """Rows as they are written; those of which a number is expected say it, and whether it came."""
    written = []
    for row in rows:
        made = asdict(row)
        if row.what in expected:
            value, tolerance = expected[row.what]
            came = row.ours is not None and abs(row.ours - value) <= tolerance
            made |= {"expected": [value, tolerance], "as_expected": came}
        written.append(made)
    return written


def within(told: Told, low: float, high: float, before: str = "") -> Told:
    """The same for a piece of the work that goes from one share of it to another."""
    return lambda share, what: told(low + share * (high - low), f"{before}: {what}" if before else what)


def at_work(told: Told) -> Callable[[int, int, str], None]:
    """The same as heads and measures call it."""
    return lambda done, total, what: told(done / max(1, total), what)


def last(recipe: Recipe, part: Part, root: Path) -> dict[str, Any] | None:
    """What was found the last time, at the largest scale that there is."""
    folders = [Run(root / f"{recipe.paper}-{scale}") for scale in reversed(recipe.scales)]
    return next((run.read_json(f"{part.name}.json") for run in folders if run.has(f"{part.name}.json")), None)


def _file(case: str, seed: int) -> str:
    return f"{case}-seed-{seed}.json"
