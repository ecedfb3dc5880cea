"""A lost credentials.json is noticed, and made anew without losing what the database holds."""

import json
import os
import tempfile
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from service.settings import load
from service.stack import local
from service.stack.checkup import Outcome
from service.stack.failure import StackError
from service.stack.lost_passwords import make_anew, passwords
from service.stack.place import Place


@pytest.fixture
def settings():
    """A stack whose Kafka and S3 are elsewhere: PostgreSQL alone is quick."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("MERIDIAN_")]:
            patch.delenv(name)
        # Not below pytest's own folder, which is private: PostgreSQL's user could not get there if we are root.
        settings = load(
            data=Path(tempfile.mkdtemp(prefix="meridian-lost-")), kafka="elsewhere:9092",
            s3_endpoint="http://elsewhere", s3_access_key="a", s3_secret_key="b",
        )  # fmt: skip
        try:
            yield settings
        finally:
            local.down(settings, erase=True)


def up(settings) -> str:
    return local.up(settings, owner=os.getpid()).database.replace("+psycopg2", "")


def test_before_the_first_start_there_is_nothing_to_lose(settings):
    assert passwords(settings).outcome is Outcome.FINE
    assert "are the database's now" in make_anew(settings)
    assert json.loads(Place(settings.data).credentials_file.read_text())["database_password"]


def test_a_file_that_can_not_be_read_is_named_with_its_way_out(settings):
    place = Place(settings.data)
    place.credentials_file.write_text("{")
    found = passwords(settings)
    assert found.outcome is Outcome.WRONG
    assert "doctor --repair" in found.remedy
    with pytest.raises(StackError, match="doctor --repair"):
        place.credentials()
    assert "credentials.unreadable" in make_anew(settings)
    assert passwords(settings).outcome is Outcome.FINE


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.parametrize("lost", ["gone", "broken", "another's"])
def test_the_database_takes_new_passwords_and_keeps_what_it_holds(settings, lost):
    with closing(psycopg2.connect(up(settings))) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        connection.commit()
    path = Place(settings.data).credentials_file
    with pytest.raises(StackError, match="wanted it stopped"):
        make_anew(settings)
    local.down(settings)
    if lost == "another's":
        path.write_text(json.dumps({**json.loads(path.read_text()), "database_password": "it's-another"}))
    else:
        path.unlink() if lost == "gone" else path.write_text("{")
        assert passwords(settings).outcome is Outcome.WRONG
    if lost == "gone":
        with pytest.raises(StackError, match="doctor --repair"):
            up(settings)
    make_anew(settings)
    with closing(psycopg2.connect(up(settings))) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT answer FROM kept")
        assert cursor.fetchone() == (42,)
