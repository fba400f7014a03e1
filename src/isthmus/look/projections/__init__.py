"""Ways to place rows on a plane: one file each, which ends with `Projection = TheClass` and is a choice of `--by`."""

__all__: list[str] = []
