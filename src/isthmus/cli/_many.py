"""One command on many devices: started by torch's own launcher, or found to have been started by it (torchrun)."""

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from isthmus.cli._talk import say
from isthmus.errors import IsthmusError, RunError, UsageError

__all__ = ["add_devices", "joined", "launch", "launches", "restarted", "tell"]

_JOINING = 60
"""Seconds in which the first process must be found."""
_TOLD, _LOST = "ISTHMUS_LAUNCHED", 75


def add_devices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--devices", type=int, metavar="N", help="train on this many devices of a machine")
    parser.add_argument("--nodes", type=int, default=1, metavar="N", help="machines, each given this same command")
    parser.add_argument("--master", metavar="HOST:PORT", help="where they meet: one of the machines, a free port")


def launches(arguments: argparse.Namespace) -> bool:
    """Whether this process is to start others rather than train."""
    if arguments.devices is None and arguments.nodes == 1 and arguments.master is None:
        return False
    return "RANK" not in os.environ and (arguments.devices or 1, arguments.nodes) != (1, 1)


def restarted() -> bool:
    """Whether torch's launcher has started all processes again after one of them died."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


def launch(arguments: argparse.Namespace) -> int:
    """The same command in as many processes; its exit code is that of whoever failed first."""
    _check(arguments)
    os.environ[_TOLD] = "1"
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, _cores() // (arguments.devices or 1))))
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    if arguments.nodes == 1 and sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    os.environ.setdefault("LOGLEVEL", "CRITICAL")  # of the launcher's notes to itself
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous.api import RendezvousError
    from torch.distributed.launcher.api import elastic_launch

    try:
        elastic_launch(_config(arguments), sys.executable)("-m", "isthmus", *arguments.words)
    except ChildFailedError as error:
        return _failed(error, arguments)
    except SignalException as error:
        return 128 + int(error.sigval)
    except RendezvousError:
        what = f"the {arguments.nodes} nodes did not meet at {arguments.master}"
        remedy = (
            "Give all the same --master HOST:PORT, one of them that the others reach, and start all within minutes."
        )
        raise UsageError(what, remedy) from None
    return 0


def _config(arguments: argparse.Namespace) -> Any:
    from torch.distributed.launcher.api import LaunchConfig

    return LaunchConfig(
        min_nodes=arguments.nodes,
        max_nodes=arguments.nodes,
        nproc_per_node=arguments.devices or 1,
        run_id="isthmus",
        rdzv_backend="c10d",
        rdzv_endpoint=arguments.master or "localhost:0",
        rdzv_configs={"read_timeout": _JOINING, "timeout": 5 * _JOINING},
        local_addr="localhost" if arguments.nodes == 1 else None,
        max_restarts=0,
        monitor_interval=0.2,
    )


def _check(arguments: argparse.Namespace) -> None:
    if (arguments.devices or 1) < 1 or arguments.nodes < 1:
        raise UsageError("there are 1 or more devices and nodes", "Give --devices 2, for example.")
    if (arguments.nodes > 1) != (arguments.master is not None):
        raise UsageError("--nodes and --master go together", "Give both, the same on every machine.")
    asked, there, kind = arguments.devices or 1, *_devices(getattr(arguments, "device", "auto"))
    if asked > there:
        what = f"{asked} devices were asked for, and this machine has {there} ({kind})"
        raise UsageError(what, f"Use --devices {there}.")


def _devices(device: str) -> tuple[int, str]:
    """How many this machine has of the kind that is asked for."""
    import torch

    if (device == "auto" and torch.cuda.is_available()) or device == "cuda":
        return torch.cuda.device_count(), "graphics cards"
    if device not in ("auto", "cpu"):
        raise UsageError(f"--device {device} is one device", "Use --device auto, cpu or cuda with --devices.")
    return _cores(), "processor cores"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _failed(error: Any, arguments: argparse.Namespace) -> int:
    """A process that was killed could not say so itself; of others the message is there already."""
    codes = {rank: failure.exitcode for rank, failure in error.failures.items()}
    killed = {rank: -code for rank, code in codes.items() if code < 0 and code != -signal.SIGTERM}
    own = [code for code in codes.values() if code > 0 and code != _LOST]
    if killed or not own:
        rank, number = next(iter(killed.items()), (None, None))
        how = (
            f"process {rank} was ended by {signal.Signals(number).name}" if number else "a process ended without a word"
        )
        remedy = "It may have run out of memory."
        folder = arguments.out or arguments.resume
        if folder and os.path.exists(os.path.join(folder, "run.json")):
            remedy += f" What was saved is whole; continue with: isthmus fit --resume {folder}"
        raise RunError(f"{how}, and training with it", remedy)
    return own[0]


@contextlib.contextmanager
def joined() -> Iterator[None]:
    """In here the processes that torch's launcher has started know each other; one of them speaks when it fails."""
    import torch.distributed as dist

    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "RANK" not in os.environ or dist.is_initialized():
        yield
        return
    rank = int(os.environ["RANK"])
    store = _met(rank)
    try:
        yield
    except IsthmusError as error:
        if not _first_to_speak(store, error):
            raise SystemExit(_LOST) from None
        raise
    except KeyboardInterrupt:
        if rank:
            raise SystemExit(130) from None
        raise
    finally:
        dist.destroy_process_group()


def _met(rank: int) -> Any:
    """The process group, and where notes for all are left."""
    import torch
    import torch.distributed as dist

    local = int(os.environ.get("LOCAL_RANK", "0"))
    if torch.cuda.is_available() and local < torch.cuda.device_count():
        torch.cuda.set_device(local)
    place = os.environ.get("MASTER_ADDR", ""), os.environ.get("MASTER_PORT", "")
    try:
        waits = timedelta(seconds=_JOINING)
        store = dist.TCPStore(place[0], int(place[1]), is_master=False, timeout=waits) if rank else None
        dist.init_process_group(timeout=timedelta(seconds=5 * _JOINING))
        return store or dist.TCPStore(place[0], int(place[1]), is_master=False, timeout=waits)
    except (RuntimeError, ValueError):
        what = f"process {rank} of {os.environ['WORLD_SIZE']} did not find the first one at {':'.join(place)}"
        raise UsageError(what, "Start them with torchrun, or with --devices; nodes give --master HOST:PORT.") from None


def _first_to_speak(store: Any, error: IsthmusError) -> bool:
    """What all have run into is said once; that others are gone only where nobody else can say it."""
    from isthmus.ranks import Lost

    if isinstance(error, Lost) and _TOLD in os.environ:
        return False
    try:
        return bool(store.add(f"isthmus/said/{os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", 1) == 1)
    except RuntimeError:
        return True


def tell(text: str) -> None:
    """Said once, however many processes there are."""
    from isthmus.ranks import leads

    if leads():
        say(text)
