"""Writes docs/commands.md from the command line itself: `python3 dev.py docs`.

The text is that of `--help`, but for usage lines, which are shortened, and for the layout of flags, which differs
between versions of Python: here it is the same for all of them.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from isthmus import cli, discover, models

__all__ = ["commands_page"]

PAGE = Path(__file__).with_name("commands.md")
WIDTH = 100

_HEAD = """\
# The command line

Made from the program itself by `python3 dev.py docs`; do not edit. Each verb also tells this with `--help`.

What a command prints on stdout is data, what it prints on stderr is talk. It exits with 0 when it is done, 1 when it
failed, 2 when the call was wrong, and 130 when it was interrupted.
"""
_FIT = """\
The fields of the model and of its network are flags too, so those depend on `--model` and `--net`. They are listed
below by who has them; `isthmus fit --model vae --net residual --help` shows those of one pair together.
"""
_CLASSIFY = """\
The fields of the head are flags too, so those depend on `--head`. They are listed below by who has them.
"""
_DESIGN = """\
The fields of the search are flags too, so those depend on `--search`. They are listed below by who has them.
"""
_MAP = """\
The fields of the projection are flags too, so those depend on `--by`. They are listed below by who has them.
"""
_TUNE = """\
The fields of the model and of its network are flags too, those of [fit](#isthmus-fit). One that is given is not
searched.
"""
_CHOSEN = {
    "fit": (_FIT, (("--model", models.names(), 0), ("--net", discover.names("nets"), 1))),
    "classify": (_CLASSIFY, (("--head", discover.names("classify.heads"), 0),)),
    "design": (_DESIGN, (("--search", discover.names("design.searches"), 0),)),
    "tune": (_TUNE, ()),
    "map": (_MAP, (("--by", discover.names("look.projections"), 0),)),
}
"""By verb: what to say of fields that are flags, and the flags that choose whose, with the group they are in."""


class _Layout(argparse.HelpFormatter):
    """One width, and flags as in `-o, --out FILE`, whatever the terminal and the version of Python."""

    def __init__(self, prog: str, **how: object) -> None:
        super().__init__(prog, max_help_position=30, width=WIDTH)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings:
            return self._metavar_formatter(action, action.dest)(1)[0]
        taken = "" if action.nargs == 0 else " " + self._format_args(action, action.dest.upper())
        return ", ".join(action.option_strings) + taken


def commands_page() -> str:
    """The whole page."""
    verbs = list(cli.verbs())
    parts = [_HEAD, "\n".join(f"- [`isthmus {verb}`](#isthmus-{verb}): {line}" for verb, line in cli.verbs().items())]
    for verb in verbs:
        parts += [f"## isthmus {verb}", *_verb(verb)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _verb(verb: str) -> Iterator[str]:
    yield cli.verbs()[verb]
    for words, made in _leaves([verb], _parser(verb)):
        if words != [verb]:
            yield f"### isthmus {' '.join(words)}"
        fields = [group for group in _groups(made) if str(group.title).endswith("'s fields")]
        yield _block(
            _usage(words, made),
            *(_listed(group._group_actions, group.title) for group in _groups(made) if group not in fields),
        )
    if fields:
        yield _CHOSEN[verb][0]
        for flag, names, place in _CHOSEN[verb][1]:
            for owners, actions in _shared(verb, flag, names, place).items():
                yield f"### With `{flag}` {', '.join(owners)}"
                yield _block(_listed(actions))


def _shared(verb: str, flag: str, names: list[str], place: int) -> dict[tuple[str, ...], list[argparse.Action]]:
    """Flags by all the models (or networks) that have them, each once; those that most have come first."""
    owners: dict[str, list[str]] = {}
    actions: dict[str, argparse.Action] = {}
    for name in names:
        for group in _field_groups(verb, flag, name)[place : place + 1]:
            for action in group._group_actions:
                text = _listed([action])
                owners.setdefault(text, []).append(name)
                actions.setdefault(text, action)
    shared: dict[tuple[str, ...], list[argparse.Action]] = {}
    for text in sorted(owners, key=lambda text: -len(owners[text])):
        shared.setdefault(tuple(owners[text]), []).append(actions[text])
    return shared


def _parser(verb: str, *more: str) -> argparse.ArgumentParser:
    """The parser of one verb, as it is where the command line goes on with these words."""
    made = argparse.ArgumentParser(prog=f"isthmus {verb}")
    importlib.import_module(f"isthmus.cli.{verb.replace('-', '_')}").arguments(made, [verb, *more])
    return made


def _leaves(words: list[str], made: argparse.ArgumentParser) -> Iterator[tuple[list[str], argparse.ArgumentParser]]:
    """The parser, or those of its own verbs."""
    inner = [action for action in made._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield words, made
    for name, one in (inner[0].choices if inner else {}).items():
        yield from _leaves([*words, name], one)


def _field_groups(verb: str, flag: str, name: str) -> list[argparse._ArgumentGroup]:
    return [group for group in _groups(_parser(verb, flag, name)) if str(group.title).endswith("'s fields")]


def _groups(made: argparse.ArgumentParser) -> list[argparse._ArgumentGroup]:
    return [group for group in made._action_groups if group._group_actions]


def _usage(words: Sequence[str], made: argparse.ArgumentParser) -> str:
    """`isthmus encode RUN [PATH] -o FILE [options]`: all that must be there."""
    shown = ["isthmus", *words]
    for action in made._actions:
        if action.option_strings and action.required:
            shown.append(f"{action.option_strings[0]} {action.metavar}")
        elif not action.option_strings:
            name = str(action.metavar or action.dest.upper())
            optional = action.nargs in ("?", argparse.REMAINDER)
            shown.append(f"[{name}]" if optional else f"{name} ..." if action.nargs == "+" else name)
    return " ".join([*shown, "[options]"])


def _listed(actions: list[argparse.Action], title: str | None = None) -> str:
    layout = _Layout("isthmus")
    layout.start_section(title)
    layout.add_arguments(actions)
    layout.end_section()
    return layout.format_help().strip("\n")


def _block(*parts: str) -> str:
    return "\n".join(["```text", "\n\n".join(parts), "```"])


if __name__ == "__main__":
    os.environ["NO_COLOR"] = "1"
    page = commands_page()
    PAGE.write_text(page, "utf-8", newline="\n")
    print(f"wrote {PAGE.name}: {len(page.splitlines()):,} lines", file=sys.stderr)
