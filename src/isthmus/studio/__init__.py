"""The studio: run folders in the browser. Decode any point, label, design, watch; nothing leaves the machine."""

__all__: list[str] = []
