"""``python -m migrations upgrade|current|difference URL`` for operators, ``… revision URL MESSAGE`` for authors."""

import sys

from migrations import current, heads, upgrade

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Do what the first word says to the database of the second."""
    match arguments:
        case ["upgrade", url]:
            upgrade(url)
        case ["current", url]:
            print(*current(url) or ["none"], "of", *heads())
        case ["difference", url]:
            from migrations.authoring import differences

            print(differences(url), end="")
        case ["revision", url, message]:
            from migrations.authoring import write_revision

            print(f"read over and commit {write_revision(url, message)} and the module beside it")
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
