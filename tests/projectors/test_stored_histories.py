"""Records as they were ever written make rows by today's folds: a member that came later is missing in them."""

import pytest

from events.envelope import decode_record
from events.upcast import upcast
from projectors import PROJECTIONS
from tests.events.histories.stored import FOLDER

# Of identities there are no rows: who asks for one asks the machine.
PATHS = sorted(path for path in FOLDER.glob("*.ndjson") if not path.name.startswith("identity."))


@pytest.mark.parametrize("path", PATHS, ids=[path.name for path in PATHS])
def test_every_record_ever_written_is_folded_by_every_projection_of_it(path):
    rows = 0
    for offset, value in enumerate(path.read_bytes().splitlines()):
        record = upcast(decode_record(value, partition=0, offset=offset))
        folding = [each for each in PROJECTIONS if record.type in each.folds]
        rows += sum(len(each.rows(record)) for each in folding)
    assert rows > 0
