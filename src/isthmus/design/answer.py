"""A specification answered from end to end: guides and judge, designs, what needs no search, and the record of it all.

The verb and the studio both ask here, so that the same wishes have the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isthmus.design.asked import Asked
from isthmus.design.beside import Rival, rivals
from isthmus.design.designing import worked_out
from isthmus.design.designs import Designs
from isthmus.design.guide import Guides
from isthmus.design.judge import Judge
from isthmus.design.saving import save_designs
from isthmus.design.searches._search import Search
from isthmus.design.wishes import attributes_of
from isthmus.design.workshop import Workshop
from isthmus.run import Record, Run
from isthmus.stats import Interval

__all__ = ["USUAL", "Answer", "answered", "command_of", "made_for"]

USUAL: dict[str, Any] = {
    "search": "normalised",
    "start": "auto",
    "guides": 3,
    "sure": None,
    "labels_from": None,
    "density": 0.0,
    "trust": 0.0,
    "consistent": 0.0,
    "apart": 0.0,
}
"""What is not said in a command, because it is what happens where nobody says anything."""


@dataclass(frozen=True)
class Answer:
    """Designs for `want`, who judged them, and what came without a search."""

    want: str
    made: Designs
    judge: Judge
    beside: Sequence[Rival]
    seed: int
    command: str

    def records(self) -> list[Record]:
        """How many of all that were tried meet the wishes, by guides and by the judge."""
        shares = {"design, guides say met": self.made.by_guides(), "design, judge says met": self.made.by_judge()}
        return [self._record(name, share) for name, share in shares.items() if share is not None]

    def _record(self, name: str, share: Interval) -> Record:
        return Record(name, share.value, (share.low, share.high), share.n, **self._common())

    def _common(self) -> dict[str, Any]:
        return {"split": "designed", "data": "the run's own", "seed": self.seed, "command": self.command}

    def about(self) -> dict[str, Any]:
        """What `design.json` says beside the designs themselves."""
        trust = {name: [one.value, one.low, one.high] for name, one in self.judge.trust.items()}
        about = {"want": self.want, "verdict": self.made.verdict(), "judge on test pictures": trust}
        beside = [vars(one) | {"right": vars(one.right) if one.right else None} for one in self.beside]
        return about | self._common() | {"beside": beside}

    def save(self, model: Any, folder: Path, chosen: Sequence[int] | None = None) -> None:
        """All of it, or the designs that were chosen: what is told of how many meet the wishes is of all that were
        tried."""
        if chosen is None:
            save_designs(self.made, model, folder, self.about())
            return
        about = self.about() | {"chosen": list(chosen), "of": len(self.made)}
        save_designs(self.made.some(chosen), model, folder, about)


def answered(
    shop: Workshop,
    run: Run,
    want: str,
    asked: Asked,
    command: str,
    search: Search | None = None,
    notes: Sequence[str] = (),
    makers: tuple[Guides, Judge] | None = None,
) -> Answer:
    """Designs for wishes that were read from `want`; guides and judge are made first where nobody has them yet."""
    if makers is None:
        with run.writing():  # whoever could not write here afterwards is told before anything is made
            pass
    guides, judge = makers or made_for(shop, asked)
    with shop.counting("designs") as told:
        made = worked_out(shop, asked, guides, judge, search, told, notes)
    beside = list[Rival]()
    if asked.near is None and asked.given is None:  # a picture that is given is its own baseline
        with shop.counting("what needs no search") as told:
            if told:
                told(0, 1)
            plain = replace(asked, wishes=shop.settled(asked.wishes, guides, False))
            beside = rivals(shop, plain, guides, judge)
    return Answer(want, made, judge, beside, asked.seed, command)


def made_for(shop: Workshop, asked: Asked) -> tuple[Guides, Judge]:
    """Guides and judge for what is wished, from the run's folder or made now.

    Each is one file, written whole, that says what it learnt from: training, which takes minutes, holds no lock.
    """
    names = attributes_of(asked.wishes)
    return shop.guides(names), shop.judge(names)


def command_of(want: str, n: int, given: dict[str, Any]) -> str:
    """The command that asks the same; pictures by what they are, as no place on this machine is kept."""
    told = [f"--{name} {given[name]}" for name in ("near", "keep") if given.get(name)]
    told += [
        f"--{name.replace('_', '-')} {given[name]}" for name in USUAL if given.get(name, USUAL[name]) != USUAL[name]
    ]
    return " ".join(["isthmus design RUN", f'--want "{want}"', f"-n {n}", *told])
