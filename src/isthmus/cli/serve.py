"""Answer questions about pictures over HTTP: encode, predict, decode, design."""

import argparse
from collections.abc import Sequence

from isthmus.cli._talk import say
from isthmus.errors import UsageError

__all__ = ["arguments", "run"]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    parser.add_argument("run_folder", metavar="RUN")
    parser.add_argument("--port", type=int, default=8080, metavar="N", help="where to listen (default: 8080; 0: any)")
    parser.add_argument("--host", default="127.0.0.1", help="who may connect (default: this machine only)")
    text = "ask nobody for a token, whatever the host: something in front of it keeps strangers out"
    parser.add_argument("--no-token", action="store_true", help=text)
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all cores)")
    group = parser.add_argument_group("limits")
    group.add_argument("--body", type=float, default=16, metavar="MB", help="of one request (default: 16)")
    group.add_argument("--pictures", type=int, default=1000, metavar="N", help="in one request (default: 1,000)")
    group.add_argument("--batch", type=int, default=256, metavar="N", help="pictures computed at once (default: 256)")
    group.add_argument("--waiting", type=int, default=10_000, metavar="N", help="pictures that may wait (10,000)")


def run(arguments: argparse.Namespace) -> int:
    import torch

    from isthmus.serve.service import Limits, Service
    from isthmus.serve.serving import TOKEN, serve
    from isthmus.web.listening import LARGEST_PORT

    if not 0 <= arguments.port <= LARGEST_PORT:
        raise UsageError(f"--port is {arguments.port}", f"Give 1 to {LARGEST_PORT}, or 0 for any that is free.")
    for name in ("body", "pictures", "batch", "waiting"):
        if not getattr(arguments, name) > 0:
            raise UsageError(f"--{name} is {getattr(arguments, name)}", "Give more than 0.")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    body = max(1, round(arguments.body * 2**20))
    service = Service(
        arguments.run_folder,
        Limits(body=body, pictures=arguments.pictures, batch=arguments.batch, waiting=arguments.waiting),
    )

    def told(address: str, token: str | None) -> None:
        heads = f", classifiers {', '.join(service.heads)}" if service.heads else ""
        say(f"{service.name}: {type(service.model).__name__}{heads}. Ctrl-C ends it; what was asked is answered first.")
        if token:
            say(f"Ask with the header: Authorization: Bearer {token}  (or set {TOKEN} to one of your own)")
        print(address, flush=True)

    serve(service, arguments.host, arguments.port, arguments.no_token, told)
    return 0
