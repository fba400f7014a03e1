"""Every failure a user can cause, as one clear sentence and what to do about it."""

__all__ = ["DataError", "IsthmusError", "MissingError", "RunError", "TrainingError", "UsageError"]


class IsthmusError(Exception):
    """What happened, and the remedy. The command line prints both on one line and exits with `exit_code`."""

    exit_code = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what, self.remedy = what.rstrip(". "), remedy.strip()
        super().__init__(f"{self.what}. {self.remedy}".strip() if remedy else f"{self.what}.")


class UsageError(IsthmusError, ValueError):
    """The call itself is wrong: an unknown model, a value out of range, an ambiguous array."""

    exit_code = 2


class MissingError(UsageError, AttributeError):
    """What this model does not do: called, it says so; `hasattr`, by which scikit-learn asks, finds nothing there."""


class DataError(IsthmusError, ValueError):
    """The pictures, labels or codes are not what they should be."""


class RunError(IsthmusError):
    """A run folder that cannot be read, written or continued."""


class TrainingError(IsthmusError, RuntimeError):
    """Training cannot go on; the last good weights are kept."""
