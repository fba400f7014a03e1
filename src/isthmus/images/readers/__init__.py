"""One file for each kind of source. A reader says which paths it accepts, and reads one to `Pictures`.

Each file ends with `Reader = TheClass`, which has `accepts(path) -> bool` and `read(path, options) -> Pictures`.
"""

__all__: list[str] = []
