"""The newer build that the matrix lets a site go over to: it reads what this one wrote, and not the other way."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from events.envelope import decode_record
from events.upcast import UnknownVersionError, upcast
from machines import MACHINES
from service.faults.newer_build import newer_build
from tests.projectors.histories import Desks, a_life

ASKED = """
import json, sys
from events.envelope import decode_record
from events.file import FileNoted
from events.upcast import upcast
from machines import MACHINES
record = decode_record(sys.stdin.buffer.read(), partition=0, offset=0)
print(json.dumps({
    "read": [record.dataschema, upcast(record).dataschema, upcast(record).data],
    "writes": FileNoted.schema_id(),
    "fold": MACHINES["file"].fold_version,
}))
"""


def test_a_newer_build_reads_what_this_one_wrote_and_not_the_other_way_round(tmp_path):
    desks = Desks()
    a_life(desks)
    decision = desks.decide("file", "roman-wfi/r0001", "note", {"text": "clouds"})
    newer = newer_build(tmp_path / "newer")
    done = subprocess.run(
        [sys.executable, "-c", ASKED],
        env={**os.environ, "PYTHONPATH": str(newer), "PYTHONSAFEPATH": "1"},
        input=decision.value,
        capture_output=True,
        check=True,
        cwd=tmp_path,
    )
    told = json.loads(done.stdout)
    assert told["read"] == ["/schemas/file.noted/1", "/schemas/file.noted/2", {"text": "clouds"}]
    assert told["fold"] > MACHINES["file"].fold_version
    record = decode_record(decision.value, partition=0, offset=0)
    with pytest.raises(UnknownVersionError, match="update the software"):
        upcast(replace(record, dataschema=told["writes"]))
