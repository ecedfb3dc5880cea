"""A process of the auditor: ``python -m service.audit.child``; one job a line in, one result a line out."""

import gc
import json
import sys

from service.audit.job import Job
from service.audit.partition import run
from service.audit.reach import AwayError, LogAwayError

__all__: list[str] = []


def _main() -> None:
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # as the roles do
    for line in sys.stdin:
        try:
            told = run(Job(**json.loads(line)))
        except AwayError as error:
            told = {"away": "kafka" if isinstance(error, LogAwayError) else "postgresql", "said": str(error)}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    _main()
