"""Draw new pictures from the model, or pictures like one that is given."""

import argparse
from collections.abc import Sequence
from typing import Any

from isthmus.cli._talk import image_out
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    parser.add_argument("-n", type=int, default=64, metavar="N", help="how many (default: 64)")
    parser.add_argument("--like", metavar="PICTURE", help="around the code of this picture")
    parser.add_argument("--spread", type=float, default=1.0, metavar="X", help="how far around it (default: 1)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="other seeds, other pictures")
    parser.add_argument(
        "-o", "--out", required=True, metavar="FILE", help="a .png, or .npy for the pictures themselves"
    )


def run(arguments: argparse.Namespace) -> int:
    import io
    from pathlib import Path

    import numpy as np

    from isthmus.cli._shown import decoded
    from isthmus.files import write_atomically
    from isthmus.models._loading import load
    from isthmus.report.grid import picture_grid

    if arguments.n < 1:
        raise UsageError(f"-n is {arguments.n}", "Ask for at least one picture.")
    model = load(arguments.run_folder)
    codes = model.sample_codes(arguments.n, arguments.seed)
    if arguments.like:
        codes = _around(model, arguments, codes)
    if Path(arguments.out).suffix == ".npy":
        held = io.BytesIO()
        np.save(held, model.inverse_transform(codes))
        write_atomically(Path(arguments.out), held.getvalue())
    else:
        image_out(picture_grid(decoded(model, codes)), arguments.out)
    return 0


def _around(model: Any, arguments: argparse.Namespace, noise: Any) -> Any:
    """The picture's posterior, widened by --spread; a model without one gets a share of the codes' own spread."""
    import numpy as np
    import torch

    from isthmus.cli._pictures import of_run
    from isthmus.run import Run

    like = argparse.Namespace(path=arguments.like)
    pictures = of_run(Run.open(arguments.run_folder), like)
    with torch.no_grad():
        posterior = model.encode(model.tensor(pictures.take(np.arange(1))))
    mean = posterior.mean.flatten(1).float().cpu().numpy()
    if posterior.log_variance is None:
        return mean + 0.25 * arguments.spread * (noise - noise.mean(0))
    return mean + arguments.spread * np.exp(0.5 * posterior.log_variance.flatten(1).float().cpu().numpy()) * noise
