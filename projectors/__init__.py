"""What people query: the ledger folded into tables, one module a read model."""

from projectors.attempt import attempt
from projectors.file_metadata import file_metadata
from projectors.file_status import file_status
from projectors.file_version import file_version
from projectors.group_status import group_status
from projectors.manifest_entry import manifest_entry
from projectors.op_attempt import op_attempt
from projectors.op_dataset import op_dataset
from projectors.op_program import op_program
from projectors.op_staged import op_staged
from projectors.op_status import op_status
from projectors.preview import preview
from projectors.qa_value import qa_value
from projectors.stream_status import stream_status
from projectors.warning import warning

__all__ = ["PROJECTIONS"]

PROJECTIONS = (
    file_status, file_version, file_metadata, attempt, qa_value, warning, preview, manifest_entry, stream_status,
    op_status, op_program, op_dataset, op_attempt, op_staged, group_status,
)  # fmt: skip
"""Folded by the projector, beside ``ledger``, which holds every record as it stands."""
