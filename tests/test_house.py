"""The house rules of the design, held by a test: floors, sizes, names, and that nothing loaded is ever executed."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import isthmus

ROOT = Path(isthmus.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
TREES = {path: ast.parse(path.read_text("utf-8")) for path in FILES}
MODULES = sorted({name for _, name, _ in pkgutil.walk_packages([str(ROOT)], "isthmus.")} - {"isthmus.__main__"})

# Floor by floor, from the ground; whoever is on one line is beside the others and does not import them.
FLOORS = (
    "errors keys",
    "files discover estimator rng contract card ranks workers",
    "nets terms stats augment",
    "images run web",
    "train report",
    "models",
    "measure look classify",
    "design export tune",
    "recipes serve studio",
    "cli",
    "__main__",
)
FLOOR = {unit: number for number, line in enumerate(FLOORS) for unit in line.split()}

_LONGEST, _LONGEST_LOOP, _NINE_IN_TEN = 60, 150, 25
_FILE, _MODEL_FILE = 300, 120


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def unit(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Every `(module, name)` of ours that is imported anywhere in a file; the name is empty for `import module`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "isthmus":
            assert node.level == 0, "imports are absolute"
            yield from ((str(node.module), alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] == "isthmus")


def target(module: str, name: str) -> str | None:
    """The unit that an import reaches; None for the package itself, whose names lead to where they live."""
    if "." in module:
        return module.split(".")[1]
    if (ROOT / name).is_dir() or (ROOT / f"{name}.py").is_file():
        return name or None
    home = isthmus._HOMES.get(name)
    return home.split(".")[0] if home else None


def functions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return int(node.end_lineno or 0) - node.lineno + 1


# -- floors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_an_import_goes_down_never_up_or_sideways(path: Path) -> None:
    here = unit(path)
    if here == "__init__":
        return
    assert here in FLOOR, f"{here} is on no floor: put it on one in this test and in the design"
    for module, name in imports(TREES[path]):
        there = target(module, name)
        if there is not None and there != here:
            assert FLOOR[there] < FLOOR[here], f"{relative(path)} imports {module} {name}"


@pytest.mark.parametrize("folder", ["models", "cli", "images/readers", "images/sets", "recipes"])
def test_ideas_do_not_import_each_other(folder: str) -> None:
    """Each file is a choice that can be deleted; what several share has a name that begins with an underscore."""
    package = f"isthmus.{folder.replace('/', '.')}"
    ideas = {path.stem for path in (ROOT / folder).glob("*.py") if not path.name.startswith("_")}
    assert ideas
    for path in (ROOT / folder).glob("*.py"):
        if path.name != "__init__.py":
            reached = {m.removeprefix(f"{package}.") for m, _ in imports(TREES[path]) if m.startswith(f"{package}.")}
            reached |= {name for module, name in imports(TREES[path]) if module == package}
            assert not reached & ideas, relative(path)


def test_what_trains_draws_nothing_and_what_draws_trains_nothing() -> None:
    for path, tree in TREES.items():
        reached = {target(module, name) for module, name in imports(tree)}
        if unit(path) == "report":
            assert not reached & {"train", "models", "nets"}, relative(path)
        if unit(path) in ("train", "models", "nets"):
            assert "report" not in reached, relative(path)


def test_uses_know_no_model() -> None:
    for path, tree in TREES.items():
        if unit(path) in ("measure", "look", "classify", "stats", "report"):
            assert not {module for module, _ in imports(tree) if module.startswith("isthmus.models")}, relative(path)


# -- sizes ------------------------------------------------------------------------------------------------------------


def test_functions_are_short() -> None:
    lengths = sorted(length(node) for _, node in functions())
    assert len(lengths) > 300
    assert lengths[int(0.9 * len(lengths))] <= _NINE_IN_TEN
    for path, node in functions():
        limit = _LONGEST_LOOP if (relative(path), node.name) == ("train/loop.py", "train") else _LONGEST
        assert length(node) <= limit, f"{relative(path)}: {node.name} has {length(node)} lines"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_files_are_short(path: Path) -> None:
    idea = path.parent.name == "models" and not path.name.startswith("_")
    assert len(path.read_text("utf-8").splitlines()) <= (_MODEL_FILE if idea else _FILE)


def test_folders_are_shallow_and_hold_more_than_one_file() -> None:
    for path in FILES:
        assert len(path.relative_to(ROOT).parts) <= 3, relative(path)
    for folder in {path.parent for path in FILES}:
        held = [path for path in folder.glob("*.py") if path.name != "__init__.py" or path.read_text("utf-8").strip()]
        assert len(held) != 1, f"{relative(folder)}: a folder opens at its second file"


# -- names ------------------------------------------------------------------------------------------------------------


def test_no_file_is_named_for_what_it_is_not() -> None:
    assert not {path.stem for path in FILES} & {"utils", "util", "helpers", "helper", "misc", "common", "base", "core"}


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_file_begins_by_saying_what_it_is(path: Path) -> None:
    assert ast.get_docstring(TREES[path]) or not path.read_text("utf-8").strip()


def test_every_function_says_what_it_returns() -> None:
    silent = [f"{relative(path)}: {node.name}" for path, node in functions() if node.returns is None]
    assert silent == []


def constants_classes_functions(name: str) -> tuple[int, str]:
    """The order that ruff keeps."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


@pytest.mark.parametrize("module", MODULES)
def test_all_is_there_sorted_and_true(module: str) -> None:
    found = importlib.import_module(module)
    if not Path(str(found.__file__)).read_text("utf-8").strip():
        return
    assert found.__all__ in (sorted(set(found.__all__)), sorted(set(found.__all__), key=constants_classes_functions))
    for name in found.__all__:
        assert hasattr(found, name), f"{module} has no {name}"
        assert not name.startswith("_")


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_what_is_imported_from_elsewhere_is_offered_there(path: Path) -> None:
    for module, name in imports(TREES[path]):
        if not name or module == "isthmus" or f"{module}.{name}" in MODULES:
            continue
        assert name in importlib.import_module(module).__all__, f"{relative(path)} takes {name} from {module}"


# -- nothing loaded is executed, nothing is sent ----------------------------------------------------------------------


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_nothing_that_is_read_is_executed(path: Path) -> None:
    forbidden = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml"}
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            assert not {name.split(".")[0] for name in names} & forbidden
    for name, call in calls(TREES[path]):
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert name not in {"eval", "exec", "compile", "torch.load", "torch.save", "os.system"}, name
        assert given.get("shell", "False") == "False", name
        if name in {"np.load", "numpy.load", "np.lib.format.read_array"}:
            assert given.get("allow_pickle") == "False", f"{relative(path)}: {name} must refuse pickled objects"
        assert given.get("allow_pickle", "False") == "False"


def test_only_the_fetching_of_named_sets_knows_the_network() -> None:
    """Servers listen at a socket, and read addresses that they were asked for; they ask nobody."""
    network = {"urllib", "http", "socket", "requests", "httpx", "aiohttp", "ftplib", "ssl"}
    knows = {
        relative(path)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [*(alias.name for alias in node.names), getattr(node, "module", None) or ""]
        if name.split(".")[0] in network and getattr(node, "module", None) != "urllib.parse"
    }
    assert knows <= {"images/fetch.py", "web/listening.py"}


def test_every_module_can_be_imported_alone_in_silence() -> None:
    """In one process, each after the others are forgotten, so that none leans on what another has imported."""
    program = """
import importlib, sys, warnings
warnings.simplefilter("error")
for name in sys.argv[1:]:
    for other in [m for m in sys.modules if m.split(".")[0] == "isthmus"]:
        del sys.modules[other]
    importlib.import_module(name)
"""
    done = subprocess.run([sys.executable, "-c", program, *MODULES], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
