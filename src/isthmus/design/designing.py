"""Ask for pictures that meet a specification: starts, a search, and somebody else to judge what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from isthmus.contract import evenly
from isthmus.design.asked import Asked
from isthmus.design.designs import Designs
from isthmus.design.guide import Guide, Guides
from isthmus.design.maximise import units_of
from isthmus.design.nearer import Nearer
from isthmus.design.problem import Penalty, Problem
from isthmus.design.searches._search import Found, Search
from isthmus.design.searches.normalised import Normalised
from isthmus.design.spec import Spec, read_spec
from isthmus.design.starts import STARTS
from isthmus.design.staying import Apart, Consistent, Dense, Kept, Near
from isthmus.design.wishes import Class, Function, Wish, attributes_of
from isthmus.design.workshop import Workshop
from isthmus.errors import UsageError
from isthmus.images.pictures import Pictures
from isthmus.measure.samples import nearest_training
from isthmus.stats.mixture import fit_mixture

__all__ = ["design", "worked_out"]

_FILMED, _FEATHER = 8, 4
_BLOCK = 1000
_RARE = 0.02


def design(
    model: Any,
    spec: str | Wish | Sequence[Wish] | Callable[[torch.Tensor], torch.Tensor],
    training: Any,
    *,
    n: int = 16,
    near: Any = None,
    keep: np.ndarray | None = None,
    guide: Any = None,
    judge: Any = None,
    search: Search | None = None,
    seed: int = 0,
    **how: Any,
) -> Designs:
    """`n` pictures that meet `spec`, from a fitted model and labelled `training` pictures.

    `spec` is text (`"class=7, thickness=4..5"`), wishes, or a torch function of pictures in [0, 1] that is 0 where
    they are as wished. With `near`, a picture as the model takes it, the designs are that picture with as little
    changed as can be; `keep` is 1 where it must not change at all. `guide` is a torch function that gives logits, in
    place of guides trained here; `judge` a `Judge`. `how` are other fields of `Asked`.
    """
    if not isinstance(training, Workshop | Pictures):
        raise UsageError(f"training pictures are a {type(training).__name__}", "Give open_pictures(PATH), or Pictures.")
    shop = training if isinstance(training, Workshop) else Workshop(model, training, seed=seed)
    wishes, notes = _wishes(spec, shop)
    if guide is None:
        shop.check(wishes)
    given = None if near is None else shop.as_given(near)
    if keep is not None:
        how |= {"given": given, "free": 1 - torch.as_tensor(keep, dtype=torch.float32)}
        if given is None:
            raise UsageError("there is a mask of what is kept, and no picture to keep it of", "Give near too.")
    elif given is not None:
        how["near"] = given
    asked = Asked(wishes, n=n, seed=seed, **how)
    judge = judge or shop.judge(attributes_of(wishes))
    return worked_out(shop, asked, shop.guide(guide, wishes), judge, search, notes=notes)


def worked_out(
    shop: Workshop,
    asked: Asked,
    guide: Guide,
    judge: Any = None,
    search: Search | None = None,
    told: Callable[[int, int], None] | None = None,
    notes: Sequence[str] = (),
) -> Designs:
    """The same from parts made before: searched in blocks of 1,000, then judged."""
    search = search or Normalised()
    search.check_params()
    asked = _checked(shop, asked, guide)
    starts = STARTS[asked.start](shop, asked)
    near = asked.near if asked.near is not None else asked.given
    places = starts if asked.near is None else STARTS["given"](shop, asked)  # where a trust region has its middle
    parts = [slice(i, min(i + _BLOCK, asked.n)) for i in range(0, asked.n, _BLOCK)]
    found, decoded, films = list[Found](), list[torch.Tensor](), dict[int, torch.Tensor]()
    for part in parts:
        problem = _problem(shop, asked, guide, places[part], part)
        tick = (lambda done, _, part=part: told(part.start + done, asked.n)) if told else None
        one = search.search(problem, starts[part], tick, range(min(_FILMED, asked.n)) if part.start == 0 else ())
        if asked.near is not None:
            Nearer(_each(asked.near, part, part.stop - part.start)).bring(problem, places[part], one)
        with torch.no_grad():
            decoded.append(problem.decode(one.codes, torch.arange(len(one.codes))))
            for row, codes in one.films.items():
                way = codes if one.codes[row].equal(codes[-1]) else [*codes, one.codes[row]]
                frames = problem.decode(torch.stack(way), torch.full((len(way),), row))
                films[row] = frames if near is None else torch.cat([_each(near, part, asked.n)[row : row + 1], frames])
        found.append(one)
    return _judged(shop, asked, guide, judge, found, torch.cat(decoded), films, notes)


# -- the parts --------------------------------------------------------------------------------------------------------


def _wishes(spec: Any, shop: Workshop) -> tuple[Spec, list[str]]:
    if isinstance(spec, str):
        return read_spec(spec, shop.words)
    if isinstance(spec, Wish):
        return (spec,), []
    if callable(spec):
        return (Function("the given function is 0", function=spec),), []
    return tuple(spec), []


def _checked(shop: Workshop, asked: Asked, guide: Guide) -> Asked:
    """With its start chosen and its wishes settled; refused where pictures, mask and start do not go together."""
    start, given = asked.start, asked.near if asked.near is not None else asked.given
    if start == "auto":
        start = "drawn" if not shop.model.encodes else "fitting" if asked.free is not None else "moved"
        if start == "moved" and given is None and shop.model.conditional and _one_class(asked.wishes):
            start = "drawn"
    if start not in STARTS:
        raise UsageError(f"there is no start called {start!r}", f"Choose one of: {', '.join(sorted(STARTS))}, auto.")
    if start == "given" and given is None:
        raise UsageError("there is no given picture to start from", "Give one (--near), or another start.")
    if given is not None and len(given) not in (1, asked.n):
        raise UsageError(f"{len(given)} pictures are given for {asked.n} designs", "Give one, or one for each design.")
    if asked.free is not None and asked.free.shape != given.shape[-2:]:  # type: ignore[union-attr]
        what = f"the mask is {tuple(asked.free.shape)} and the picture {tuple(given.shape[-2:])}"  # type: ignore[union-attr]
        raise UsageError(what, "Give a mask of the picture's height and width.")
    if isinstance(guide, Guides):
        shop.check(asked.wishes)
    # Surer where designs come to rest at the edge of what guides accept, or start from what nobody has labelled.
    by_class = start == "drawn" and shop.model.conditional
    unsafe = given is not None or (start in ("pictures", "drawn", "given") and not by_class)
    return replace(asked, start=start, wishes=shop.settled(asked.wishes, guide, unsafe))


def _one_class(wishes: Sequence[Wish]) -> bool:
    """Whether classes are all that is wished: a model that draws by class knows best where those are."""
    return all(isinstance(wish, Class) for wish in wishes)


def _problem(shop: Workshop, asked: Asked, guide: Guide, starts: torch.Tensor, part: slice) -> Problem:
    """What a code decodes to; where part of a picture is kept, that, and over a few pixels beyond it ever less."""

    def plain(u: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        return shop.decode(u, shop.drawn_as(asked.wishes, len(u)))

    decode, penalties = plain, _staying(shop, asked, starts)
    if asked.given is not None and asked.free is not None:
        given, free = _each(asked.given, part, part.stop - part.start), asked.free
        share = _feathered(free)

        def composite(u: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
            return given[rows] + share * (plain(u, rows) - given[rows])

        decode = composite
        penalties = [Kept(given, free, plain, asked.seam), *penalties]
    return Problem(decode, guide, asked.wishes, penalties)


def _feathered(free: torch.Tensor) -> torch.Tensor:
    """1 well inside of what is free, falling to 0 where it ends: the seam is spread over four pixels of it."""
    inner, total = free[None, None], free[None, None].clone()
    for _ in range(_FEATHER - 1):
        inner = -F.max_pool2d(-inner, 3, 1, 1)
        total = total + inner
    return total[0, 0] / _FEATHER


def _staying(shop: Workshop, asked: Asked, starts: torch.Tensor) -> list[Penalty]:
    found = list[Penalty]()
    if asked.density:
        codes = shop.codes.flatten(1).numpy()
        mixture = fit_mixture(codes[evenly(len(codes), 20_000)], asked.seed)
        bound = float(np.quantile(mixture.log_density(codes[evenly(len(codes), 5000)]), _RARE))
        found.append(Dense(mixture, bound, asked.density))
    if asked.trust:
        found.append(Near(starts, asked.trust))
    if asked.consistent:
        found.append(Consistent(shop.encode, asked.consistent))
    if asked.apart:
        some = shop.pictures[torch.from_numpy(evenly(len(shop.pictures), 500))].flatten(1)
        usual = float(torch.pdist(some).median()) / some.shape[1] ** 0.5
        found.append(Apart(usual, asked.apart))
    return found


def _each(pictures: torch.Tensor, part: slice, n: int) -> torch.Tensor:
    """One picture for all, or each design's own."""
    return pictures.expand(n, *pictures.shape[1:]) if len(pictures) == 1 else pictures[part]


def _judged(
    shop: Workshop,
    asked: Asked,
    guide: Guide,
    judge: Any,
    found: list[Found],
    pictures: torch.Tensor,
    films: dict[int, torch.Tensor],
    notes: Sequence[str],
) -> Designs:
    u = torch.cat([one.codes for one in found])
    codes = (shop.middle + shop.spread * u).flatten(1).numpy()
    with torch.no_grad():
        seen = guide(pictures)
        granted = torch.stack([wish.granted(seen, pictures) for wish in asked.wishes]).numpy()
        again = shop.decode(shop.encode(pictures)) if shop.model.encodes else None
    known = judge is not None and all(judge.knows(wish) for wish in asked.wishes)
    answers = judge.answers(pictures) if known else None
    distance, rows = nearest_training(pictures, shop.pictures)
    side = np.sqrt(np.prod(pictures.shape[1:]))
    given = asked.near if asked.near is not None else asked.given
    return Designs(
        wishes=asked.wishes,
        pictures=pictures,
        drawn=units_of(shop.model)(pictures),
        codes=codes,
        granted=granted,
        seen=seen,
        steps=torch.cat([one.steps for one in found]).numpy(),
        loss=torch.cat([one.loss for one in found]).numpy(),
        classes=shop.words.classes,
        judge=judge,
        judged=judge.met(asked.wishes, pictures, answers) if answers is not None else None,
        answers=answers,
        nearest=distance / side,
        like=shop.training.ids[rows],
        again=None if again is None else (again - pictures).square().flatten(1).mean(1).sqrt().numpy(),
        change=None if given is None else (pictures - given).abs().flatten(1).mean(1).numpy(),
        films=films,
        notes=notes,
    )
