"""Training that explains itself: what went wrong, where, why probably, and what to do."""

import torch

from isthmus.errors import TrainingError
from isthmus.train.players import Batch, Player, Terms

__all__ = ["always_told", "collapse", "dead_inputs", "leans_on_noise", "not_finite", "one_picture", "over_complete"]

_ACTIVE = 0.01
_NEARLY_NOTHING = 0.05
_MANY_DEAD = 0.5
_FOR_GANS = "Train longer, lower --learning-rate, or use --objective wasserstein."
_CLEARLY_WORSE = 1.1
_HARDLY_EVER_WRONG = 0.999
_NARROW = 0.3


def not_finite(terms: Terms, player: Player, where: str, batches: dict[str, Batch]) -> TrainingError:
    """Which term of whose loss is NaN or infinite, and the likeliest cause; without terms it is the weights."""
    bad = [name for name, value in terms.items() if not torch.isfinite(value).all()]
    values = ", ".join(f"{name} = {value.float().mean().item():.4g}" for name, value in terms.items())
    if not terms:
        cause = "a gradient overflowed, or is that of a function with an infinite slope"
        remedy = "Lower --learning-rate (a third is a good try) or set --clip 1."
    elif any(not torch.isfinite(batch.x).all() for batch in batches.values()):
        cause, remedy = "the pictures of this batch hold values that are not finite", "Mend them: isthmus data info."
    elif any(not torch.isfinite(p).all() for p in player.parameters()):
        cause = "the weights had already blown up in the move before"
        remedy = "Lower --learning-rate (a third is a good try) or set --clip 1."
    elif bad == ["kl"]:
        cause = "the encoder's variance overflowed"
        remedy = "Lower --learning-rate, raise --kl-warm-up, or set --clip 1."
    else:
        cause = "a value overflowed on the way forward"
        remedy = "Lower --learning-rate, set --clip 1, or train with --precision float32."
    who = f"{' and '.join(bad) or 'sum'} is not finite ({values})" if terms else "weights are not finite"
    what = f"{where}: {player.name}'s {who}; probable cause: {cause}"
    return TrainingError(what, f"{remedy} The last good weights are kept.")


def over_complete(mean_variance: torch.Tensor, pixels: int) -> str | None:
    """A sentence where a code has no fewer numbers than the picture, so that its size is no bottleneck."""
    total, active = len(mean_variance), int((mean_variance > _ACTIVE).sum())
    if total < pixels:
        return None
    return (
        f"the code has {total:,} numbers, the picture {pixels:,}: only the price of the code keeps it from copying. "
        f"{active:,} of them are active."
    )


def leans_on_noise(error_at_mean: float, error_at_draw: float) -> str | None:
    """A sentence where pictures are drawn worse from the mean of the posterior than from a draw; None elsewhere."""
    if error_at_mean <= _CLEARLY_WORSE * error_at_draw:
        return None
    return (
        f"pictures come back worse from the mean of their posterior (MSE {error_at_mean:.3g}) than from a draw of it "
        f"({error_at_draw:.3g}): the decoder has not yet learnt to do without the noise of idle dimensions. Train for "
        "more steps: longer, or with a smaller --batch-size."
    )


def collapse(kl_per_dimension: torch.Tensor, mean_variance: torch.Tensor, maps: int | None = None) -> str | None:
    """A sentence where few latent dimensions carry anything; None where all is well. `maps` are those of the code."""
    active = int((mean_variance > _ACTIVE).sum())
    total = len(mean_variance)
    if active > total / 2 and float(kl_per_dimension.sum()) > _NEARLY_NOTHING:
        return None
    if active == 0 or float(kl_per_dimension.sum()) <= _NEARLY_NOTHING:
        return (
            "the posterior has collapsed: the code carries nothing of the picture (KL "
            f"{float(kl_per_dimension.sum()):.2g} nats). Lower --beta, raise --kl-warm-up, or train longer."
        )
    told, fewer = f"{active:,} of {total:,} latent dimensions", active
    if maps:
        fewer = int((mean_variance.view(maps, -1) > _ACTIVE).any(1).sum())
        told += f", in {fewer} of {maps} maps,"
    enough = f"--latent {fewer} would do as well, and " if fewer < (maps or total) else ""
    return (
        f"{told} are active; the decoder ignores the others. That is no error: {enough}a lower --beta would use more."
    )


def dead_inputs(pictures: torch.Tensor) -> str | None:
    """A sentence where many pixels never change in these pictures; None elsewhere. A constant border is ordinary."""
    rows = pictures.flatten(1)
    dead = float((rows.amax(0) == rows.amin(0)).float().mean())
    if dead == 1.0:
        return "every picture is the same; there is nothing to learn."
    if dead > _MANY_DEAD:
        return f"{dead:.0%} of the pixels are the same in every picture looked at; cropping them away would save time."
    return None


def always_told(real: torch.Tensor, made: torch.Tensor, remedy: str = _FOR_GANS) -> str | None:
    """A sentence where a discriminator puts nearly every picture above every made one; None elsewhere."""
    right = float((real[:, None] > made[None, :]).float().mean())
    if right < _HARDLY_EVER_WRONG:
        return None
    return (
        f"the discriminator has won: of a picture and a made one it knows which is which {right:.1%} of the time, so "
        f"that the decoder learns little from it. {remedy}"
    )


def one_picture(pictures: torch.Tensor, made: torch.Tensor) -> str | None:
    """A sentence where made pictures differ much less among themselves than pictures do; None elsewhere."""
    share = float(made.var(0, correction=0).sum() / pictures.var(0, correction=0).sum().clamp_min(1e-12))
    if share >= _NARROW:
        return None
    return (
        f"whatever the code, the decoder draws nearly one picture: made ones vary {share:.0%} as much as the pictures "
        f"do. {_FOR_GANS}"
    )
