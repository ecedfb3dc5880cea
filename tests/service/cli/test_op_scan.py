"""``meridian op scan`` on real servers: what a catalogue says is recorded once, and exactly what changed after that."""

import copy
import json
import time
import tomllib

import pytest

from consumers.homes import Homes
from events.op_requests import ReadyOp
from service.cli.errors import ATTENTION, FINE, WRONG_USE
from service.roles import run_projector
from tests.consumers.catalogue.making import a_record, records, write_catalogue
from tests.consumers.catalogue.store_server import Store, running
from tests.service.cli.a_site import STREAM
from tests.service.cli.command_line import meridian

OPS = [f"eid_1_{n}_opX_R001.{n}" for n in range(3)]


@pytest.fixture
def scanned(capsys, tmp_path):
    def scan(found, *more, **beside):
        path = write_catalogue(tmp_path / "datasets.json", found, **beside)
        return meridian(capsys, "op", "scan", str(path), *more)

    return scan


@pytest.fixture
def recorded(site_running):
    """Types of all records of an OP, once the views have them."""

    def types(op):
        from service.scanning import known

        list(known(site_running.client))
        with site_running.client.engine.connect() as connection:
            query = "SELECT type FROM v1.ledger WHERE machine = 'op' AND subject = %s ORDER BY sequence"
            return list(connection.exec_driver_sql(query, (op,)).scalars())

    return types


def test_a_catalogue_is_recorded_once_and_then_exactly_what_changed(site_running, scanned, recorded, capsys):
    before = records(3)
    dry = scanned(before, "--dry-run", "-o", "json")
    assert (dry.code, json.loads(dry.out)["counts"]["ops_new"]) == (FINE, 3)
    first = scanned(before)
    assert (first.code, "3 requests: 3 accepted" in first.err) == (FINE, True), first
    second = scanned(before)
    assert (second.code, second.out) == (FINE, "")
    assert "12 datasets of 3 OPs seen; nothing differs from what is known" in second.err
    assert [recorded(op) for op in OPS] == [["op.discovered"]] * 3

    after = copy.deepcopy(before)
    after[0]["aoLocked"] = 300
    after[4]["updateDate"] = "2024-01-01T00:00:00"
    del after[8]
    after.append(a_record("NEW", op=OPS[2], program="id.2.9", frameCount=0))
    changed = scanned(after, "-o", "json")
    rows = {row["op"]: row for row in json.loads(changed.out)["ops"]}
    assert rows[OPS[0]]["members"] == ["ao_locked"]
    assert (rows[OPS[0]]["changed"], rows[OPS[1]]["metadata"]) == (1, 1)
    assert (rows[OPS[2]]["added"], rows[OPS[2]]["gone_datasets"]) == (1, [before[8]["datasetId"]])
    assert "data.datasetInventories[11] (NEW): frameCount: found 0, wanted" in changed.err
    assert "4 requests: 4 accepted" in changed.err
    assert "nothing differs" in scanned(after).err
    assert recorded(OPS[0]) == ["op.discovered", "op.datasets_changed"]
    assert recorded(OPS[1]) == ["op.discovered", "op.metadata_changed"]

    cut = scanned(after[:-4], errors=[{"message": "shard 3 is away"}])
    assert cut.code == ATTENTION
    assert "not seen:" in cut.err
    assert "shard 3 is away" in cut.err
    assert "4 datasets known and not seen: not called gone" in cut.err
    assert len(recorded(OPS[2])) == 3

    history = json.loads(meridian(capsys, "op", "history", OPS[0], "-o", "json").out)
    assert [row["told"] for row in history] == [
        "4 datasets, id.0.0 Discovered, id.0.1 Discovered", "1 changed, id.0.0 Discovered",
    ]  # fmt: skip
    unknown = meridian(capsys, "op", "history", "eid_9")
    assert (unknown.code, "nothing is known of the observing program eid_9" in unknown.err) == (
        ATTENTION,
        True,
    )


def test_more_than_a_tenth_re_opened_stops_and_asks(site_running, scanned, recorded):
    before = records(3)
    assert scanned(before).code == FINE
    site_running.asks(OPS[1], ReadyOp(by="operator"))
    after = copy.deepcopy(before)
    for each in after[:8]:
        each["aoLocked"] = 0
    stopped = scanned(after)
    assert stopped.code == ATTENTION
    assert "would re-open 1 of 3 OPs (33 %), wanted at most 10 %" in stopped.err
    assert "nothing was asked: the same with --confirm 1 goes on" in stopped.err
    assert "--confirm" in scanned(after, "--confirm", "0").err
    assert recorded(OPS[0]) == ["op.discovered"]
    assert scanned(after, "--confirm", "1").code == FINE
    assert recorded(OPS[1])[-2:] == ["op.readiness_closed", "op.datasets_changed"]


def test_what_a_server_says_has_not_changed_is_not_sent_again(site_running, capsys):
    with running(Store(records(3))) as store:

        def scanned(*more):
            store.statuses.clear()
            said = meridian(capsys, "op", "scan", store.url, "--page-size", "5", *more)
            assert said.code == FINE, said
            return said.err, set(store.statuses)

        assert "12 datasets added" in scanned("--dry-run")[0]
        told, statuses = scanned()
        assert ("12 datasets added" in told, statuses) == (True, {200}), "a dry run has recorded nothing"
        told, statuses = scanned()
        assert ("its server says that nothing has changed" in told, statuses) == (True, {304})
        told, statuses = scanned("--again")
        assert ("nothing differs from what is known" in told, statuses) == (True, {200})
        store.records[0]["aoLocked"] = 3
        told, statuses = scanned()
        assert ("1 changed OP, 1 dataset changed" in told, 200 in statuses) == (True, True)
        assert scanned()[1] == {304}


def test_another_catalogue_says_nothing_of_what_this_one_told(site_running, scanned, tmp_path, capsys):
    first, second = records(2), [a_record("ELSEWHERE", op="eid_9_opY_R001.9", program="id.9")]
    assert scanned(first).code == FINE
    other = write_catalogue(tmp_path / "other.json", second)
    said = meridian(capsys, "op", "scan", str(other))
    assert (said.code, "1 new OP, 1 dataset added" in said.err) == (FINE, True), said
    place = str(tmp_path / "datasets.json")
    assert f"8 datasets that {place} told of and this has not: not called gone; --in-place-of" in said.err
    taken = meridian(capsys, "op", "scan", str(other), "--in-place-of", place, "--dry-run", "-o", "json")
    counts = json.loads(taken.out)["counts"]
    assert (counts["gone"], counts["ops_changed"]) == (8, 2)
    assert "nothing differs" in scanned(first).err


def test_an_endpoint_is_scanned_and_views_that_lag_are_waited_for_in_vain(site_running, capsys, monkeypatch):
    with running(Store(records(3))) as store:
        first = meridian(capsys, "op", "scan", store.url, "--page-size", "5")
        assert (first.code, "12 datasets added" in first.err) == (FINE, True), first
        assert "nothing differs" in meridian(capsys, "op", "scan", store.url, "--document").err
        named = store.url.replace("//", "//ada:secret@")
        refused = meridian(capsys, "op", "scan", named)
        assert (refused.code, "secret" in refused.err) == (WRONG_USE, False)
        site_running.stop(run_projector)
        site_running.asks(OPS[0], ReadyOp(by="operator"))
        monkeypatch.setattr("service.scanning.VIEWS_WITHIN_S", 0.5)
        behind = meridian(capsys, "op", "scan", store.url)
        assert "wanted all of them: see meridian status whether a projector runs" in behind.err


def test_what_counts_is_what_the_criteria_in_force_read(site_running, scanned, tmp_path, capsys):
    before = records(1)
    after = copy.deepcopy(before)
    after[0]["aoLocked"] = 300
    assert scanned(before).code == FINE
    shipped = scanned(after, "--dry-run", "-o", "json")
    assert json.loads(shipped.out)["counts"]["changed"] == 1
    seeing = {
        "name": "seeing", "metric": "fried_parameter_median_m", "comparison": ">=", "threshold": 0.1,
        "scope": "each dataset",
    }  # fmt: skip
    members = {"name": "visp", "version": 2, "instruments": ["VISP"], "criterion": [seeing]}
    home = {
        **tomllib.loads(STREAM),
        "programs": {"criteria": [{"name": "visp", "version": 2, "members": members}]},
    }
    path = tmp_path / "home.json"
    path.write_text(json.dumps(home))
    assert meridian(capsys, "stream", "apply", str(path)).code == FINE
    until = time.monotonic() + 30
    while Homes(site_running.client.engine).now().stream is None and time.monotonic() < until:
        time.sleep(0.2)
    in_force = scanned(after, "--dry-run", "-o", "json")
    counts = json.loads(in_force.out)["counts"]
    assert (counts["changed"], counts["metadata_changed"]) == (0, 1)
