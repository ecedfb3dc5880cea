"""A site with a short past, audited again and again: what goes wrong is made to go wrong by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from consumers.child import Inspector
from consumers.storage import Storage
from events.kafka_log import KafkaLog
from events.topics import Topics
from projectors.database import make_engine
from service.settings import load
from service.wiring import Wiring
from tests.consumers.work_site import WorkSite
from tests.service.audit.past import Past


@pytest.fixture(scope="session")
def inspector() -> Iterator[Inspector]:
    """Children that read files of any kind."""
    with Inspector(["any"]) as inspector:
        inspector.wait_ready()
        yield inspector


@pytest.fixture
def past(kafka, postgres, s3, site, inspector, tmp_path: Path) -> Iterator[Past]:
    """Decider, dispatch, projector and workers have done their work and are gone."""
    settings = load(
        site=site, kafka=kafka, database=postgres, s3_endpoint=s3.endpoint, s3_access_key=s3.access_key,
        s3_secret_key=s3.secret_key, s3_region=s3.region, s3_bucket=s3.bucket, data=tmp_path,
    )  # fmt: skip
    engine, logs = make_engine(postgres, "test", pool_size=20), KafkaLog(kafka)
    storage = Storage(
        endpoint=s3.endpoint, access_key=s3.access_key, secret_key=s3.secret_key, region=s3.region, attempts=1
    )
    work = WorkSite(engine, logs, Topics(site), storage, s3.bucket, inspector, tmp_path)
    yield Past.lived(work, Wiring.of(settings, program="test"))
    engine.dispose()
    logs.close()
