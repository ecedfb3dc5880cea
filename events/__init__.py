"""The vocabulary of Meridian and the log that keeps it. This page imports no I/O."""

from events import (
    file,
    file_manifest,
    file_removal,
    file_requests,
    file_sidecar,
    group,
    identity,
    inbox,
    op,
    op_asks,
    op_attempts,
    op_requests,
    op_staging,
    stream,
)
from events.base import FACTS, REQUESTS, Fact, Request, machine_of
from events.envelope import Record, RequestEnvelope, decode_record, decode_request, encode_request

__all__ = [
    "FACTS",
    "REQUESTS",
    "Fact",
    "Record",
    "Request",
    "RequestEnvelope",
    "decode_record",
    "decode_request",
    "encode_request",
    "file",
    "file_manifest",
    "file_removal",
    "file_requests",
    "file_sidecar",
    "group",
    "identity",
    "inbox",
    "machine_of",
    "op",
    "op_asks",
    "op_attempts",
    "op_requests",
    "op_staging",
    "stream",
]
