"""Pictures of files at work: made when all else is done, kept beside the files, and never a file's undoing."""

from collections.abc import Iterator

import numpy as np
import pytest
from astropy.io import fits
from sqlalchemy import text

from consumers.child import Inspector
from service.cli.errors import AttentionError
from service.cli.file_picture import place_of
from tests.consumers.work_site import WorkSite, running

SKY = np.random.default_rng(3).normal(100, 5, (300, 200)).astype(np.float32)


@pytest.fixture
def site(work_site: WorkSite) -> Iterator[WorkSite]:
    """A site with a stream of FITS files whose pictures are wanted."""
    with Inspector(["any", "fits"]) as inspector:
        inspector.wait_ready()
        work_site.inspector = inspector
        with running(work_site, projector=True):
            work_site.stream("keck", format="fits", previews={"edge_px": 128})
            yield work_site


def placed(site: WorkSite, name: str, *images: np.ndarray) -> str:
    """A file with these images, announced; its subject."""
    path = site.landing / "keck" / name
    site.until(path.parent.exists)
    fits.HDUList([fits.PrimaryHDU(), *map(fits.ImageHDU, images)]).writeto(path)
    return site.announce(path, stream="keck")


def previewed(site: WorkSite, subject: str) -> dict:
    """The word on its picture, once there is one."""
    site.until(lambda: "previewed" in site.types(subject), what=lambda: str(site.types(subject)))
    (record,) = [each for each in site.history(subject) if each.type == "file.previewed"]
    return record.data["preview"]


def test_a_picture_is_made_and_found_by_the_views_unless_the_file_is_not_public(site: WorkSite):
    subject = placed(site, "a.fits", SKY, SKY)
    site.wait(subject, "COMPLETE")
    told = previewed(site, subject)
    assert (told["width_px"], told["height_px"], told["images"]) == (82, 60, 2)
    stored = told["object"]
    assert stored["key"].startswith("previews/keck/")
    site.storage.get_to_file(stored["bucket"], stored["key"], site.landing / "picture.png")
    assert (site.landing / "picture.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert row(site, subject)["object_key"] == stored["key"]
    site.ask("file.embargo", subject, {}, reason="the owner's wish")
    site.until(lambda: row(site, subject)["is_embargoed"])
    assert (row(site, subject)["object_key"], row(site, subject)["bucket"]) == (None, None)
    with site.engine.connect() as connection:
        with pytest.raises(AttentionError, match="under embargo"):
            place_of(connection, subject, may_see_all=False)
        assert place_of(connection, subject, may_see_all=True) == (stored["bucket"], stored["key"])


def row(site: WorkSite, subject: str) -> dict:
    query = text("SELECT * FROM v1.preview WHERE file = :file")
    with site.engine.connect() as connection:
        found = site.until(lambda: connection.execute(query, {"file": subject}).mappings().one_or_none())
        return dict(found)


@pytest.mark.parametrize(
    ("images", "code", "stretch"),
    [
        ((), "NOTHING_TO_SHOW", None),
        ((np.full((20, 30), np.nan),), None, "no finite value"),
        ((np.full((20, 30), np.inf),), None, "no finite value"),
        ((np.full((20, 30), 7, np.int16),), None, "all 7"),
    ],
    ids=["no image", "all NaN", "all infinite", "constant"],
)
def test_a_file_is_complete_whatever_its_picture_comes_to(site: WorkSite, images, code, stretch):
    subject = placed(site, "a.fits", *images)
    site.wait(subject, "COMPLETE")
    told = previewed(site, subject)
    assert told.get("code") == code
    assert (stretch or "") in (told.get("stretch") or "")
    assert site.state(subject) == "COMPLETE"


def test_a_picture_is_made_from_the_archive_where_the_source_has_gone(site: WorkSite):
    with site.engine.begin() as connection:  # nobody looks for pictures while two are under way
        connection.execute(_TWO_UNDER_WAY)
    subject = placed(site, "a.fits", SKY)
    site.wait(subject, "COMPLETE")
    (site.landing / "keck" / "a.fits").unlink()
    with site.engine.begin() as connection:
        connection.execute(text("DELETE FROM work.item WHERE subject = 'other/x'"))
    assert previewed(site, subject)["images"] == 1


_TWO_UNDER_WAY = text("""
    INSERT INTO work.item (event_id, effect, lane, subject, stream, sequence, work_class, priority, queued_at,
                           created_at, state, report_id, payload, lease_owner, lease_epoch, lease_until)
    SELECT gen_random_uuid(), 'preview', 'previews', 'other/x', 'other', n, 'normal', 0, now(), now(), 'leased',
           gen_random_uuid(), '{}', 'somebody', 1, now() + interval '1 min'
    FROM generate_series(1, 2) AS n
""")
