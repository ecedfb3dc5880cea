"""What people query: the ledger folded into tables, one module a read model."""

from projectors.attempt import attempt
from projectors.file_metadata import file_metadata
from projectors.file_status import file_status
from projectors.file_version import file_version
from projectors.qa_value import qa_value
from projectors.stream_status import stream_status
from projectors.warning import warning

__all__ = ["PROJECTIONS"]

PROJECTIONS = (file_status, file_version, file_metadata, attempt, qa_value, warning, stream_status)
"""Folded by the projector, beside ``ledger``, which holds every record as it stands."""
