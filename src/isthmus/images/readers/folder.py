"""A folder of pictures: a folder for each class, or flat; `train` and `test` on top are kept as the source's split."""

from pathlib import Path

from isthmus.errors import DataError
from isthmus.images.guard import plural, some
from isthmus.images.options import ReadOptions
from isthmus.images.pictures import Pictures
from isthmus.images.readers._files import Listed, read_files
from isthmus.images.scanning import Scan, scan

__all__ = ["FolderReader", "Reader"]

_UNLABELLED = {"unlabelled", "unlabeled", "unknown"}
_SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
_SPLITS.update(dict.fromkeys(("val", "valid", "validation"), "train"))


class FolderReader:
    """The first folder in a picture's path is its class; `unlabelled`, `unlabeled` and `unknown` are no class."""

    last = True
    """Other readers may know a folder better."""

    def accepts(self, path: Path) -> bool:
        return path.is_dir()

    def read(self, path: Path, options: ReadOptions) -> Pictures:
        return read_files(self.listing(path, options), options)

    def listing(self, path: Path, options: ReadOptions) -> Listed:
        """The files, before any is decoded."""
        found = scan(path)
        options.tell(len(found.pictures), len(found.pictures), "finding pictures")
        if not found.pictures:
            raise _empty(path, found)
        parts = [file.name.split("/")[:-1] for file in found.pictures]
        split = _own_split(parts)
        labels = [_label(folders[1:] if split else folders) for folders in parts]
        source = {"kind": "folder", "name": path.resolve().name}
        trouble = _left_out(found)
        if split and any(folders[0].casefold().startswith("val") for folders in parts):
            trouble.append("the validation folder was joined to train: validation is cut anew for each run")
        return Listed(path, found.pictures, labels, split=split, source=source, trouble=trouble)


def _own_split(parts: list[list[str]]) -> list[str] | None:
    """Only where every picture lies in such a folder, and there is something to learn from and to test on."""
    tops = {folders[0].casefold() if folders else "" for folders in parts}
    if not tops <= _SPLITS.keys() or {_SPLITS[top] for top in tops} != {"train", "test"}:
        return None
    return [_SPLITS[folders[0].casefold()] for folders in parts]


def _label(folders: list[str]) -> str:
    return folders[0] if folders and folders[0].casefold() not in _UNLABELLED else ""


def _left_out(found: Scan) -> list[str]:
    trouble = []
    tables = sum(found.others[suffix] for suffix in (".csv", ".parquet"))
    if found.others:
        kinds = some(f"{suffix} ({count:,})" for suffix, count in found.others.most_common())
        trouble.append(f"passed over {plural(found.others.total(), 'file')} of other kinds: {kinds}")
    if tables:
        trouble.append("there is a table among the pictures; if it holds their labels, give it with --labels")
    if found.loops:
        trouble.append(f"did not follow {plural(found.loops, 'link')} back into the folder itself")
    if found.broken:
        trouble.append(f"passed over {plural(found.broken, 'link')} to nowhere")
    return trouble


def _empty(path: Path, found: Scan) -> DataError:
    if not found.others:
        return DataError(f"{path} is empty", "Put pictures there, or name another folder.")
    kinds = some(f"{suffix} ({count:,})" for suffix, count in found.others.most_common())
    return DataError(f"{path} holds no pictures, only {kinds}", "If one of them holds the pictures, open that file.")


Reader = FolderReader
