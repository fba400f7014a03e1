"""The estimator is the configuration: a keyword-only dataclass whose fields are its parameters.

It behaves as scikit-learn's estimators do (`get_params`, `clone`, `Pipeline`, `GridSearchCV`, `check_estimator`)
without importing scikit-learn, which would cost every start more than half of what importing torch costs.
"""

import dataclasses
import numbers
from typing import TYPE_CHECKING, Any, Self

from isthmus.errors import UsageError

if TYPE_CHECKING:
    from sklearn.utils import Tags

__all__ = ["Estimator", "option"]

_WHOLE, _REAL = (numbers.Integral, "whole number"), (numbers.Real, "number")


def option(default: Any, help: str, choices: tuple[str, ...] = (), low: float | None = None, path: bool = False) -> Any:
    """A field with the words and bounds that the command line, the studio and the checks take from it.

    What is a `path` is written into a run folder as seen from there, so that no place on this machine is kept.
    """
    return dataclasses.field(default=default, metadata={"help": help, "choices": choices, "low": low, "path": path})


@dataclasses.dataclass(kw_only=True, eq=False)
class Estimator:
    """Remembers its parameters; `check_params` judges them when work begins, as scikit-learn's habit is."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Every field by name, and with `deep` those of estimators inside it as `outer__inner`."""
        params = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        if deep:
            for name, value in list(params.items()):
                if isinstance(value, Estimator):
                    params |= {f"{name}__{inner}": v for inner, v in value.get_params().items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Change fields by name; `outer__inner` reaches into an estimator that is a field."""
        known = {field.name for field in dataclasses.fields(self)}
        for name, value in params.items():
            outer, _, inner = name.partition("__")
            if outer not in known:
                raise UsageError(
                    f"invalid parameter {outer!r} for {type(self).__name__}", f"Choose from: {sorted(known)}."
                )
            if inner:
                holder = getattr(self, outer)
                if not isinstance(holder, Estimator):
                    raise UsageError(f"{name}: {outer} is {holder!r}, which has no fields", "Give an object there.")
                holder.set_params(**{inner: value})
            else:
                setattr(self, outer, value)
        return self

    def check_params(self) -> None:
        """Refuse a value that is not a choice or lies below its bound, by name."""
        for field in dataclasses.fields(self):
            value, choices, low = getattr(self, field.name), field.metadata.get("choices"), field.metadata.get("low")
            if choices and isinstance(value, str) and value not in choices:
                raise UsageError(f"{field.name} is {value!r}", f"Choose one of: {', '.join(choices)}.")
            if low is None or value is None:
                continue
            kind, words = _WHOLE if field.type in (int, int | None) else _REAL
            if not isinstance(value, kind) or isinstance(value, bool):
                raise UsageError(f"{field.name} is {value!r}", f"It must be a {words}, at least {low}.")
            if not value >= low:
                raise UsageError(f"{field.name} is {value}", f"It must be at least {low}.")

    def __sklearn_tags__(self) -> "Tags":
        from sklearn.utils import Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            transformer_tags=TransformerTags(preserves_dtype=["float32"]) if hasattr(self, "transform") else None,
        )

    def __getstate__(self) -> dict[str, Any]:
        return dict(vars(self))
