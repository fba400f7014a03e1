"""Where a result comes from: commit, machine, command, versions, day."""

import platform
import subprocess
import time
from pathlib import Path
from typing import Any

import isthmus
from isthmus.run import machine

__all__ = ["source_of"]


def source_of(command: str) -> dict[str, Any]:
    """To be asked before the work begins: a checkout may change while it goes on."""
    import numpy as np
    import torch

    versions = {"isthmus": isthmus.__version__, "torch": torch.__version__, "numpy": np.__version__}
    versions["python"] = platform.python_version()
    made = time.strftime("%Y-%m-%d")
    return {"made": made, "command": command, "machine": machine(), "versions": versions, "commit": _commit()}


def _commit() -> str | None:
    """Of the checkout that is run, with "-dirty" where it was changed; None for an installed package."""
    root = Path(isthmus.__file__).parents[2]
    if not (root / ".git").exists():
        return None
    git = ["git", "-C", str(root)]
    try:
        name = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "src"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return name.stdout.strip() + ("-dirty" if changed.stdout.strip() else "")
