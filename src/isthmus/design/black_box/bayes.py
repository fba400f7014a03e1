"""Bayesian optimisation over the whole box by BoTorch, which is not installed with Isthmus: `isthmus[bayes]`."""

import warnings
from dataclasses import dataclass

import torch

from isthmus.design.black_box._optimiser import AskTell
from isthmus.errors import UsageError
from isthmus.estimator import option

__all__ = ["Bayes", "Optimiser"]

_POINTS = 300


@dataclass(kw_only=True, eq=False)
class Bayes(AskTell):
    """Noisy expected improvement, its logarithm, over a batch; what is refused has a process of its own."""

    samples: int = option(128, "draws by which an improvement is estimated", low=1)
    restarts: int = option(4, "places from which it is climbed", low=1)

    def _prepare(self) -> None:
        try:
            import botorch  # noqa: F401
        except ImportError:
            raise UsageError(
                "the optimiser bayes needs BoTorch, which is not installed",
                "Install it: pip install 'isthmus[bayes]'; or use trust, which needs nothing.",
            ) from None

    def _propose(self, k: int, generator: torch.Generator) -> torch.Tensor:
        from botorch.acquisition.logei import qLogNoisyExpectedImprovement
        from botorch.optim import optimize_acqf
        from botorch.sampling import SobolQMCNormalSampler

        rows = torch.nonzero(self.scores_.isfinite()).flatten()[-_POINTS:]
        if len(rows) < 2:
            noise = torch.randn(k, self.starts_.shape[1], generator=generator, dtype=torch.float64)
            return self.box_.inside(self.starts_[:1] + 0.2 * noise)
        unit = self.box_.unit(self.codes_)
        seed = int(torch.randint(1 << 31, (), generator=generator))
        refused = bool((self.margins_ < 0).any())
        with warnings.catch_warnings(), torch.random.fork_rng():
            warnings.simplefilter("ignore")  # what it says of its own fits is nothing that a user could mend
            torch.manual_seed(seed)
            gain = qLogNoisyExpectedImprovement(
                self._model(unit, rows, refused),
                X_baseline=unit[rows],
                sampler=SobolQMCNormalSampler(torch.Size([self.samples]), seed=seed),
                objective=_first() if refused else None,
                constraints=[lambda y: -y[..., 1]] if refused else None,
                prune_baseline=True,
            )
            bounds = torch.stack([torch.zeros_like(unit[0]), torch.ones_like(unit[0])])
            found, _ = optimize_acqf(gain, bounds, q=k, num_restarts=self.restarts, raw_samples=256, sequential=True)
        return self.box_.codes(found.detach())

    def _model(self, unit: torch.Tensor, rows: torch.Tensor, refused: bool) -> object:
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import ModelListGP, SingleTaskGP
        from gpytorch.mlls import SumMarginalLogLikelihood

        scores = self.scores_[rows]
        models = [SingleTaskGP(unit[rows], ((scores - scores.mean()) / scores.std().clamp_min(1e-12))[:, None])]
        if refused:
            some = torch.arange(len(self.codes_))[-_POINTS:]
            models.append(SingleTaskGP(unit[some], (self.margins_[some] / self.margins_[some].std())[:, None]))
        model = ModelListGP(*models)
        fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
        return model


def _first() -> object:
    """Of a score and a margin, the score."""
    from botorch.acquisition.objective import GenericMCObjective

    return GenericMCObjective(lambda y, X=None: y[..., 0])


Optimiser = Bayes
