"""Writes the good files of each stream, and those of observing programs, each in a process of its own, side by side."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from datetime import date
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile

from service.demo.streams import DKIST, KECK, ROMAN

__all__ = ["CATALOGUE", "PROGRAMS", "PROGRAM_FRAMES", "NotMadeError", "make_files"]

PROGRAMS = "frames"
"""Instead of a stream: the frames of the observing programs, below a folder for each of their datasets."""

PROGRAM_FRAMES = 16
CATALOGUE = "catalogue.json"
"""Beside those folders: what a metadata catalogue has of the datasets."""

WRITERS = {
    ROMAN: "service.demo.roman",
    DKIST: "service.demo.dkist",
    KECK: "service.demo.keck",
    PROGRAMS: "service.demo.program_frames",
}
"""Each imports a large part of its field's software; hence the processes, side by side."""


class NotMadeError(RuntimeError):
    """A stream's files could not be written; the message ends with what the writer said."""


def make_files(
    landing: Path,
    counts: dict[str, int],
    *,
    seed: int,
    night: date,
    full: bool,
    on_file: Callable[[str], None] = lambda _: None,
) -> dict[str, list[Path]]:
    """Write so many files of each stream to ``<landing>/<stream>``; ``on_file`` hears the stream of each."""

    def make(stream: str) -> list[Path]:
        folder = landing / stream
        folder.mkdir(parents=True, exist_ok=True)
        asked = [
            stream,
            str(folder),
            str(seed),
            night.isoformat(),
            str(counts[stream]),
            "full" if full else "small",
        ]
        return _run(asked, lambda: on_file(stream))

    with ThreadPoolExecutor(len(counts)) as pool:
        return dict(zip(counts, pool.map(make, counts), strict=True))


def _run(asked: list[str], on_file: Callable[[], None]) -> list[Path]:
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    # One thread for numerical libraries: three processes share the machine's cores.
    surroundings = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "service.demo.maker", *asked]
    made = []
    with (
        TemporaryFile("w+") as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, env=surroundings) as writer,
    ):
        for line in writer.stdout or ():
            made.append(Path(line.rstrip("\n")))
            on_file()
        if writer.wait() != 0 or len(made) != int(asked[4]):
            said.seek(0)
            raise NotMadeError(
                f"{asked[0]}: {len(made)} of {asked[4]} files written to {asked[1]}\n{said.read()[-2000:]}"
            )
    return made


def _main() -> None:
    stream, folder, seed, night, count, size = sys.argv[1:]
    writer = import_module(WRITERS[stream])
    what = {
        "seed": int(seed),
        "night": date.fromisoformat(night),
        "count": int(count),
        "full": size == "full",
    }
    answers = sys.stdout
    with redirect_stdout(sys.stderr):  # the simulator prints notes of its own
        for path in writer.write(Path(folder), **what):
            print(path, file=answers, flush=True)


if __name__ == "__main__":
    _main()
