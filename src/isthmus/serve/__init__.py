"""A fitted run over HTTP: encode, predict, decode, design."""

__all__: list[str] = []
