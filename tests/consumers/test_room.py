"""Work and the room there is for it: a whole site, on a machine that is as the test says."""

from sqlalchemy import text

from projectors.health import database_health
from tests.consumers.work_site import WorkSite, running, sha256_of
from tests.told_readings import Told, disk, reading

CONTENT = b"any bytes will do " * 1000
FULL, FILLING = reading(disks=(disk(0.96),)), reading(disks=(disk(0.9),))


def pauses(site: WorkSite) -> set[str]:
    with site.engine.connect() as connection:
        rows = database_health(connection)["workers"]
    return {pause["what"] for row in rows for pause in row["pauses"]}


def test_while_a_disk_is_full_files_are_queued_and_taken_by_themselves_once_there_is_room(
    work_site: WorkSite,
):
    machine = Told(FULL)
    with running(work_site, worker=False) as site:
        site.start_worker(readings=machine)
        subject = site.announce(site.place("a.dat", CONTENT))
        site.until(lambda: pauses(site) == {"copying"}, what=lambda: str(pauses(site)))
        assert site.types(subject) == ["arrived"]
        machine.reading = reading()
        site.wait(subject, "COMPLETE")
        site.until(lambda: pauses(site) == set(), what=lambda: str(pauses(site)))


def test_while_a_disk_is_full_what_makes_room_goes_on(work_site: WorkSite):
    machine = Told()
    with running(work_site, worker=False) as site:
        site.start_worker(readings=machine)
        path = site.place("a.dat", CONTENT)
        subject = site.announce(path)
        site.wait(subject, "COMPLETE")
        machine.reading = FULL
        site.ask("file.remove", subject, {"what": "source"}, reason="the landing is full")
        site.until(lambda: site.types(subject)[-1] == "removed", what=lambda: str(site.types(subject)))
        assert not path.exists()
        assert site.history(subject)[-1].data["is_gone"]
        assert site.state(subject) == "COMPLETE"


def test_while_a_disk_fills_only_live_files_are_taken(work_site: WorkSite):
    machine = Told(FILLING)
    with running(work_site, worker=False) as site:
        for number in range(2):
            site.place(f"{number}.dat", CONTENT + bytes([number]))
        for number, priority in enumerate(("catch-up", "live")):
            content = {"uri": (site.landing / "roman" / f"{number}.dat").as_uri()}
            data = {"content": content, "witness": f"t/0/{number}", "stream_version": 1, "priority": priority}
            site.ask("file.arrive", f"roman/{number}", data)
        site.start_worker(readings=machine)
        site.wait("roman/1", "COMPLETE")
        site.until(lambda: pauses(site) == {"catch-up"}, what=lambda: str(pauses(site)))
        assert site.types("roman/0") == ["arrived"]
        machine.reading = reading()
        site.wait("roman/0", "COMPLETE")


def test_a_worker_that_stops_leaves_no_row_and_no_copies(work_site: WorkSite):
    with running(work_site) as site:
        site.until(lambda: _workers(site) == 1)
        subject = site.announce(site.place("a.dat", CONTENT), sha256=sha256_of(CONTENT))
        site.wait(subject, "COMPLETE")
    assert _workers(work_site) == 0
    assert not any(path.is_file() for path in (work_site.landing / ".staging").rglob("*"))


def _workers(site: WorkSite) -> int:
    with site.engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM work.worker")).scalar_one())
