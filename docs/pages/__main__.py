"""Builds the site: `python3 dev.py site` writes `site/`, which opens from any folder and from any host of files.

Pages come from the repository's Markdown, from the program itself and from the results files; nothing is loaded from
elsewhere, and nothing runs in the browser but the search over headings.
"""

import sys
from pathlib import Path

from docs.pages.site import build

if __name__ == "__main__":
    where = Path(sys.argv[1] if len(sys.argv) > 1 else "site")
    count = build(Path(__file__).resolve().parents[2], where)
    print(f"{count} pages in {where}; open {where / 'index.html'}", file=sys.stderr)
