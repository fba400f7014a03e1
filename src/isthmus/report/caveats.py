"""What a report says of itself: limits, remarks, and what is not there yet."""

from isthmus.report.enclosed import Enclosed
from isthmus.report.found import Found
from isthmus.report.markup import Markup, tag

__all__ = ["capital", "limits"]

Inside = list[Markup]


def limits(found: Found, enclosed: Enclosed) -> Inside:
    about = found.part("data")
    labelled, pictures = about.get("labelled") or 0, about.get("pictures") or 0
    told = [str(one) for one in found.described.get("remarks") or ()]
    if found.described.get("status") != "done":
        told.append("Training has not come to its end: what is shown is of the way there.")
    if not found.metrics:
        told.append("No number here was measured on pictures that the model did not learn from.")
    if pictures and labelled < pictures:
        told.append(f"{labelled:,} of {pictures:,} pictures have a label; what is said of classes rests on these.")
    elsewhere = sorted(
        {str(one["split"]) for one in found.metrics if one.get("split") not in (None, "test", "designed")}
    )
    if elsewhere:
        told.append(f"Some numbers are of pictures other than the test pictures: {', '.join(elsewhere)}.")
    told = [*map(capital, told), *found.trouble]
    usual = (
        "Intervals are 95 % and are those of a sample of this size; training again from another seed would move the "
        "numbers too, by more than that where pictures are few."
    )
    lacking = [tag("li", what, ": ", tag("code", f"isthmus {command}")) for what, command in _lacking(found)]
    more = [tag("p", "Not here yet, and what would add it:"), tag("ul", lacking)] if lacking else []
    return [*(tag("p", one, class_="note") for one in told), tag("p", usual), *more]


def _lacking(found: Found) -> list[tuple[str, str]]:
    """What a report could tell and this one does not, with the command that makes it."""
    there = {str(one.get("name")) for one in found.metrics}
    about = found.part("data")
    labelled = bool(about.get("labelled"))
    wanted = (
        ("errors on held-out pictures, the best and the worst of them, samples", "evaluate RUN", "MSE, model" in there),
        ("what an independent classifier says of its pictures", "evaluate RUN --judge", _any(there, "redrawn")),
        ("a map", "map RUN", bool(found.maps)),
        ("a classifier and how far it can be believed", "classify RUN", bool(found.heads) or not labelled),
        ("how accuracy grows with labels", "label-curve RUN", _drawn(found, "label-curve.png") or not labelled),
    )
    return [(what, command) for what, command, is_there in wanted if not is_there]


def _any(names: set[str], start: str) -> bool:
    return any(name.startswith(start) for name in names)


def _drawn(found: Found, name: str) -> bool:
    return (found.folder / name).is_file()


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
