"""One way to learn from labelled rows a file, each ends with `Head = TheClass`; `graph.py` is `--head graph`."""

__all__: list[str] = []
