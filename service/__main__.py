"""The command ``meridian``."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line on this process's arguments and exit with its code."""
    from service.cli import run

    raise SystemExit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
