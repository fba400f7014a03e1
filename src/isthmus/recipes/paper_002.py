"""Paper 002: linear, sigmoid, ReLU and ELU autoencoders and a VAE on MNIST, 784-500-500-5 and back (Mathews).

Claim     sigmoid, ReLU and ELU redraw much better than a linear autoencoder, which is slow, and are virtually
          indistinguishable; a digit has more than 10 and fewer than 100 dimensions; a code is the digits' manifold.
Command   isthmus recipe run 002 --scale quick
Cost      to be measured
Expected  to be measured
"""

from isthmus.recipes._bottlenecks import beside, redrawn
from isthmus.recipes._kicks import BALL, drawn, judged, kicks
from isthmus.recipes._layer_claims import ACTIVATIONS, BESIDE, compared, linear, redrawing
from isthmus.recipes._layer_sheets import at_the_end, at_the_marks, between, by_size, with_curves
from isthmus.recipes._layers import GRID, KINDS, Sizes
from isthmus.recipes._manifold_claims import MAPPED, case_of, hypothesis, regular
from isthmus.recipes._recipe import Measured, Part, Recipe, Row, Scale

__all__ = ["RECIPE", "Sizes"]

_VAES = ("vae", "vae-wide")


def _vaes(measured: Measured, sizes: Sizes) -> list[Row]:
    return compared(measured, (*_VAES, "elu", "size-20", BESIDE), sizes)


def _convolutional(measured: Measured, sizes: Sizes) -> list[Row]:
    """Section 6 breaks off after four words, and table 1 is the sample of the template."""
    section = "the paper's section ends after 'The variational auto-encoder'; what is measured here is our own"
    table = "dendrite, axon and soma are the sample of the template that the paper was written in"
    return [
        Row("section 6, convolutional variational auto-encoder", None, None, {}, None, None, section),
        Row("table 1: not reproduced", None, None, {}, None, None, table),
        *compared(measured, ("conv-vae", "vae"), sizes),
    ]


_QUICK = Sizes(
    steps=2500,
    marks=(500, 1500, 2500),
    precision="auto",
    channels=(16, 32),
    mapped=3000,
    voters=5000,
    pairs=2000,
    judged=10_000,
    dense=500,
    draws=100,
    kicks=1500,
)
_STUDY = Sizes(steps=20_000, marks=(4000, 12_000, 20_000), precision="auto", dense=2000, kicks=6000)

RECIPE = Recipe(
    "002",
    "Linear and non-linear autoencoders and a VAE with five numbers (MNIST)",
    {
        "quick": Scale(_QUICK, (0,), None),
        "study": Scale(_STUDY, (0, 1, 2), None, {BESIDE: 1}),
        "paper": Scale(Sizes(own=True), (0, 1, 2), None, {BESIDE: 1}),
    },
    {**dict.fromkeys(KINDS, redrawn), BESIDE: beside, BALL: kicks},
    (
        Part(
            "figure-2",
            "a linear autoencoder spans PCA's plane, slowly",
            ("linear", "linear-sgd", *ACTIVATIONS, BESIDE),
            linear,
            at_the_marks,
        ),
        Part(
            "figure-3",
            "sigmoid, ReLU and ELU are much better than linear, and alike",
            (*ACTIVATIONS, "ours", "linear", "linear-sgd", BESIDE),
            redrawing,
            with_curves,
        ),
        Part("figure-5", "a VAE redraws digits", (*_VAES, "elu", "size-20", BESIDE), _vaes, at_the_end),
        Part(
            "hypothesis",
            "a digit has more than 10 and fewer than 100 dimensions",
            (*map(case_of, GRID), BESIDE),
            hypothesis,
            by_size,
        ),
        Part("manifold", "between two codes lies something real", (*MAPPED, BESIDE), regular, between),
        Part("ball", "a code of as many numbers holds what was done to a ball", (BALL,), judged, drawn),
        Part(
            "section-6",
            "announced, not written: a convolutional VAE",
            ("conv-vae", "vae", BESIDE),
            _convolutional,
            at_the_end,
        ),
    ),
)
