"""Records as they were ever written make rows by today's folds: a member that came later is missing in them."""

import pytest

from events.envelope import decode_record
from events.upcast import upcast
from projectors.folding import Folds
from projectors.projection import Key, Row
from projectors.read_models import LIVE
from tests.events.histories.stored import FOLDER

# Of identities there are no rows: who asks for one asks the machine.
FOLDS = Folds(LIVE)
PATHS = sorted(path for path in FOLDER.glob("*.ndjson") if not path.name.startswith("identity."))


@pytest.mark.parametrize("path", PATHS, ids=[path.name for path in PATHS])
def test_every_record_ever_written_is_folded_by_every_projection_of_it(path):
    made = 0
    for offset, value in enumerate(path.read_bytes().splitlines()):
        record = upcast(decode_record(value, partition=0, offset=offset))
        folded, appended = FOLDS.of.get(record.type, ((), ()))
        for projection in folded:
            rows: dict[Key, Row] = {}
            projection.fold(record, rows)
            made += len(rows)
        made += sum(len(list(listing.rows(record))) for listing in appended)
    assert made > 0
