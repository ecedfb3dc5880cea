"""The archive's own registers (schema ``operations``), one table a kind of file; projections never rebuild them."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, Integer, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import UUID

from projectors.database import metadata

__all__ = ["REGISTERS", "l1_file", "l2_file", "raw_file"]


def _register(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("row_id", BigInteger, Identity(always=True), primary_key=True, comment="number of the row"),
        Column("stream", Text, nullable=False, comment="the stream it came by"),
        Column("subject", Text(collation="C"), nullable=False, comment="<stream>/<logical name>"),
        Column("version", Integer, nullable=False, comment="version of the file"),
        Column("bucket", Text, nullable=False, comment="bucket of the object"),
        Column("key", Text, nullable=False, comment="key of the object"),
        Column("size_bytes", BigInteger, nullable=False, comment="bytes; as read in the archive"),
        Column("sha256", Text, nullable=False, comment="hex; of the whole object, as read in the archive"),
        Column("archive_identity", Text, comment="archive identity, such as a KOAID"),
        Column("instrument", Text, comment="instrument as the file names it"),
        Column("obs_start_utc", DateTime(timezone=True), comment="begin of the observation, UTC"),
        Column("registered_by_event", UUID(as_uuid=False), nullable=False, comment="id of the fact it follows from"),
        UniqueConstraint("subject", "version", name=f"{name}_one_version"),
        schema="operations",
    )  # fmt: skip


l2_file = _register("l2_file")
l1_file = _register("l1_file")
raw_file = _register("raw_file")

REGISTERS = {table.fullname: table for table in (l2_file, l1_file, raw_file)}
"""By the name that streams use, such as ``operations.l2_file``."""
