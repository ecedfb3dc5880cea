"""The demo's metadata store, also as the fault matrix has it: away, or taking in what it gives no answer to."""

import pytest
import requests

from service.demo.metadata_store import metadata_store

PUBLICATION: dict[str, str | int] = {"op": "eid_1", "attempt": 1}


@pytest.fixture
def store():
    with metadata_store() as store:
        yield store


def told(store, key="k1"):
    headers = {"Idempotency-Key": key}
    return requests.post(f"{store.url}/publications", json=PUBLICATION, headers=headers, timeout=10)


def test_what_it_gave_no_answer_to_it_has_taken_in_once(store):
    store.trouble("answer_lost", 2)
    for left in (1, 0):
        with pytest.raises(requests.ConnectionError):
            told(store)
        assert store.troubles_left == left
    assert told(store).json() == {"id": "publication-eid_1-1"}
    assert (store.keys_of("eid_1"), list(store.shown)) == ({"k1"}, ["publication-eid_1-1"])


def test_while_it_is_away_nothing_is_taken_in(store):
    store.trouble("away")
    assert told(store).status_code == 503
    assert (store.shown, store.keys_of("eid_1"), store.troubles_left) == ({}, set(), 0)
    assert told(store).status_code == 201


def test_what_it_shows_may_be_lifted_and_withdrawn_and_nothing_else_is_known_to_it(store):
    shown = told(store).json()["id"]
    place, headers = f"{store.url}/publications/{shown}", {"Idempotency-Key": "k2"}
    lifted = requests.put(f"{place}/embargo", json={"isEmbargoed": False}, headers=headers, timeout=10)
    assert (lifted.status_code, store.shown[shown]["isEmbargoed"]) == (201, False)
    for path in (f"{place}/colour", f"{store.url}/publications/nothing/embargo", f"{store.url}/other"):
        strange = requests.post(path, json={"a": 1}, headers={"Idempotency-Key": path}, timeout=10)
        assert strange.status_code == 404
    gone = {"Idempotency-Key": "k3"}
    assert requests.post(f"{place}/withdrawal", json={"reason": "x"}, headers=gone, timeout=10).ok
    assert store.shown == {}
