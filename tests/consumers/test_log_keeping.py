"""The end of a log stands in the fact, and all of a long one in the archive, if that is there."""

from consumers.effects.log_keeping import IN_FACT_BYTES, with_log_kept
from consumers.storage import Storage
from consumers.tools import Tools
from events.types import Usage
from tests.consumers.test_effects import an_item, tools

__all__ = ["tools"]

LONG = "é line\n" * 5000


def kept(tools: Tools, log: str | None) -> Usage:
    item = an_item("ingest", "file:///a.dat")
    return with_log_kept(Usage(log_tail=log), item, tools, tools.configurations.of("roman", 1))


def test_a_short_log_stands_in_the_fact_alone(tools: Tools):
    for log in (None, "", "a word\n", "x" * IN_FACT_BYTES):
        found = kept(tools, log)
        assert (found.log_tail, found.log_object) == (log, None)


def test_a_long_log_stands_in_the_archive_whole(tools: Tools):
    found = kept(tools, LONG)
    assert len((found.log_tail or "").encode()) <= IN_FACT_BYTES
    assert LONG.endswith(found.log_tail or "")
    assert (found.log_object or "").startswith(f"s3://{tools.bucket}/logs/roman/")
    key = (found.log_object or "").removeprefix(f"s3://{tools.bucket}/")
    path = tools.staging_dir / "log"
    tools.storage.get_to_file(tools.bucket, key, path)
    assert path.read_text() == LONG
    assert kept(tools, LONG) == found


def test_without_an_archive_a_report_does_not_wait_for_its_log(tools: Tools):
    away = Storage(endpoint="http://127.0.0.1:9", access_key="a", secret_key="b", attempts=1)
    object.__setattr__(tools, "storage", away)
    found = kept(tools, LONG)
    assert found.log_object is None
    assert LONG.endswith(found.log_tail or "x")
