"""What every code means: a sentence, the likely cause and a remedy, in one table for ``why``, docs and console."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast, get_args

__all__ = ["KINDS", "Explained", "Kind", "codes", "explained"]

Kind = Literal["invalid", "failed", "waiting", "refused", "warning", "command"]
"""Where a code stands: an INVALID file, an ERROR, a wait, an announcement refused, a warning, a command's end."""

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Explained:
    """A code in words for the person who meets it; ``QA_*`` stands for all codes that begin so."""

    kind: Kind
    code: str
    says: str
    cause: str
    remedy: str


def explained(code: str, *kinds: Kind) -> Explained | None:
    """What the code means, as one of these kinds first, or as any; None for a code of somebody else's."""
    table = _table()
    family = f"{code.partition('_')[0]}_*"
    asked = [(kind, name) for name in (code, family) for kind in (*kinds, *KINDS)]
    return next((table[each] for each in asked if each in table), None)


def codes(*kinds: Kind) -> tuple[Explained, ...]:
    """All codes of these kinds, or of every kind, in the order of the kinds and the alphabet."""
    wanted = kinds or KINDS
    return tuple(sorted((each for each in _table().values() if each.kind in wanted), key=_order))


@cache
def _table() -> dict[tuple[Kind, str], Explained]:
    told = tomllib.loads((files("events") / "codes.toml").read_text("utf-8"))
    strange = set(told) - set(KINDS)
    if strange:
        raise ValueError(f"codes.toml: found {', '.join(sorted(strange))}, wanted {', '.join(KINDS)}")
    return {
        (cast("Kind", kind), code): Explained(cast("Kind", kind), code, **words)
        for kind, table in told.items()
        for code, words in table.items()
    }


def _order(each: Explained) -> tuple[int, str]:
    return KINDS.index(each.kind), each.code
