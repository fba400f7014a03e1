"""Ways to look for codes: one file each, which ends with `Search = TheClass` and is a choice of `--search`."""

__all__: list[str] = []
