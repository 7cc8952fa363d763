"""Write ``architectures/index.json``, from which ``cnn list`` prints: run it after changing an architecture."""

from __future__ import annotations

from cnncli.bundled import INDEX, bundled, folder, index_text
from cnncli.loading import calculated_row


def main() -> None:
    """Calculate every row and write the index."""
    text = index_text([calculated_row(name) for name in bundled()])
    (folder() / INDEX).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
