"""An exposure with all that comes beside it, from the door to the archive: each by its own format, role and rules."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from consumers.child import Inspector
from consumers.intake import Taken, take
from events.envelope import decode_request
from events.stream import StreamConfiguration
from projectors.stream_rules import StreamRule
from tests.consumers.at_the_door import NOW, a_message, an_event
from tests.consumers.formats.build import KECK_NAME, a_keck_file
from tests.consumers.formats.companions import MD5, jpeg_bytes, sums_bytes, table_bytes, tabs_bytes
from tests.consumers.work_site import RETRY, WorkSite, running

ID = "KB.20190509.07554.57"
FORMATS = ("keck-raw-fits", "koa-metadata-table", "checksum-table", "jpeg")
NAMES = {
    r".*\.metadata\.table": "koa-metadata-table", r".*\.md5sum\.table": "checksum-table", r".*\.jpg": "jpeg",
}  # fmt: skip
ROLES = {
    KECK_NAME: "primary",
    f"{ID}.metadata.table": "sidecar",
    f"{ID}.jpg": "preview",
    "n.md5sum.table": "manifest",
}


@pytest.fixture
def site(work_site: WorkSite) -> Iterator[WorkSite]:
    """A site with Keck's stream: identities, pictures, and formats by name."""
    with Inspector(FORMATS) as inspector:
        inspector.wait_ready()
        work_site.inspector = inspector
        with running(work_site, projector=True):
            work_site.stream("keck", **configured())
            work_site.until((work_site.landing / "keck").exists)
            yield work_site


def configured() -> dict[str, Any]:
    formats = [{"pattern": pattern, "value": name} for pattern, name in NAMES.items()]
    return {"format": "keck-raw-fits", "formats": formats, "identity": "koaid", "previews": {"edge_px": 64}}


def brought(site: WorkSite, path: Path) -> str:
    """Announced as a sender does; the subject that the door gives it."""
    told = {
        "stream": "keck",
        "senders": ["roman-soc"],
        "roots": [f"{(site.landing / 'keck').as_uri()}/"],
        "retry": RETRY,
    }
    rule = StreamRule(
        "keck", "Enabled", False, 1, StreamConfiguration.model_validate({**told, **configured()})
    )
    site.announced += 1
    data = {"stream": "keck", "uri": path.as_uri(), "size_bytes": path.stat().st_size}
    event = an_event(id=f"e{site.announced}", data=data)
    taken = take(a_message(event, offset=site.announced), {"keck": rule}, NOW)
    assert isinstance(taken, Taken), taken
    (asked,) = taken.asked
    site.writer.send(site.topics.requests("file"), key=asked.subject.encode(), value=asked.value)
    assert decode_request(asked.value).subject == asked.subject
    return asked.subject


def placed(site: WorkSite, name: str, content: bytes) -> Path:
    return site.place(name, content, stream="keck")


def test_an_exposure_and_its_companions_are_archived_each_by_its_own_rules(site: WorkSite):
    paths = [
        a_keck_file(site.landing / "keck"),
        placed(site, f"{ID}.metadata.table", tabs_bytes()),
        placed(site, f"{ID}.jpg", jpeg_bytes()),
        placed(site, "n.md5sum.table", sums_bytes(f"{MD5}  {ID}.fits")),
    ]
    subjects = {path.name: brought(site, path) for path in paths}
    assert len(set(subjects.values())) == 4, "four files, not versions of one"
    for subject in subjects.values():
        site.wait(subject, "COMPLETE")
    rows = {row["file"]: row for row in site.until(lambda: _files(site) if len(_files(site)) == 4 else None)}
    assert {name: rows[subject]["role"] for name, subject in subjects.items()} == ROLES
    identities = {name: rows[subject]["identity"] for name, subject in subjects.items()}
    assert {name for name, identity in identities.items() if identity is not None} == {KECK_NAME}
    site.until(lambda: "previewed" in site.types(subjects[KECK_NAME]))
    for name, subject in subjects.items():
        assert ("previewed" in site.types(subject)) is (name == KECK_NAME), name
        assert site.storage.head(rows[subject]["bucket"], rows[subject]["object_key"]) is not None


def test_companions_that_are_damaged_are_invalid_and_their_exposure_is_archived(site: WorkSite):
    good = brought(site, a_keck_file(site.landing / "keck"))
    bad = {
        "UNSAFE_CONTENT": placed(site, f"{ID}.metadata.table", table_bytes(OBJECT="a\x00b")),
        "NOT_THE_FORMAT": placed(site, f"{ID}.jpg", b"<html>502</html>"),
        "DUPLICATE_KEYWORD": placed(
            site, "n.md5sum.table", sums_bytes(f"{MD5}  a.fits", f"{MD5[::-1]}  a.fits")
        ),
    }
    subjects = {code: brought(site, path) for code, path in bad.items()}
    site.wait(good, "COMPLETE")
    for code, subject in subjects.items():
        record = site.wait(subject, "INVALID")
        assert record.data["code"] == code
        aside = record.data["quarantine"]
        assert site.storage.head(aside["bucket"], aside["key"]) is not None


def _files(site: WorkSite) -> list[dict[str, Any]]:
    query = text(
        "SELECT file, role, identity, bucket, object_key FROM v1.file WHERE state = 'COMPLETE' AND stream = 'keck'"
    )
    with site.engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
