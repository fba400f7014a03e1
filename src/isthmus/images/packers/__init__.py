"""One file for each kind of source that is packed into shards. A packer lists what there is and cuts it into pieces.

Each file ends with `Packer = TheClass`, which has `accepts(source) -> bool` and `listing(source, options) -> Listing`.
"""

__all__: list[str] = []
