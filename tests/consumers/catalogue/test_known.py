"""What a scan takes for known is what the machines know, whatever has become of their programs."""

from collections import defaultdict
from typing import Any

import pytest

from consumers.catalogue.known_sql import known_datasets
from consumers.catalogue.record import read_record
from consumers.catalogue.scan import Known, scan
from consumers.catalogue.spool_sql import Spool
from machines.program.dataset import whole_digest
from projectors.database import make_engine
from tests.consumers.catalogue.making import a_record, records
from tests.consumers.catalogue.test_scan import READS, Listed
from tests.consumers.programs_given import wire
from tests.projectors.histories import Desks
from tests.projectors.op_histories import op_histories
from tests.projectors.projected import project


@pytest.fixture
def known(postgres):
    """Reads records into a database's views, and says what is known there then."""
    engine = make_engine(postgres, "test", pool_size=4)

    def read(sealed) -> list[Known]:
        project(engine, sealed)
        with engine.connect() as connection:
            return list(known_datasets(connection))

    yield read
    engine.dispose()


@pytest.mark.parametrize("seed", range(3))
def test_of_random_lives_exactly_the_datasets_are_known_that_the_machine_has(known, seed):
    sealed, ops, _ = op_histories(seed, length=60)
    found = known(sealed)
    assert {each.op_id for each in found} == {name for name, op in ops.items() if op.state.is_known}
    for name, op in ops.items():
        datasets = {
            each.dataset.dataset: each for each in found if each.op_id == name and each.dataset is not None
        }
        machine = {
            dataset: (program, told[0])
            for program in op.programs.values()
            for dataset, told in program.names.items()
        }
        assert {key: (each.dataset.program, each.dataset.digest) for key, each in datasets.items()} == {
            key: (program.name, digest) for key, (program, digest) in machine.items()
        }
        for key, (program, _) in machine.items():
            assert datasets[key].is_closed == (program.is_ready or program.state != "Discovered")


def test_what_was_recorded_is_known_member_by_member_so_that_a_second_scan_finds_nothing(known):
    raws = [*records(4), a_record("ODD", "op-odd", "id.9", exposureTime=2.0, embargoEndDate="2031-01-01T00:00:00.5",
                                  friedParameter=None, boundingBox=None, aoLocked="many")]  # fmt: skip
    desks, told = Desks(), defaultdict[Any, list[Any]](list)
    for raw in raws:
        read = read_record(raw, READS)
        told[read.op_id].append(read.dataset)
    for op, datasets in told.items():
        desks.decide("op", op, "discover", {"source": "a list", "datasets": wire(*datasets)})
    found = known(desks.sealed)
    assert {each.dataset.dataset: whole_digest(each.dataset) for each in found} == {
        each.dataset: whole_digest(each) for datasets in told.values() for each in datasets
    }
    with Spool() as spool:
        again = scan(Listed(raws), found, significant=READS, spool=spool)
        assert (list(again.outlines()), list(again.changes())) == ([], [])


def test_an_op_without_any_dataset_is_known(known):
    desks = Desks()
    desks.decide("op", "op-1", "discover", {"source": "a list"})
    assert known(desks.sealed) == [Known("op-1", None, is_closed=False)]
