"""Designs without a search: Gaussians of codes that a guide has named, and samples from those of the wished class."""

import warnings

import numpy as np
import torch

__all__ = ["clustered"]

_ADDED = 1e-4
"""To every variance, in that of all codes."""


def clustered(
    codes: torch.Tensor, answers: torch.Tensor, targets: torch.Tensor, clusters: int, seed: int
) -> tuple[torch.Tensor, np.ndarray]:
    """A code for each target, and whether any cluster has that name; `answers` are the guide's of the `codes`.

    A cluster's name is the class that the guide sees most in it. A class that several have is drawn from them by their
    size; one that none has gets the mean code.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    x = codes.double().numpy()
    made = GaussianMixture(min(clusters, len(x) // 2), reg_covar=_ADDED * float(x.var(axis=0).mean()),
                           random_state=seed)  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        made.fit(x)
    shares = made.predict_proba(x)
    names = (shares.T @ answers.double().numpy()).argmax(axis=1)
    generator = np.random.default_rng(seed)
    found, named = np.tile(x.mean(axis=0), (len(targets), 1)), np.zeros(len(targets), bool)
    for row, wished in enumerate(targets.tolist()):
        mine = np.flatnonzero(names == wished)
        if len(mine):
            cluster = generator.choice(mine, p=made.weights_[mine] / made.weights_[mine].sum())
            found[row] = generator.multivariate_normal(made.means_[cluster], made.covariances_[cluster])
            named[row] = True
    return torch.from_numpy(found).float(), named
