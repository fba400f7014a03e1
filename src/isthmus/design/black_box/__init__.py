"""Ways to look for what scores best where nobody knows why: one file each, which ends with `Optimiser = TheClass`."""

__all__: list[str] = []
