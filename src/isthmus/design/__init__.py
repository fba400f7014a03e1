"""Ask for a picture that meets a specification: wishes, guides, searches, and somebody else to judge what was found."""

from isthmus.design.guide import Guides, Taught
from isthmus.design.problem import Problem, Verdict
from isthmus.design.wishes import Answers, Class, Function, Mixture, Range, Seen, Wish

__all__ = [
    "Answers",
    "Class",
    "Function",
    "Guides",
    "Mixture",
    "Problem",
    "Range",
    "Seen",
    "Taught",
    "Verdict",
    "Wish",
]
