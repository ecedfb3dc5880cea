"""The house's rules that a machine can check: names, sizes, first lines, and that our packages are ours."""

import ast
import importlib
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("events", "machines", "projectors", "consumers", "schemas", "migrations", "service")
TOP = {
    *PACKAGES,
    "tests",
    "docker-compose.yml",
    "pyproject.toml",
    "README.md",
    "meridian",
    "requirements.in",
    "requirements.lock",
    ".ci",
    ".gitignore",
    ".dockerignore",
}
LINES_AT_MOST = 350
FUNCTION_LINES_AT_MOST = 60


def kept() -> list[Path]:
    """Every file that belongs to the project: known to git, or new and not ignored."""
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).is_file()]


CODE = [path for path in kept() if path.suffix == ".py"]
OURS = [path for path in CODE if path.relative_to(ROOT).parts[0] in PACKAGES]


def test_there_is_code_to_look_at():
    assert len(OURS) > 50


def test_the_top_level_holds_only_what_was_agreed():
    assert {path.relative_to(ROOT).parts[0] for path in kept()} <= TOP


@pytest.mark.parametrize("name", PACKAGES)
def test_our_top_level_packages_are_ours(name):
    """A package on the registry is also called ``events``; whoever installs it must notice here."""
    module = importlib.import_module(name)
    places = [module.__file__] if module.__file__ else list(module.__path__)
    assert all(str(place).startswith(str(ROOT)) for place in places)


def test_no_file_is_longer_than_one_idea():
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in OURS}
    assert {name: lines for name, lines in long.items() if lines > LINES_AT_MOST} == {}


def test_no_function_is_longer_than_a_page():
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in OURS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_AT_MOST
    ]
    assert found == []


def test_every_module_opens_with_a_sentence_and_says_what_it_offers():
    silent, closed = [], []
    for path in OURS:
        tree = ast.parse(path.read_text())
        if ast.get_docstring(tree) is None and tree.body:
            silent.append(str(path.relative_to(ROOT)))
        public = [
            node.name
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        ]
        offered = any(
            isinstance(node, ast.Assign)
            and any(getattr(each, "id", "") == "__all__" for each in node.targets)
            for node in tree.body
        )
        if public and not offered and "versions" not in path.parts:
            closed.append(str(path.relative_to(ROOT)))
    assert silent == []
    assert closed == []


FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py", "lib.py", "core.py"}


def test_no_drawer_for_odds_and_ends():
    assert [path.name for path in CODE if path.name in FORBIDDEN_NAMES] == []


UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError|placeholder", re.IGNORECASE)


def test_nothing_reads_as_unfinished():
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in OURS
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if UNFINISHED.search(line)
    ]
    assert found == []


def test_the_lock_file_carries_hashes_and_no_addresses():
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    pinned = re.findall(r"^[a-z0-9._\[\]-]+==", lock, flags=re.MULTILINE)
    hashed = re.findall(r"==[^\n]*\\\n(?:\s+--hash=sha256:[0-9a-f]{64})", lock)
    assert len(pinned) == len(hashed) > 50


def test_no_test_asserts_nothing():
    checks = ("assert", "raises", "warns", "expect", "check", "verify", "then")
    empty: list[str] = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        functions = (
            node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)
        )
        empty += [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            for node in functions
            if node.name.startswith("test_") and not _checks(node, checks)
        ]
    assert empty == []


def _checks(function: ast.FunctionDef, words: tuple[str, ...]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if any(word in name for word in words):
                return True
    return False
