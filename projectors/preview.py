"""One row a version of a file of which a picture was made, or of which none can be."""

from sqlalchemy import BigInteger, Column, Connection, DateTime, Double, Index, Integer, Table, Text, text

from events import file as facts
from events import file_removal as removal
from events.envelope import Record
from projectors.database import metadata
from projectors.projection import Folded, Row

__all__ = ["preview", "preview_of"]

preview = Folded(
    Table(
        "preview",
        metadata,
        Column("file", Text(collation="C"), primary_key=True, comment="<stream>/<logical name>"),
        Column("version", Integer, primary_key=True, autoincrement=False, comment="version of the file"),
        Column("bucket", Text, comment="bucket of the picture; NULL: there is none"),
        Column("object_key", Text, comment="key of the picture; NULL: there is none"),
        Column("size_bytes", BigInteger, comment="bytes of the picture"),
        Column("sha256", Text, comment="hex; of the picture"),
        Column("media_type", Text, comment="such as image/png"),
        Column("width_px", Integer, comment="width of the picture, pixels"),
        Column("height_px", Integer, comment="height of the picture, pixels"),
        Column("images", Integer, comment="images of the file that it shows"),
        Column("left_out", Integer, comment="images of the file that it does not show"),
        Column("stretch", Text, comment="how values became shades"),
        Column("code", Text, comment="why there is none; NULL: there is one"),
        Column("message", Text, comment="why there is none, in words"),
        Column("wall_s", Double, comment="elapsed time of making it, seconds"),
        Column("peak_rss_bytes", BigInteger, comment="largest memory of the process that made it, bytes"),
        Column("made_at", DateTime(timezone=True), nullable=False, comment="UTC; when that was recorded"),
        Index("preview_of_none", "code", postgresql_where=text("code IS NOT NULL")),
        schema="projection",
    )
)  # fmt: skip

_AS_TOLD = ("media_type", "width_px", "height_px", "images", "left_out", "stretch", "code", "message")


@preview.on(facts.FilePreviewed)
def previewed(record: Record) -> Row:
    """The last one stands."""
    told = record.data["preview"]
    stored, usage = told.get("object") or {}, told.get("usage") or {}
    return {
        "file": record.subject,
        "version": record.version,
        "bucket": stored.get("bucket"),
        "object_key": stored.get("key"),
        "size_bytes": stored.get("size_bytes"),
        "sha256": stored.get("sha256"),
        **{name: told.get(name) for name in _AS_TOLD},
        "wall_s": usage.get("wall_s"),
        "peak_rss_bytes": usage.get("peak_rss_bytes"),
        "made_at": record.time,
    }


@preview.on(removal.FileRemoved)
def removed(record: Record) -> Row | None:
    """A picture that has gone is told to be gone; what was in it stays readable."""
    if record.data["what"] != "preview" or not record.data["is_gone"]:
        return None
    return {
        "file": record.subject,
        "version": record.version,
        "bucket": None,
        "object_key": None,
        "size_bytes": None,
        "sha256": None,
        "code": "PREVIEW_REMOVED",
        "message": "it was removed to make room; meridian file reprocess makes it again",
        "made_at": record.time,
    }


def preview_of(connection: Connection, file: str) -> Row | None:
    """Where the picture of a file's newest version lies, or why there is none; under embargo too, which it tells."""
    query = """
        SELECT p.*, COALESCE(s.is_embargoed, false) AS is_embargoed FROM projection.preview p
        LEFT JOIN projection.file_status s ON s.file = p.file
        WHERE p.file = :file ORDER BY p.version DESC LIMIT 1
    """
    row = connection.execute(text(query), {"file": file}).mappings().one_or_none()
    return None if row is None else dict(row)
