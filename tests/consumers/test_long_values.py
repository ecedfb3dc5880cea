"""A value that no record takes stands whole in the archive; the warning names column, width and place."""

import json

from consumers.effects.describing import described
from consumers.effects.long_values import kept_whole, saying_where
from consumers.formats.findings import Findings
from consumers.formats.inspection import Inspection
from consumers.formats.metadata import MAX_BEYOND_BYTES, MAX_VALUE_CHARACTERS, Metadata
from consumers.lookups import Lookups
from consumers.tools import Tools
from events.stream import StreamConfiguration
from events.types import WarningFinding
from projectors.file_metadata import WIDTHS
from tests.consumers.test_describing import brief, stream
from tests.consumers.test_effects import an_item, tools

__all__ = ["tools"]

LONG = "é" * 9_999 + "e"


def inspected(**values: object) -> Inspection:
    named = {name: value for name, value in values.items() if name in WIDTHS}
    extra = {name: value for name, value in values.items() if name not in WIDTHS}
    metadata = Metadata(**named, extra=extra)  # type: ignore[arg-type]
    findings = Findings()
    told = metadata.reported(findings)
    return Inspection("ok", metadata=told, beyond=metadata.beyond() or None, warnings=findings.warnings)


def warnings_of(inspection: Inspection) -> tuple[WarningFinding, ...]:
    own = [
        WarningFinding(code=each.code, message=each.message, keyword=each.keyword)
        for each in inspection.warnings
    ]
    more = described(inspection.metadata, brief(), stream(), Lookups(), inspection.beyond)
    return more.beside(own)


def test_what_is_cut_is_whole_beside_it():
    found = inspected(REMARK=LONG, target=LONG, SHORT="x" * MAX_VALUE_CHARACTERS)
    assert found.beyond == {"REMARK": LONG, "target": LONG}
    assert len(found.metadata["extra"]["REMARK"]) == MAX_VALUE_CHARACTERS
    assert inspected(SHORT="x" * MAX_VALUE_CHARACTERS).beyond is None


def test_a_value_that_nobody_meant_is_left_to_the_file():
    found = inspected(A="a" * (MAX_BEYOND_BYTES + 1), B="b" * 9_000, C="\x01" * 400_000)
    assert found.beyond is not None
    assert sorted(found.beyond) == ["B"], "and of control characters JSON takes six bytes each"
    assert len(json.dumps(found.beyond)) < MAX_BEYOND_BYTES


def test_one_warning_says_column_width_and_place(tools: Tools):
    found = inspected(target=LONG, REMARK=LONG, HUGE="x" * (MAX_BEYOND_BYTES + 1))
    item = an_item("ingest", "file:///a.dat")
    stored = kept_whole(found, item, tools, tools.configurations.of("roman", 1))
    assert stored is not None
    assert stored.key.startswith("metadata/roman/")
    path = tools.staging_dir / "whole"
    tools.storage.get_to_file(tools.bucket, stored.key, path)
    assert json.loads(path.read_bytes()) == {"target": LONG, "REMARK": LONG}
    told = {each.keyword: each for each in saying_where(warnings_of(found), found, stored)}
    assert len(told) == 3
    place = f"s3://{stored.bucket}/{stored.key}"
    width = WIDTHS["target"]
    assert told["target"].message.startswith(f"target has 10000 characters and its column takes {width}")
    assert told["target"].message.endswith(f"it stands whole in {place}")
    assert told["target"].wanted == f"at most {width}"
    assert told["REMARK"].message.endswith(f"it stands whole in {place}")
    assert told["HUGE"].message.endswith("it stands whole in the file itself")
    assert kept_whole(found, item, tools, tools.configurations.of("roman", 1)) is not None, (
        "a second time too"
    )


def test_where_nothing_is_copied_the_file_itself_has_it():
    found = inspected(REMARK=LONG)
    nowhere = StreamConfiguration.model_validate({"stream": "keck", "transfer": {"mode": "in_place"}})
    assert kept_whole(found, None, None, nowhere) is None  # type: ignore[arg-type]
    assert kept_whole(inspected(REMARK="short"), None, None, stream()) is None  # type: ignore[arg-type]
    (only,) = saying_where(warnings_of(found), found, None)
    assert only.message.endswith("it stands whole in the file itself")
