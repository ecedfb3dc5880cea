"""Stores a history for what no stored one has: ``python -m tests.events.histories.add``. Changes none that is there.

Run it when a fact is new or has a new version (put the fact into ``lives.py`` first), and when a fold version was
raised on purpose: the states that the histories now fold to are then written down beside those of the older version.
"""

import sys

import orjson

from machines import MACHINES
from tests.events.histories.lives import life_of
from tests.events.histories.stored import FOLDER, KNOWN, known, sums, uncovered


def main() -> None:
    """Store what is missing, and say what was done."""
    said = known() if KNOWN.exists() else {}
    for machine in sorted({name.partition(".")[0] for name, _ in uncovered()}):
        path = next(
            path for number in range(1, 1000) if not (path := FOLDER / f"{machine}.{number}.ndjson").exists()
        )
        path.write_bytes(b"\n".join(life_of(machine)) + b"\n")
        sys.stdout.write(f"stored {path.name}\n")
    for path in sorted(FOLDER.glob("*.ndjson")):
        machine = path.name.partition(".")[0]
        version = str(MACHINES[machine].fold_version)
        as_written, digest = sums(path, machine)
        entry = said.setdefault(path.name, {"machine": machine, "sha256": as_written, "folds_to": {}})
        if version not in entry["folds_to"]:
            entry["folds_to"][version] = digest
            sys.stdout.write(f"{path.name}: folds to {digest[:12]}… by fold version {version}\n")
    KNOWN.write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    if left := uncovered():
        raise SystemExit(
            f"found no record of {left} in lives.py; put them in, remove the new file, and run again"
        )


if __name__ == "__main__":
    main()
