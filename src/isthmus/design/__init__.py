"""Ask for a picture that meets a specification: wishes, guides, searches, and somebody else to judge what was found."""

from isthmus.design.asked import Asked
from isthmus.design.designing import design, worked_out
from isthmus.design.designs import Designs
from isthmus.design.guide import Guides, Taught
from isthmus.design.judge import Judge
from isthmus.design.problem import Problem, Verdict
from isthmus.design.spec import Vocabulary, read_spec
from isthmus.design.wishes import Answers, Class, Function, Mixture, Range, Seen, Wish
from isthmus.design.workshop import Workshop

__all__ = [
    "Answers",
    "Asked",
    "Class",
    "Designs",
    "Function",
    "Guides",
    "Judge",
    "Mixture",
    "Problem",
    "Range",
    "Seen",
    "Taught",
    "Verdict",
    "Vocabulary",
    "Wish",
    "Workshop",
    "design",
    "read_spec",
    "worked_out",
]
