"""Coverage-guided fuzzing of our own scanners, with atheris, which is no dependency of ours: made for a desk.

    python3.11 -m venv ../fuzz && ../fuzz/bin/pip install atheris
    export PYTHONPATH=.:$(echo .venv/lib/python3.11/site-packages)
    ../fuzz/bin/python -m tests.consumers.formats.fuzzing fits -max_total_time=120

Targets are ``fits``, ``asdf``, ``tree`` (the YAML of an ASDF file alone), and of companions ``json``, ``table``,
``tabs`` and ``jpeg``; what follows is libFuzzer's. A scanner
ends in a judgement on the file and nothing else: any other exception, and two seconds of processor time, stop the
fuzzer, which leaves the input in the current folder. It becomes a row of the corpus then.
"""

import io
import sys
import time
from collections.abc import Callable
from importlib import import_module

__all__ = ["main"]

TREE = b"#ASDF 1.0.0\n#ASDF_STANDARD 1.6.0\n%YAML 1.1\n--- !core/asdf-1.1.0\n"
AT_MOST_S = 2.0


def main() -> None:
    """Fuzz one target until libFuzzer ends it."""
    atheris = import_module("atheris")
    target, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=["consumers.formats"]):
        scan = scanner(target)

    def judged(content: bytes) -> None:
        began = time.process_time()
        scan(content)
        if time.process_time() - began > AT_MOST_S:
            raise TimeoutError(f"{len(content)} bytes took more than {AT_MOST_S:g} s of processor time")

    atheris.Setup([sys.argv[0], *arguments], judged)
    atheris.Fuzz()


def scanner(target: str) -> Callable[[bytes], str]:
    """What a target makes of the fuzzer's bytes: a code, or ``ok``. Raises KeyError for a target that is none."""
    from consumers.formats.findings import Findings
    from consumers.formats.inspection import InvalidFileError

    module, function, before, after = {
        "fits": ("fits_scan", "scan", b"", b""),
        "asdf": ("asdf_scan", "scan", b"", b""),
        "tree": ("asdf_scan", "scan", TREE, b"\n...\n"),
        "json": ("json_tree", "read_json", b"", b""),
        "table": ("ipac_lines", "read_table", b"|a   |b   |\n", b""),
        "tabs": ("tab_lines", "read_tabs", b"a\tb\n", b""),
        "jpeg": ("jpeg_scan", "scan", b"\xff\xd8\xff", b""),
    }[target]
    look = getattr(import_module(f"consumers.formats.{module}"), function)
    takes_a_file = module in {"fits_scan", "asdf_scan"}

    def judged(content: bytes) -> str:
        whole = before + content + after
        try:
            if takes_a_file:
                look(io.BytesIO(whole), len(whole), Findings())
            else:
                look(whole, Findings())
        except InvalidFileError as invalid:
            if not invalid.message:
                raise
            return invalid.code
        return "ok"

    return judged


if __name__ == "__main__":
    main()
