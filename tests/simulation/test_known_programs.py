"""Programs that once broke a law, step by step as they were found."""

import pytest

from events.ids import partition_of
from tests.simulation.laws import Laws
from tests.simulation.machine import SiteUnderFire, landing
from tests.simulation.site import PARTITIONS, Site

NAMES = [name for name in map("roman/g{}".format, range(40)) if partition_of(name, PARTITIONS["file"]) == 0][
    :3
]
ENOUGH = 100_000


@pytest.fixture
def site():
    site = Site(landing())
    yield site
    site.end()


def announce(site: Site, name: str, sha256: str) -> None:
    content = {"uri": "file:///x", "size_bytes": 5, "sha256": sha256}
    data = {"content": content, "witness": f"inbox.soc/0/{site.asked}", "stream_version": 1}
    site.ask("file.arrive", name, data)


@pytest.mark.parametrize("calls", range(1, 12))
def test_a_zombie_that_drops_its_snapshots_takes_none_from_its_successor(site, calls):
    """It found one unreadable, stood still, and goes on while the successor takes over, however far that is."""
    laws = Laws(site)
    for name in NAMES:
        announce(site, name, "a" * 64)
    zombie = site.start("decider", 0)
    site.scheduler.proceed(zombie.tasks[0], ENOUGH)
    site.tables["file"].snapshots[0][NAMES[0]] = b"{}"
    announce(site, NAMES[0], "b" * 64)
    while site.scheduler.trace[-1][1] != "forget snapshots":
        site.scheduler.proceed(zombie.tasks[0], 1)
    successor = site.start("decider", 0)
    site.scheduler.proceed(successor.tasks[0], calls)
    site.scheduler.proceed(zombie.tasks[0], 1)
    for name in NAMES:
        announce(site, name, "c" * 64)
    for process in (successor, site.start("decider", 0)):
        for _ in range(5):
            site.scheduler.proceed(process.tasks[0], ENOUGH)
    laws.hold_at_rest(("decider",))
    assert sum(len(partition.records) for partition in laws.partitions) == 7


def test_a_store_that_was_told_to_fail_is_whole_once_the_site_is_to_come_to_rest():
    """Each failure takes a decider a round in which nothing moves, after it has fenced the one that could go on."""
    program = SiteUnderFire()
    program.processes_start(set(range(10)))
    owner = program.site.start("decider", partition_of("roman/f3", PARTITIONS["file"]))
    assert owner.store is not None
    owner.store.failing += ["fails"] * 6
    program.somebody_asks("roman/f3", 0, None)
    program.teardown()
    assert [record.type for each in program.laws.partitions for record, _ in each.records].count(
        "file.registered"
    ) == 1


@pytest.mark.parametrize("calls", range(1, 16))
def test_snapshots_that_are_lost_under_a_living_owner_are_not_taken_for_histories_that_never_were(
    site, calls
):
    """Its session lives on: only the watermark, gone with them, tells it; wherever between two calls it stands."""
    laws = Laws(site)
    for name in NAMES:
        announce(site, name, "a" * 64)
    living = site.start("decider", 0)
    site.scheduler.proceed(living.tasks[0], ENOUGH)
    for name in NAMES:
        announce(site, name, "b" * 64)
    site.scheduler.proceed(living.tasks[0], calls)
    tables = site.tables["file"]
    del tables.snapshots[0], tables.marks[0]
    site.scheduler.proceed(living.tasks[0], ENOUGH)
    successor = site.start("decider", 0)
    for _ in range(5):
        site.scheduler.proceed(successor.tasks[0], ENOUGH)
    laws.hold_at_rest(("decider",))
    assert sum(len(partition.records) for partition in laws.partitions) == 6
