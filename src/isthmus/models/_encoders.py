"""Methods that only models have which encode: for others `hasattr` finds nothing, and a call says why."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from isthmus.contract import check_encodes

__all__ = ["of_encoders"]

Method = TypeVar("Method", bound=Callable[..., Any])


def of_encoders(method: Method) -> Method:
    """The method, for models that encode."""
    return cast(Method, _OfEncoders(method))


class _OfEncoders:
    def __init__(self, method: Callable[..., Any]) -> None:
        self.method, self.__doc__ = method, method.__doc__

    def __get__(self, model: Any, kind: type) -> Any:
        if model is None:
            return self.method
        check_encodes(model)
        return self.method.__get__(model, kind)
