"""Paper 004: a convolutional autoencoder of clothes, tuned, fine-tuned as a classifier, looked into; and a VAE.

Claim     Adam with L2 learns best and batch norm helps; of five sizes of the code 126 is the best; the encoder with an
          MLP classifies better than the MLP of before (86.55 -> 88.27 %), the autoencoder with a CNN worse than the CNN
          alone (90.69 -> 89.19 %); on a plane of the codes the classes are well apart.
Command   isthmus recipe run 004 --scale quick
Cost      see `recipe list`; one core of an AMD EPYC
Expected  at the paper's own scale, accuracies no more than .6 points (the test's own uncertainty) and cross-entropies
          no more than .02 worse than the paper's. What quick finds is in `expected`, from 8,000 to 12,000 pictures.

The paper never names its data set; its numbers are those of Fashion-MNIST. Its MLP looked at pixels, so that the gain
of the encoder with the MLP may be that of the convolutions: the same network from scratch is trained beside it, and
the encoder that is left as it is. Early stopping, as in the paper, on a tenth of the labels; no views of the pictures.
Its SGD row is an untrained network's, its test error is not that of the model whose validation error stands beside it,
and its study compares rates as much as sizes: each is measured here. Of a table, training errors are asked again after
training, of at most 10,000 pictures.
"""

from functools import partial

from isthmus.recipes._clothes import Sizes
from isthmus.recipes._clothes_latent import (
    chance_judged,
    drawn_by_vae,
    table_8,
    unasked,
    unasked_sheet,
    vae,
    views,
    views_judged,
)
from isthmus.recipes._clothes_study import studied, table_4
from isthmus.recipes._clothes_tables import (
    architecture,
    optimisers,
    progress,
    stopped,
    table_1,
    table_2,
    table_3,
    table_5,
)
from isthmus.recipes._fine_tuning import TUNING, fine_tuning, table_6, table_7
from isthmus.recipes._recipe import Expected, Part, Recipe, Scale

__all__ = ["RECIPE", "Sizes"]

_QUICK = Sizes(
    pictures=8000,
    watched=2000,
    studied=6,
    stopped=40,
    drawn=4,
    mapped=2000,
    random=3000,
    ours={"epochs": 20.0},
    labels=12_000,
    epochs=4,
    passes=8,
    patience=3,
)
_BATCH_NORM = ("Adam + L2 + batch norm",)

_EXPECTED: Expected = {
    "table-1": {
        "2 numbers, no batch norm: weights": (86531, 0.5),
        "126 numbers, batch norm: weights": (118559, 0.5),
    },
    "table-2": {
        "SGD: validation error": (0.16922, 0.025),
        "SGD, rate .1, momentum .9: validation error": (0.042497, 0.0064),
        "Adamax: validation error": (0.053568, 0.008),
        "Adam + L2: validation error": (0.042236, 0.0063),
    },
    "table-3": {
        "Adam + L2 + batch norm: validation error": (0.04178, 0.0063),
    },
    "table-5": {
        "validation error": (0.014449, 0.0022),
        "test error": (0.014879, 0.0022),
        "ours: validation error": (0.009742, 0.0015),
        "ours: test error": (0.010073, 0.0015),
        "test error over validation error": (1.0297, 0.15),
    },
    "table-7": {
        "MLP on pixels: accuracy, %": (81.72, 1.6),
        "encoder + MLP, from scratch: accuracy, %": (83.5, 1.7),
        "encoder + MLP: accuracy, %": (84.63, 1.7),
        "frozen encoder + MLP: accuracy, %": (83.91, 1.7),
        "CNN: accuracy, %": (86.27, 1.7),
        "autoencoder + CNN: accuracy, %": (85.24, 1.7),
    },
    "figures-8-9": {
        "PCA: 5-NN accuracy": (0.477, 0.038),
        "t-SNE: 5-NN accuracy": (0.794, 0.064),
    },
    "table-8": {
        "our VAE: test loss, nats a picture": (242.15, 7.3),
    },
}
"""What quick found with one seed, and how far another machine or seed may come from it."""

RECIPE = Recipe(
    "004",
    "A convolutional autoencoder: trained, tuned, fine-tuned, looked into; and a VAE (Fashion-MNIST)",
    {"quick": Scale(_QUICK, (0,), 514, expected=_EXPECTED), "paper": Scale(Sizes(own=True), (0,), None)},
    {
        "architecture": architecture,
        "optimisers": optimisers,
        "study": studied,
        "stopped": stopped,
        TUNING: fine_tuning,
        "views": views,
        "random": unasked,
        "vae": vae,
    },
    (
        Part("table-1", "three convolutions, two dense layers, and back", ("architecture",), table_1),
        Part("table-2", "Adam with L2 is the best of three optimisers", ("optimisers",), table_2, progress),
        Part(
            "table-3",
            "batch norm lowers both errors",
            ("optimisers",),
            table_3,
            partial(progress, names=_BATCH_NORM),
        ),
        Part("table-4", "of five trials 126 numbers are the best", ("study",), table_4),
        Part("table-5", "the tuned network, stopped early", ("stopped",), table_5, progress),
        Part("table-6", "fine-tuned networks: cross-entropies; autoencoder + CNN is the better", (TUNING,), table_6),
        Part("table-7", "encoder + MLP beats the MLP; autoencoder + CNN does not beat the CNN", (TUNING,), table_7),
        Part("figures-8-9", "on a plane of the codes the classes are well apart", ("stopped", "views"), views_judged),
        Part(
            "figures-10-12", "a random tensor decodes to samples", ("stopped", "random"), chance_judged, unasked_sheet
        ),
        Part("table-8", "a convolutional VAE", ("vae",), table_8, drawn_by_vae),
    ),
)
