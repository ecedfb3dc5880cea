"""What is published, and the metadata store that has to acknowledge it: the same asked twice is done once."""

import orjson
import pytest

from consumers.failures import Failed, Wait
from consumers.portal import Portal
from consumers.publication import Archived, Publication, encoded
from tests.consumers.portal_server import portal_server

KNOWN = {
    "program": "id.118.visp",
    "claimant": "ann",
    "orcid": "0000-0002-1825-0097",
    "inputs": ["BBBB", "AAAA"],
    "outputs": [{"name": "inv.fits", "uri": "s3://scratch/inv.fits", "sha256": "a" * 64, "size_bytes": 8}],
    "software": {"repository": "https://example.org/inv", "commit": "1234567"},
    "embargo": {"is_embargoed": True},
    "since": "2026-11-21T05:00:00.000Z",
    "publication": 1,
}


def made(**other):
    known = {**KNOWN, **other.pop("known", {})}
    return Publication("eid_1_118", 3, known, **{"prefix": "published/", "doi_prefix": "10.1234", **other})


@pytest.fixture
def store():
    with portal_server() as store:
        yield store


def test_keys_follow_from_ids_and_bytes_alone():
    one = made()
    (output,) = one.outputs
    assert one.key_of(output) == f"published/eid_1_118/id.118.visp/attempt-0003/{'a' * 16}/inv.fits"
    other = output.model_copy(update={"sha256": "b" * 64})
    assert one.key_of(other) != one.key_of(output)
    assert made().document_key("manifest", b"x") == one.document_key("manifest", b"x")
    assert made(known={"publication": 2}).document_key("manifest", b"x") != one.document_key("manifest", b"x")


@pytest.mark.parametrize("name", ["../../x", "a/b", "", "x" * 300, "a b", ".."])
def test_no_name_leads_out_of_its_folder(name):
    one = Publication(name, 1, {**KNOWN, "program": name})
    steps = one.key_of(one.outputs[0].model_copy(update={"name": name or "x"})).split("/")
    assert len(steps) == 5
    assert not {"", ".", ".."} & set(steps)


def test_documents_of_the_same_facts_are_the_same_bytes():
    archived = [Archived("b", "product", "k2", 2, "b" * 64), Archived("a", "product", "k1", 1, "a" * 64)]
    one = made().manifest(archived, bucket="archive", provenance={"uri": "u", "sha256": "s"})
    other = made().manifest(archived[::-1], bucket="archive", provenance={"uri": "u", "sha256": "s"})
    assert encoded(one) == encoded(other)
    assert [each["name"] for each in orjson.loads(encoded(one))["objects"]] == ["a", "b"]
    assert made().provenance()["inputs"]["datasets"] == ["AAAA", "BBBB"]


def test_an_embargo_without_an_end_is_announced_as_one():
    told = made().announcement(replaces=None)
    assert (told["isEmbargoed"], told["embargoEndDate"]) == (True, None)


def test_the_draft_of_a_doi_registers_nothing():
    attributes = made().doi_draft()["data"]["attributes"]
    assert attributes["doi"] == "10.1234/eid_1_118.3"
    assert "event" not in attributes
    assert attributes["creators"][0]["nameIdentifiers"][0]["nameIdentifier"].endswith(KNOWN["orcid"])
    assert made(doi_prefix=None).identifier is None


def test_announced_twice_it_is_shown_once(store):
    portal, one = Portal(store.url), made()
    first = portal.announce(one.announcement(replaces=None), key=one.key_for("announce"))
    assert portal.announce(one.announcement(replaces=None), key=one.key_for("announce")) == first
    assert list(store.shown) == [first]


def test_an_answer_that_is_lost_is_asked_for_again_and_nothing_is_doubled(store):
    portal, one = Portal(store.url), made()
    store.faults = [None]
    with pytest.raises(Wait) as waiting:
        portal.announce(one.announcement(replaces=None), key=one.key_for("announce"))
    assert waiting.value.dependency == "portal"
    portal.announce(one.announcement(replaces=None), key=one.key_for("announce"))
    assert len(store.shown) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ((503, b"busy"), Wait, "PORTAL_UNAVAILABLE"),
        ((429, b"slow down"), Wait, "PORTAL_UNAVAILABLE"),
        ((422, b"no such instrument"), Failed, "PORTAL_REFUSED"),
        ((501, b"no such method"), Failed, "PORTAL_REFUSED"),
        ((301, b""), Failed, "PORTAL_REFUSED"),
        ((200, b"<html>"), Failed, "PORTAL_UNCLEAR"),
        ((200, b"{}"), Failed, "PORTAL_UNCLEAR"),
        ((200, b""), Failed, "PORTAL_UNCLEAR"),
    ],
)
def test_what_the_store_answers_says_what_to_do(store, fault, kind, code):
    store.faults = [fault]
    with pytest.raises(kind) as raised:
        Portal(store.url).announce({}, key="k")
    assert raised.value.code == code
    assert fault[1].decode() in raised.value.message


def test_a_store_that_is_not_there_is_waited_for():
    with pytest.raises(Wait, match="no answer"):
        Portal("http://127.0.0.1:9/api").announce({}, key="k")


def test_a_place_that_is_no_store_is_told_at_once():
    with pytest.raises(Failed, match="wanted http"):
        Portal("file:///etc/passwd")
