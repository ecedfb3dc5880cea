"""An observing program on real servers, claimed, inverted, reviewed and published; then the auditor looks at it."""

from urllib.parse import urlsplit

import orjson
import pytest

from consumers.storage import Storage
from events.kafka_log import KafkaLog
from events.topics import Topics
from projectors.database import make_engine
from service.settings import load
from service.wiring import Wiring
from tests.consumers.portal_server import portal_server
from tests.consumers.programs_given import OP_ID, dataset
from tests.consumers.test_program_site import LONG_AGO, claim, discover, handed_in, wait_fact, wait_op
from tests.consumers.work_site import RETRY, WorkSite, running, sha256_of
from tests.service.audit.past import Past, offenders


@pytest.fixture
def site_at_work(kafka, postgres, s3, site, inspector, tmp_path):
    """Decider, dispatch, projector and workers, and a metadata store, on real servers."""
    told = {
        "site": site, "kafka": kafka, "database": postgres, "s3_endpoint": s3.endpoint, "s3_region": s3.region,
        "s3_access_key": s3.access_key, "s3_secret_key": s3.secret_key, "s3_bucket": s3.bucket, "data": tmp_path,
    }  # fmt: skip
    engine, logs = make_engine(postgres, "test", pool_size=20), KafkaLog(kafka)
    storage = Storage(
        endpoint=s3.endpoint, access_key=s3.access_key, secret_key=s3.secret_key, region=s3.region, attempts=1
    )
    work = WorkSite(engine, logs, Topics(site), storage, s3.bucket, inspector, tmp_path)
    for folder in ("dkist", "inputs", "work", "handed-in"):
        (tmp_path / folder).mkdir()
    with portal_server() as portal, running(work, projector=True):
        programs = {
            "inputs": (tmp_path / "inputs").as_uri() + "/{dataset}/",
            "work_area": (tmp_path / "work").as_uri(),
            "output_roots": [(tmp_path / "handed-in").as_uri() + "/"],
            "portal": portal.url,
            "doi_prefix": "10.1234",
        }
        work.stream("dkist", programs=programs, retry={**RETRY, "tries": 1})
        work.until(
            lambda: len([each for each in work.records("stream") if each.type == "stream.configured"]) == 2,
            what=lambda: str([(each.subject, each.type, each.data) for each in work.records("stream")]),
        )
        yield Past(work, Wiring.of(load(**told), program="test")), portal
    engine.dispose()
    logs.close()


def test_what_was_published_is_what_the_facts_lead_to_and_anything_else_is_found(site_at_work, tmp_path):
    past, portal = site_at_work
    work = past.work
    (tmp_path / "inputs" / "AAAA").mkdir()
    (tmp_path / "inputs" / "AAAA" / "frame.fits").write_bytes(b"frame")
    values = dict.fromkeys(("health.good", "gos.open", "ao_locked"), 1)
    discover(work, dataset("AAAA", created_at=LONG_AGO, frames=1, values=values))
    wait_op(work, "Preprocessed")
    claim(work)
    handed_in(work)
    wait_op(work, "Inverted")
    work.ask("op.review", OP_ID, {"decision": "accept", "note": "fine"}, attempt=1, actor="bob")
    wait_fact(work, "op.accepted")
    work.ask("op.publish", OP_ID, {}, attempt=1, actor="publisher")
    assert wait_op(work, "Published").data["identifier"] == "10.1234/eid_1_118.1"
    assert len(portal.shown) == 1
    work.until(past.is_quiet, timeout_s=60)
    found = past.audit()
    assert found.raised == {}, offenders(found)
    # product, manifest, provenance and the draft of a DOI, as facts say and as the store has them
    assert found.counters["effects_wrong"].n >= 8

    bucket, manifest = place_of(next(iter(portal.shown.values()))["manifest"]["uri"])
    stray = tmp_path / "stray"
    stray.write_bytes(b"stray")
    put = {"sha256": sha256_of(b"stray"), "size_bytes": 5}
    work.storage.put_file(stray, bucket=bucket, key=manifest.rpartition("/")[0] + "/stray.json", **put)
    assert past.audit().raised == {"effects_wrong": 1}
    path = tmp_path / "manifest.json"
    work.storage.get_to_file(bucket, manifest, path)
    (product,) = orjson.loads(path.read_bytes())["objects"]
    past.sql("DELETE FROM work.item WHERE effect = 'archive'")
    work.storage._client.delete_object(Bucket=bucket, Key=place_of(product["uri"])[1])
    assert past.audit().raised == {"effects_wrong": 2, "lost": 1}


def place_of(uri):
    parts = urlsplit(uri)
    return parts.netloc, parts.path.lstrip("/")
