"""What there is, live and beside: how far each has read, how large it is, and what can be done with it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from projectors.fold_version import versions_of
from projectors.positions import Key
from projectors.read_models import LIVE, READ_MODELS, ReadModels
from projectors.rebuild_fill import next_offsets
from projectors.rebuild_targets import Target, targets

__all__ = ["Standing", "standing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One schema; ``behind``: offsets of the ledger that live has read and this one has not."""

    schema: str
    kind: str
    state: str
    tables: tuple[str, ...]
    behind: int | None
    rows: int
    size_bytes: int
    fold_versions: tuple[str, ...]
    target: Target | None

    def as_row(self) -> dict[str, Any]:
        """For lists."""
        target = self.target
        return {
            "schema": self.schema,
            "kind": self.kind,
            "state": self.state,
            "read_models": "all" if set(self.tables) == set(READ_MODELS) else list(self.tables),
            "behind": self.behind,
            "rows": self.rows,
            "size_mb": round(self.size_bytes / 1e6),
            "fold_versions": list(self.fold_versions),
            "until": target and target.until_at,
            "owner": target and target.owner,
            "begun_at": target and target.begun_at,
            "filled_at": target and target.filled_at,
            "message": target and target.message,
        }

    def in_words(self) -> list[str]:
        """For people, with what can be done next."""
        behind = "" if self.behind is None else f", {self.behind:,} offsets behind live"
        said = f"{self.schema}: {self.kind}, {self.state}{behind}, {self.rows:,} rows, {self.size_bytes / 1e6:,.0f} MB"
        if self.target is None:
            return [said]
        return [
            said,
            *([f"  found: {self.target.message}"] if self.target.message else []),
            f"  {self._next()}",
        ]

    def _next(self) -> str:
        assert self.target is not None  # noqa: S101 - asked of targets only
        drop = f"meridian projection drop {self.schema}"
        match self.kind, self.state:
            case "standby", "filled":
                return f"next: meridian projection verify, meridian projection swap, or {drop}"
            case "former", "filled":
                return f"next: meridian projection rollback, or {drop}"
            case _, "filling":
                return f"begun by {self.target.owner}; meridian replay goes on with it if that has ended, or {drop}"
            case "past", _:
                return f"views as of {self.target.until_at:%Y-%m-%d %H:%M:%S} UTC: v1_{self.schema}; done: {drop}"
        return f"not fed any more: {drop}, then meridian replay"


def standing(connection: Connection) -> list[Standing]:
    """The live views first."""
    live = next_offsets(connection, LIVE.position)
    return [
        _standing(connection, LIVE, "live", "filled", None, None),
        *(
            _standing(
                connection, each.models, each.kind, each.state, each, None if each.kind == "past" else live
            )
            for each in targets(connection)
        ),
    ]


def _standing(
    connection: Connection,
    models: ReadModels,
    kind: str,
    state: str,
    target: Target | None,
    live: dict[Key, int] | None,
) -> Standing:
    names = [table.name for table in models.tables]
    size = connection.execute(_SIZE, {"schema": models.schema}).one()
    found = {} if live is None else next_offsets(connection, models.position)
    behind = None if live is None else sum(end - found.get(key, 0) for key, end in live.items())
    return Standing(
        schema=models.schema,
        kind=kind,
        state=state,
        tables=tuple(name for name in READ_MODELS if name in models.names),
        behind=behind,
        rows=int(size.rows),
        size_bytes=int(size.bytes),
        fold_versions=tuple(sorted(versions_of(connection, models.schema, names))),
        target=target,
    )


_SIZE = text("""
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bytes,
           coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint AS rows
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = :schema AND c.relkind = 'r'
""")
