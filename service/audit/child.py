"""A process of the auditor: ``python -m service.audit.child``; one job a line in, one result a line out."""

import json
import sys

from service.audit.job import Job
from service.audit.partition import run
from service.audit.reach import AwayError, LogAwayError
from service.collecting import collect_seldom, keep_freed

__all__: list[str] = []


def _main() -> None:
    collect_seldom()
    keep_freed()
    for line in sys.stdin:
        try:
            told = run(Job(**json.loads(line)))
        except AwayError as error:
            told = {"away": "kafka" if isinstance(error, LogAwayError) else "postgresql", "said": str(error)}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    _main()
