"""Plain columns."""

__all__ = ["table"]


def table(title: str, head: list[str], rows: list[list[str]]) -> str:
    """A title, a head, a rule and the rows: first column to the left, numbers to the right."""
    widths = [max(len(line[i]) for line in [head, *rows]) for i in range(len(head))]

    def written(line: list[str]) -> str:
        cells = [
            cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join(["", title, rule, written(head), rule, *map(written, rows), rule])
