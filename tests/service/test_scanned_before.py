"""What a catalogue's server said is believed only as long as the ledger is the one that has taken its answer."""

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from events.log import TopicSpec
from events.memory_log import MemoryLog
from events.topics import Topics
from service.scanned_before import ScannedBefore

TAGS = {"http://store all 0": '"1"'}
SITES = map("site-{}".format, itertools.count())


class Site:
    """As much of a client as there is to ask: a log of its own, and a folder."""

    def __init__(self, folder, name, *, made_before=()):
        self.topics = Topics(name)
        self.log = MemoryLog()
        self.wiring = SimpleNamespace(topics=self.topics, settings=SimpleNamespace(site=name, data=folder))
        self.log.ensure([TopicSpec(each, 1) for each in made_before])
        self.log.ensure([TopicSpec(self.topics.events("op"), 2)])

    def grows(self, count):
        writer = self.log.writer()
        for each in range(count):
            writer.send(self.topics.events("op"), key=b"op", value=b"%d" % each, partition=0).result(1)

    def before(self, source="http://store", *, significant=("stokes",), **asked):
        client: Any = self
        return ScannedBefore(client, source, significant=significant, asked=asked)


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path, next(SITES))
    site.grows(3)
    site.before().remember(TAGS)
    return site


def test_what_was_remembered_counts_while_the_ledger_only_grows(site):
    site.grows(2)
    assert site.before().validators() == TAGS


@pytest.mark.parametrize(
    "other",
    [
        {"source": "http://another"},
        {"significant": ("stokes", "ao_locked")},
        {"page_size": 10},
    ],
)
def test_another_way_of_asking_or_looking_is_another_catalogue(site, other):
    assert site.before(**other).validators() == {}


def test_a_ledger_that_was_made_anew_or_has_lost_its_end_has_taken_nothing(site, tmp_path):
    anew = Site(tmp_path, site.wiring.settings.site, made_before=["another"])
    anew.grows(9)
    assert anew.before().validators() == {}
    site.log, whole = anew.log, site.log
    assert site.before().validators() == {}
    site.log = whole
    assert site.before().validators() == TAGS


def test_a_ledger_restored_from_an_older_copy_has_to_hear_it_again(site, monkeypatch):
    monkeypatch.setattr("service.scanned_before.ledger_ends", lambda *_: {0: 2, 1: 0})
    assert site.before().validators() == {}


@pytest.mark.parametrize("spoilt", ["", "{}", "[]", '{"terms": 1}', "null"])
def test_a_file_that_makes_no_sense_counts_as_none(site, tmp_path, spoilt):
    (path,) = (tmp_path / "catalogues").iterdir()
    path.write_text(spoilt)
    assert site.before().validators() == {}


def test_what_is_forgotten_is_gone_and_what_has_no_tags_is_not_kept(site, tmp_path):
    site.before().forget()
    site.before().forget()
    site.before("http://untagged").remember({})
    assert (site.before().validators(), list((tmp_path / "catalogues").iterdir())) == ({}, [])
