"""What the page can ask for: one file a topic, each ends with its `router`."""

__all__: list[str] = []
