"""Named sets: `open_pictures("mnist")`. Each file here is a set; it ends with `Set`, which has `read(options)`."""

__all__: list[str] = []
