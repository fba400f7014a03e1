"""What users import: a small sorted list, loaded when it is used."""

import subprocess
import sys

import pytest

import isthmus

SURFACE = [
    "GAN",
    "PCA",
    "TwoStep",
    "VAE",
    "Autoencoder",
    "BetaTCVAE",
    "Classifier",
    "ConditionalVAE",
    "Contrastive",
    "Denoising",
    "IsthmusError",
    "Linear",
    "MixtureVAE",
    "Pictures",
    "Record",
    "Regressor",
    "Run",
    "load",
    "open_pictures",
    "resume",
    "split",
]


def test_the_public_surface_is_this() -> None:
    assert isthmus.__all__ == sorted(SURFACE)
    assert dir(isthmus) == sorted([*SURFACE, "__version__"])


@pytest.mark.parametrize("name", SURFACE)
def test_every_name_is_there_and_belongs_to_its_home(name: str) -> None:
    found = getattr(isthmus, name)
    assert found.__name__ == name
    assert found.__module__ == f"isthmus.{isthmus._HOMES[name]}"
    assert found.__doc__


def test_what_type_checkers_see_is_what_is_there() -> None:
    import ast
    from pathlib import Path

    tree = ast.parse(Path(isthmus.__file__).read_text("utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.asname: line.module for line in block.body for alias in line.names}
    assert seen == {name: f"isthmus.{home}" for name, home in isthmus._HOMES.items()}


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = isthmus.no_such_name


def modules_after(program: str) -> tuple[str, set[str]]:
    """What a fresh interpreter prints, and the packages it has loaded at the end."""
    asked = f"{program}\nimport sys\nprint('|'.join(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    return done.stdout, set(done.stderr.strip().splitlines()[-1].split("|"))


def test_importing_isthmus_prints_nothing_and_loads_nothing_heavy() -> None:
    said, loaded = modules_after("import isthmus")
    assert said == ""
    assert not loaded & {"torch", "numpy", "PIL", "rich", "sklearn", "scipy", "matplotlib"}


def test_a_model_costs_torch_and_nothing_else() -> None:
    heavy = {"sklearn", "scipy", "matplotlib", "rich", "PIL", "tifffile", "pandas", "pyarrow", "h5py", "fastapi"}
    said, loaded = modules_after("from isthmus import VAE; VAE()")
    assert said == ""
    assert not loaded & heavy
    assert not loaded & {"torch._dynamo", "torch._inductor", "sympy"}, "torch's compiler costs seconds and is not used"


def test_importing_seeds_nothing() -> None:
    program = """
import random, numpy, torch
torch.manual_seed(1); numpy.random.seed(1); random.seed(1)
before = (torch.rand(3).tolist(), numpy.random.rand(3).tolist(), random.random())
torch.manual_seed(1); numpy.random.seed(1); random.seed(1)
from isthmus import VAE, PCA, open_pictures, load
print(before == (torch.rand(3).tolist(), numpy.random.rand(3).tolist(), random.random()))
"""
    assert modules_after(program)[0] == "True\n"
