"""Kafka, PostgreSQL and S3 on this machine without containers, as supervised children of one process.

`local` starts, stops and asks; `doctor` says what is wrong and what would help; the rest is how.
"""

from service.stack.endpoints import Endpoints, S3Access
from service.stack.failure import StackError

__all__ = ["Endpoints", "S3Access", "StackError"]
