"""A disk that is really full, below the staging folder: copying stops, nothing is lost, and it resumes by itself."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.readings import LiveReadings
from service.faults.tmpfs import Ballast, lay_over, take_away, why_not_here
from tests.consumers.test_room import pauses
from tests.consumers.work_site import WorkSite, running, sha256_of

MIB = 1024 * 1024
DISK, SMALL, LARGE = 64 * MIB, 1 * MIB, 8 * MIB


@pytest.fixture
def staging(work_site: WorkSite) -> Iterator[Path]:
    """The staging folder on a disk of its own, of 64 MiB."""
    reason = why_not_here()
    if reason is not None:
        pytest.skip(reason)
    folder = work_site.landing / ".staging"
    folder.mkdir()
    lay_over(folder, size_bytes=DISK)
    yield folder
    take_away(folder)


def in_the_store(site: WorkSite, name: str, size: int) -> str:
    """An object that has to be fetched through the staging folder."""
    content = os.urandom(size)
    path = site.landing / "made.dat"
    path.write_bytes(content)
    site.storage.put_file(
        path, bucket=site.bucket, key=f"landing/{name}", sha256=sha256_of(content), size_bytes=size
    )
    return f"s3://{site.bucket}/landing/{name}"


def announce(site: WorkSite, name: str, size: int, *, priority: str = "live") -> str:
    data = {
        "content": {"uri": in_the_store(site, name, size), "size_bytes": size},
        "witness": f"t/0/{name}", "stream_version": 2, "priority": priority,
    }  # fmt: skip
    site.ask("file.arrive", f"roman/{name}", data)
    return f"roman/{name}"


def test_copying_stops_while_the_disk_is_full_and_what_was_announced_is_archived_once_it_is_not(
    work_site: WorkSite, staging: Path
):
    ballast = Ballast(staging)
    with running(work_site, worker=False) as site:
        site.stream_from_store()
        ballast.fill(spare_bytes=int(DISK * 0.12))
        site.start_worker(readings=LiveReadings([staging]))
        late, live = announce(site, "late", SMALL, priority="catch-up"), announce(site, "live", SMALL)
        site.wait(live, "COMPLETE")
        site.until(lambda: "catch-up" in pauses(site), what=lambda: str(pauses(site)))
        assert site.types(late) == ["arrived"], "from 85 % on only what comes live is taken"

        ballast.fill(spare_bytes=int(DISK * 0.03))
        site.until(lambda: "copying" in pauses(site), what=lambda: str(pauses(site)))
        waiting = [announce(site, f"w{number}", SMALL) for number in range(3)]
        site.until(lambda: all(site.types(each) == ["arrived"] for each in waiting))
        assert sum(each.stat().st_size for each in staging.rglob("*") if each.is_file()) < DISK

        ballast.drop()
        for subject in (*waiting, late):
            site.wait(subject, "COMPLETE")
        site.until(lambda: not pauses(site), what=lambda: str(pauses(site)))


def test_a_file_that_no_longer_fits_while_it_is_fetched_waits_and_is_archived_whole(
    work_site: WorkSite, staging: Path
):
    """The reading says 90 %: less is free than the file takes, and nobody knows before the last byte."""
    ballast = Ballast(staging)
    with running(work_site, worker=False) as site:
        site.stream_from_store()
        ballast.fill(spare_bytes=int(DISK * 0.1))
        site.start_worker(readings=LiveReadings([staging]))
        large = announce(site, "large", LARGE)
        site.until(lambda: "started" in site.types(large), what=lambda: str(site.types(large)))
        site.until(lambda: has_waited(site), what=lambda: str(site.types(large)))
        left = [each for each in staging.rglob("*") if each.is_file() and each.name != "ballast"]
        assert sum(each.stat().st_size for each in left) == 0, "what was half fetched takes no room"
        assert site.state(large) not in {"INVALID", "COMPLETE"}

        ballast.drop()
        site.wait(large, "COMPLETE", timeout_s=40.0)
        assert site.history(large)[-1].tostate == "COMPLETE"


def has_waited(site: WorkSite) -> bool:
    """The store's answer was no fault of the file: its work waits, or has failed and is tried again."""
    from sqlalchemy import text

    with site.engine.connect() as connection:
        query = text(
            "SELECT count(*) FROM work.item WHERE last_code IS NOT NULL OR state = 'open' AND due_at > now()"
        )
        return bool(connection.scalar(query))
