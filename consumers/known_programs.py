"""What facts say of observing programs, kept for those who work on them: datasets, programs, attempts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, DateTime, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from consumers.rows import rows_json
from consumers.work_items import UNFINISHED, UNFINISHED_BY_KEY
from events.op_parts import Dataset
from projectors.database import metadata

__all__ = [
    "WHOLE_OP",
    "KnownDataset",
    "KnownPart",
    "attempt_of",
    "datasets_of",
    "keep_datasets",
    "keep_parts",
    "names_of",
    "part_of",
    "parts_of",
    "pass_parts",
    "program_dataset",
    "program_part",
    "programs_after",
]

WHOLE_OP = "op"
"""The part that stands for the observing program as a whole."""

program_dataset = Table(
    "program_dataset",
    metadata,
    Column("subject", Text(collation="C"), primary_key=True, comment="the observing program"),
    Column("dataset", Text(collation="C"), primary_key=True),
    Column("program", Text, nullable=False, comment="the instrument program that it belongs to"),
    Column("told", JSONB, nullable=False, comment="the dataset as the last fact about it has it"),
    Column("is_gone", Boolean, nullable=False, comment="its catalogue no longer has it"),
    Column("sequence", BigInteger, nullable=False, comment="of the last fact about it"),
    schema="work",
)

program_part = Table(
    "program_part",
    metadata,
    Column("subject", Text(collation="C"), primary_key=True, comment="the observing program"),
    Column("part", Text(collation="C"), primary_key=True, comment="op, program:<id> or attempt:<number>"),
    Column("known", JSONB, nullable=False, comment="what effects have to know of it, from its facts"),
    Column("sequence", BigInteger, nullable=False, comment="of the last fact about it"),
    Column("owes_effect", Text, comment="what it waits for since its last fact; NULL: for nothing"),
    Column("owes_since", DateTime(timezone=True)),
    Index("program_part_owes", "owes_since", postgresql_where=text("owes_effect IS NOT NULL")),
    schema="work",
)


@dataclass(frozen=True, slots=True)
class KnownDataset:
    """A dataset with the sequence of the fact that told of it."""

    dataset: Dataset
    sequence: int


@dataclass(frozen=True, slots=True)
class KnownPart:
    """A part of an observing program as its facts have left it."""

    known: dict[str, Any] = field(default_factory=dict)
    sequence: int = 0


def attempt_of(part: str | None) -> int | None:
    """The number of the attempt that a part is; None where it is none."""
    kind, _, number = (part or "").partition(":")
    return int(number) if kind == "attempt" else None


def keep_datasets(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Datasets as facts leave them; the last fact about each counts, in whatever order they are written."""
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = (row["subject"], row["dataset"])
        if key not in newest or newest[key]["sequence"] <= row["sequence"]:
            newest[key] = row
    if newest:
        connection.execute(_KEEP_DATASETS, {"rows": rows_json(newest.values())})


def keep_parts(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """What facts say of parts; members that are left out stay as they are, those that are None are forgotten."""
    folded: dict[tuple[str, str], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda each: each["sequence"]):
        kept = folded.setdefault((row["subject"], row["part"]), {**row, "known": {}})
        kept.update({**row, "known": {**kept["known"], **row["known"]}})
    if folded:
        connection.execute(_KEEP_PARTS, {"rows": rows_json(folded.values())})


def pass_parts(connection: Connection, passed: Iterable[tuple[str, str, int, datetime]]) -> int:
    """Work on a part (subject, part, sequence, time) that earlier facts obliged to is nobody's any more.

    Of several facts of one part the last one closes: an UPDATE that meets two rows takes either.
    """
    last = {(subject, part): (sequence, at) for subject, part, sequence, at in sorted(passed)}
    rows = [
        {"subject": subject, "part": part, "sequence": sequence, "at": at.isoformat()}
        for (subject, part), (sequence, at) in last.items()
    ]
    return connection.execute(_PASS, {"rows": rows_json(rows)}).rowcount if rows else 0


def datasets_of(
    connection: Connection, asked: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[KnownDataset]]:
    """The datasets of these instrument programs (subject, program), each list by dataset."""
    wanted = sorted(set(asked))
    found: dict[tuple[str, str], list[KnownDataset]] = {each: [] for each in wanted}
    if not wanted:
        return found
    rows = [{"subject": subject, "program": program} for subject, program in wanted]
    for row in connection.execute(_DATASETS, {"rows": rows_json(rows)}):
        known = KnownDataset(Dataset.model_validate(row.told), row.sequence)
        found[row.subject, row.program].append(known)
    return found


def names_of(connection: Connection, subject: str, program: str) -> set[str]:
    """Names of all datasets that the program has or has had."""
    return set(connection.execute(_NAMES, {"subject": subject, "program": program}).scalars())


def parts_of(connection: Connection, asked: Iterable[tuple[str, str]]) -> dict[tuple[str, str], KnownPart]:
    """What is known of these parts (subject, part); of one that no fact has spoken of, nothing."""
    wanted = sorted(set(asked))
    rows = [{"subject": subject, "part": part} for subject, part in wanted]
    found = dict.fromkeys(wanted, KnownPart())
    for row in connection.execute(_PARTS, {"rows": rows_json(rows)}) if rows else ():
        found[row.subject, row.part] = KnownPart(row.known, row.sequence)
    return found


def part_of(connection: Connection, subject: str, part: str) -> KnownPart:
    """What is known of a part; of one that no fact has spoken of, nothing."""
    return parts_of(connection, [(subject, part)])[subject, part]


def programs_after(
    connection: Connection, place: tuple[str, str], *, at_most: int
) -> dict[tuple[str, str], KnownPart]:
    """A page of instrument programs (subject, part) that have datasets, in order, behind this place."""
    members = {"subject": place[0], "part": place[1], "at_most": at_most}
    rows = connection.execute(_PAGE, members)
    return {(row.subject, row.part): KnownPart(row.known, row.sequence) for row in rows}


_PAGE = text("""
    SELECT subject, part, known, sequence FROM work.program_part
    WHERE (subject, part) > (:subject, :part) AND part LIKE 'program:%'
        AND CAST(known #>> '{now,cover,datasets}' AS int) > 0
    ORDER BY subject, part LIMIT :at_most
""")

_KEEP_DATASETS = text("""
    INSERT INTO work.program_dataset AS d (subject, dataset, program, told, is_gone, sequence)
    SELECT subject, dataset, program, told, is_gone, sequence
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
         AS r (subject text, dataset text, program text, told jsonb, is_gone boolean, sequence bigint)
    ON CONFLICT (subject, dataset) DO UPDATE SET
        program = excluded.program, told = CASE WHEN NOT excluded.is_gone THEN excluded.told ELSE d.told END,
        is_gone = excluded.is_gone, sequence = excluded.sequence
    WHERE d.sequence <= excluded.sequence
""")

# Those that are there first: what they forget (null) would be lost among the rows that are proposed for insertion.
_KEEP_PARTS = text("""
    WITH r AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb))
            AS r (subject text, part text, known jsonb, sequence bigint, owes_effect text, owes_since timestamptz)),
    there AS (
        UPDATE work.program_part p SET known = jsonb_strip_nulls(p.known || r.known), sequence = r.sequence,
            owes_effect = r.owes_effect, owes_since = r.owes_since
        FROM r WHERE p.subject = r.subject AND p.part = r.part AND p.sequence < r.sequence)
    INSERT INTO work.program_part (subject, part, known, sequence, owes_effect, owes_since)
    SELECT subject, part, jsonb_strip_nulls(known), sequence, owes_effect, owes_since FROM r
    ON CONFLICT (subject, part) DO NOTHING
""")

_PASS = text(f"""
    UPDATE work.item i SET state = 'stale', finished_at = r.at, report = NULL, lease_owner = NULL, lease_until = NULL
    FROM (SELECT f.event_id, f.effect, r.at
          FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (subject text, part text, sequence bigint, at timestamptz)
          CROSS JOIN LATERAL (
              SELECT f.event_id, f.effect FROM work.item f
              WHERE f.subject = r.subject AND f.part = r.part AND f.sequence < r.sequence
                  AND f.{UNFINISHED} OFFSET 0) f OFFSET 0) AS r
    WHERE i.event_id = r.event_id AND i.effect = r.effect
      AND i.{UNFINISHED_BY_KEY}
""")  # noqa: S608 - of constants alone

# One OP after the other, along the key: joined, all datasets there are were read for each hundred programs.
_DATASETS = text("""
    SELECT d.* FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (subject text, program text)
    CROSS JOIN LATERAL (
        SELECT d.subject, d.program, d.dataset, d.told, d.sequence FROM work.program_dataset d
        WHERE d.subject = r.subject AND d.program = r.program AND NOT d.is_gone OFFSET 0) d
    ORDER BY d.subject, d.program, d.dataset
""")

_NAMES = text("SELECT dataset FROM work.program_dataset WHERE subject = :subject AND program = :program")

_PARTS = text("""
    SELECT p.subject, p.part, p.known, p.sequence FROM work.program_part p
    JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (subject text, part text)
        ON p.subject = r.subject AND p.part = r.part
""")
