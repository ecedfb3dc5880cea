"""Partners who get products by Globus: at once, or when an embargo ends, and never before."""

import pytest
from globus_sdk import AccessTokenAuthorizer, TransferClient
from globus_sdk.transport import RetryConfig
from sqlalchemy import text

from tests.consumers.globus_server import globus_server
from tests.consumers.portal_server import portal_server
from tests.consumers.programs_given import OP_ID
from tests.consumers.test_program_site import accepted, at_work, wait_op, with_portal
from tests.consumers.work_site import WorkSite

OURS, THEIRS = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"


@pytest.fixture
def portal():
    with portal_server() as store:
        yield store


@pytest.fixture
def globus():
    with globus_server() as service:
        service.sources["/inv.fits"] = b"inverted"
        yield service


@pytest.fixture
def programs(work_site: WorkSite, globus):
    client = TransferClient(
        base_url=globus.url,
        authorizer=AccessTokenAuthorizer("token"),
        retry_config=RetryConfig(max_retries=0),
    )
    yield at_work(work_site, globus=client)
    work_site.end()


def with_partner(site, portal, **members):
    root = (site.landing / "handed-in").as_uri() + "/"
    with_portal(site, portal, globus={"source": OURS, "source_root": root, "destination": THEIRS, **members})


def published(site, **members):
    accepted(site, **members)
    site.ask("op.publish", OP_ID, {}, attempt=1, actor="publisher")
    wait_op(site, "Published")


def test_what_is_free_is_delivered_while_it_is_published(programs, portal, globus):
    with_partner(programs, portal)
    published(programs)
    assert list(globus.kept.values()) == [b"inverted"]


def test_what_is_embargoed_without_a_date_is_delivered_when_it_is_lifted_and_not_before(
    programs, portal, globus
):
    with_partner(programs, portal)
    published(programs, is_embargoed=True)
    assert globus.asked == [], "nobody may even ask for the transfer"
    (shown,) = portal.shown.values()
    assert shown["isEmbargoed"]
    with programs.engine.connect() as connection:
        waiting = connection.execute(text("SELECT count(*) FROM work.deadline WHERE request = 'op.lift'"))
        assert waiting.scalar_one() == 0, "without a date it never lifts itself"
    programs.ask("op.lift", OP_ID, {}, attempt=1, actor="steward", reason="the paper is out")
    assert programs.until(lambda: list(globus.kept.values()) == [b"inverted"])


def test_a_partner_that_may_see_it_already_gets_it_under_embargo_too(programs, portal, globus):
    with_partner(programs, portal, embargoed=True)
    published(programs, is_embargoed=True)
    assert list(globus.kept.values()) == [b"inverted"]


def test_a_delivery_that_fails_when_the_embargo_ends_is_tried_until_it_stands_there(programs, portal, globus):
    with_partner(programs, portal)
    published(programs, is_embargoed=True)
    globus.faults = [(403, "PermissionDenied")]
    programs.ask("op.lift", OP_ID, {}, attempt=1, actor="steward", reason="the paper is out")

    def look():
        query = text("SELECT state, last_code FROM work.item WHERE effect = 'unveil'")
        with programs.engine.connect() as connection:
            return tuple(connection.execute(query).one_or_none() or ()) == ("open", "GLOBUS_REFUSED")

    programs.until(look)
    with programs.engine.begin() as connection:
        connection.execute(text("UPDATE work.item SET due_at = now() WHERE effect = 'unveil'"))
    assert programs.until(lambda: list(globus.kept.values()) == [b"inverted"])
