"""The four networks every party trains, and what Isthmus promises on each. No torch here: the harness stays light."""

from dataclasses import dataclass

__all__ = ["CASES", "Case"]


@dataclass(frozen=True)
class Case:
    """One network with its loss, batch and bars (Isthmus' speed over pythae's; None where nothing is promised)."""

    name: str
    title: str
    latent: int
    batch: int
    parameters: int
    round_images: int
    variational: bool = False
    loss: str = "mse"
    bar: float | None = None
    bar_half: float | None = 1.5


CASES: dict[str, Case] = {
    case.name: case
    for case in (
        Case("mlp", "784-500-500-5 autoencoder, batch 100", 5, 100, 1_291_789, 20_000, bar=1.15),
        Case(
            "conv004", "3-conv autoencoder with batch norm, latent 126, batch 256", 126, 256, 118_559, 20_480, bar=1.15
        ),
        Case(
            "vae5x5",
            "two 5x5 conv VAE, latent 256, batch 256",
            256,
            256,
            9_870_177,
            2_560,
            variational=True,
            loss="bce",
            bar=1.0,
            bar_half=1.8,
        ),
        Case("conv", "conv 1-32-64 k4 s2 autoencoder, latent 64, batch 100", 64, 100, 471_297, 10_000, bar=None),
    )
}
