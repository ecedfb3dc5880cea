import json

import pytest

from consumers.catalogue.graphql import GraphqlCatalogue, HttpDocument
from consumers.catalogue.http_answers import Patience
from consumers.catalogue.look import Look
from consumers.catalogue.scan import scan
from consumers.catalogue.spool_sql import Spool
from tests.consumers.catalogue import store_server
from tests.consumers.catalogue.making import records
from tests.consumers.catalogue.store_server import Store, at, running, status, times
from tests.consumers.catalogue.telling import as_known, outcome

PATIENT = Patience(read_s=20, whole_s=30, tries=3, first_pause_s=0.01, longest_pause_s=0.05)
# Time-outs are what these tests are about; the other answers may come late on a busy machine and be asked for again.
HASTY = Patience(read_s=0.3, whole_s=0.6, tries=6, first_pause_s=0.01, longest_pause_s=0.05)
SLOW = {store_server.silent, store_server.dripping}
ALL = records(6)  # 24 datasets


@pytest.fixture
def store():
    with running(Store(list(ALL))) as store:
        yield store


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def catalogue(store, pauses):
    def make(page_size: int | None = 10, kind=GraphqlCatalogue, patience=PATIENT, **options):
        paged = {"page_size": page_size} if kind is GraphqlCatalogue else {}
        return kind(store.url, patience=patience, sleep=pauses.append, **paged, **options)

    return make


def names(source, look) -> list[str]:
    return [each.raw["datasetId"] for each in source.records(look)]


@pytest.mark.parametrize("page_size", [None, 1, 7, 8, 24, 100])
def test_all_records_are_seen_whatever_the_size_of_a_page(catalogue, page_size):
    look = Look()
    assert (names(catalogue(page_size), look), look.gaps) == ([each["datasetId"] for each in ALL], [])


def test_a_document_at_an_address_is_read_too(catalogue):
    look = Look()
    assert len(names(catalogue(kind=HttpDocument), look)) == 24
    assert look.is_whole


@pytest.mark.parametrize("deed", [status(500), status(503), status(429, Retry_After="0.04"), store_server.cut_off,
                                  store_server.cut_off_unseen, store_server.silent, store_server.dripping])  # fmt: skip
@pytest.mark.parametrize("page_size", [None, 10])
def test_what_goes_wrong_once_or_twice_is_asked_again_and_nothing_is_missed(
    store, catalogue, deed, page_size
):
    store.misdeeds = [times(2, deed)]
    look = Look()
    source = catalogue(page_size, patience=HASTY if deed in SLOW else PATIENT)
    assert names(source, look) == [each["datasetId"] for each in ALL]
    assert look.is_whole


def test_pauses_grow_and_are_as_long_as_the_server_asks_within_reason(store, catalogue, pauses):
    store.misdeeds = [times(1, status(503)), times(1, status(429, Retry_After="0.04"))]
    list(catalogue().records(Look()))
    assert pauses == [0.01, 0.04]
    assert Patience(longest_pause_s=60).pause_s(3, None) == 2.0
    assert Patience(longest_pause_s=60).pause_s(1, 86400) == 60


@pytest.mark.parametrize(
    "deed", [status(500), store_server.cut_off, store_server.cut_off_unseen, store_server.silent]
)
def test_a_page_that_never_comes_is_told_and_the_others_are_seen(store, catalogue, deed):
    store.misdeeds = [at(10, deed)]
    look = Look()
    seen = names(catalogue(patience=HASTY if deed in SLOW else PATIENT), look)
    assert seen == [each["datasetId"] for each in ALL[:10] + ALL[20:]]
    assert [gap.where for gap in look.gaps] == [f"{store.url} records 10 to 19"]
    assert "times)" in look.gaps[0].found


def test_a_server_that_is_away_is_not_asked_for_ever(store, catalogue):
    store.misdeeds = [status(500)]
    look = Look()
    assert names(catalogue(), look) == []
    assert len(store.asked) == 9
    assert len(look.gaps) == 3


@pytest.mark.parametrize(
    ("code", "told"), [(403, "check the address"), (302, "name that address"), (404, "status 404")]
)
def test_what_will_not_change_is_not_asked_again(store, catalogue, code, told):
    store.misdeeds = [status(code, Location="http://elsewhere/")]
    look = Look()
    assert names(catalogue(), look) == []
    assert len(store.asked) == 1
    assert told in str(look.gaps[0])


@pytest.mark.parametrize("url", ["gopher://x", "nonsense", "http://127.0.0.1:1/none"])
def test_an_address_that_leads_nowhere_is_a_gap(url):
    look = Look()
    assert list(GraphqlCatalogue(url, patience=PATIENT, sleep=lambda _: None).records(look)) == []
    assert look.gaps


def test_a_store_that_gives_less_at_once_than_asked_is_followed(store, catalogue):
    store.page_of = lambda found, limit, offset: found[offset : offset + min(limit, 4)]
    look = Look()
    assert len(names(catalogue(), look)) == 24
    assert look.is_whole


LIES = {
    "ignores the offset": lambda found, limit, _: found[:limit],
    "ignores limit and offset": lambda found, *_: found,
    "repeats the last of each page": lambda found, limit, offset: found[max(0, offset - 1) : offset + limit],
    "drops one of each page": lambda found, limit, offset: [
        each for n, each in enumerate(found[offset : offset + limit]) if n != 3
    ],
    "goes round in a circle": lambda found, limit, offset: (found * 3)[offset : offset + limit],
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_lies_about_paging_are_noticed_and_nothing_is_called_gone(store, catalogue, lie):
    store.page_of = lie
    known = as_known(ALL)
    with Spool() as spool:
        found = scan(catalogue(), known, significant=(), spool=spool)
        assert found.gaps
        assert outcome(found) == {}


def test_errors_beside_the_records_are_told(store, catalogue):
    store.beside = {"errors": [{"message": "shard 3 did not answer"}]}
    look = Look()
    assert len(names(catalogue(None), look)) == 24
    assert "shard 3" in str(look.gaps[0])


def test_records_left_out_of_the_list_are_found_by_name_and_nothing_is_called_gone(store, catalogue):
    store.hidden = {ALL[3]["datasetId"], ALL[23]["datasetId"]}
    with Spool() as spool:
        found = scan(catalogue(None), as_known(ALL), significant=(), spool=spool)
        assert [gap.where[:10] for gap in found.gaps] == ["2 datasets"]
        assert outcome(found) == {}
        assert found.counts["datasets"] == 24


def test_what_is_gone_by_list_and_by_name_is_gone(store, catalogue):
    store.records = ALL[1:]
    with Spool() as spool:
        found = scan(catalogue(), as_known(ALL), significant=(), spool=spool)
        assert outcome(found) == {ALL[0]["observingProgramExecutionId"]: {"gone": [ALL[0]["datasetId"]]}}
    assert store.asked[-1] == {"ids": [ALL[0]["datasetId"]]}


def test_an_endpoint_that_can_not_be_asked_by_name_is_believed_where_its_list_is_whole(store, catalogue):
    store.records, store.knows_names = ALL[1:], False
    with Spool() as spool:
        assert scan(catalogue(), as_known(ALL), significant=(), spool=spool).counts["gone"] == 1


@pytest.mark.parametrize("deed", [status(500), store_server.cut_off])
@pytest.mark.parametrize("page_size", [None, 10])
def test_a_scan_that_could_not_see_everything_calls_nothing_gone_and_still_sees_what_is_new(
    store, catalogue, deed, page_size
):
    store.records = [*ALL[1:], *records(7)[24:]]
    store.misdeeds = [at(10, deed)] if page_size else [times(99, deed)]
    with Spool() as spool:
        found = scan(catalogue(page_size), as_known(ALL), significant=(), spool=spool)
        assert found.gaps
        assert found.counts["gone"] == 0
        assert found.counts["unseen"] > 0
        assert found.counts["ops_new"] == (1 if page_size else 0)


@pytest.mark.parametrize("kind", [GraphqlCatalogue, HttpDocument])
@pytest.mark.parametrize("page_size", [None, 10])
def test_an_unchanged_catalogue_is_not_sent_again_and_means_nothing_is_gone(
    store, catalogue, kind, page_size
):
    first = Look()
    list(catalogue(page_size, kind).records(first))
    store.statuses.clear()
    with Spool() as spool:
        again = catalogue(page_size, kind, validators=first.validators)
        found = scan(again, as_known(ALL), significant=(), spool=spool)
        assert set(store.statuses) == {304}
        assert found.look.unchanged
        assert (found.gaps, outcome(found), found.question) == ([], {}, None)
        assert found.look.validators == first.validators
    store.records.append(records(7)[24])
    look = Look()
    assert len(names(catalogue(page_size, kind, validators=first.validators), look)) == 25
    assert look.is_whole


def test_a_catalogue_without_tags_on_every_answer_is_read_again(store, catalogue):
    def untagged(store, handler, variables):
        handler.give(200, json.dumps(store.answer(variables)).encode())
        return True

    store.misdeeds = [at(10, untagged)]
    look = Look()
    list(catalogue().records(look))
    assert (look.is_whole, look.validators) == (True, {})
