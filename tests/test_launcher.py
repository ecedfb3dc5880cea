"""`./meridian`: it sets itself up once, says what is missing, and hands everything over.

The lock file here names no package, so what is tried is the launcher and not the network.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MKDIR = shutil.which("mkdir")
MAIN = """
import os, sys
print(sys.argv[1:], os.getcwd(), sys.prefix, [path for path in sys.path if "here" in path or path == ""])
sys.exit(7)
"""


def a_clone(folder: Path) -> Path:
    (folder / "service").mkdir(parents=True)
    (folder / "service" / "__main__.py").write_text(MAIN)
    (folder / "requirements.lock").write_text("# nothing\n")
    shutil.copy(ROOT / "meridian", folder)
    return folder


def run(clone: Path, *arguments: str, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess:
    told = {
        "PATH": os.environ["PATH"],
        "HOME": str(clone),
        "MERIDIAN_PYTHON": sys.executable,
        "PIP_NO_INDEX": "1",
    }
    return subprocess.run(
        [clone / "meridian", *arguments],
        env=told | more,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone that has been set up."""
    folder = a_clone(tmp_path_factory.mktemp("here") / "clone")
    first = run(folder, "status")
    assert first.returncode == 7, first.stderr
    assert "making" in first.stderr
    return folder


@pytest.fixture
def unmade(tmp_path):
    return a_clone(tmp_path / "clone")


@pytest.mark.slow
@pytest.mark.xdist_group("launcher")
def test_arguments_folder_and_exit_code_go_through(clone, tmp_path):
    done = run(clone, "file", "why", "a b", "--reason=it's late", cwd=tmp_path)
    assert done.returncode == 7
    assert done.stdout.startswith(
        f"""['file', 'why', 'a b', "--reason=it's late"] {tmp_path} {clone}/.venv"""
    )


@pytest.mark.slow
@pytest.mark.xdist_group("launcher")
def test_a_second_run_says_nothing_and_costs_next_to_nothing(clone):
    spent, bare = [], []
    for _ in range(10):
        began = time.monotonic()
        done = run(clone, MERIDIAN_PYTHON="/nowhere/python")
        spent.append(time.monotonic() - began)
        assert (done.returncode, done.stderr) == (7, "")
        began = time.monotonic()
        subprocess.run([clone / ".venv" / "bin" / "python", "-c", "pass"], check=True)
        bare.append(time.monotonic() - began)
    assert min(spent) - min(bare) < 0.1


@pytest.mark.slow
@pytest.mark.xdist_group("launcher")
def test_it_works_through_a_link(clone, tmp_path):
    (tmp_path / "m").symlink_to(clone / "meridian")
    done = subprocess.run([tmp_path / "m", "x"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stdout.startswith(f"['x'] {tmp_path} {clone}")


@pytest.mark.slow
@pytest.mark.xdist_group("launcher")
def test_files_where_the_caller_stands_do_not_shadow_ours(clone, tmp_path):
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "__main__.py").write_text("print('the wrong one')")
    assert "wrong" not in run(clone, cwd=tmp_path, PYTHONPATH=str(tmp_path)).stdout


@pytest.mark.slow
@pytest.mark.xdist_group("launcher")
def test_a_second_run_writes_nothing_so_its_folder_may_be_read_only(clone):
    def looks() -> dict[Path, int]:
        return {
            path: path.lstat().st_mtime_ns for path in clone.rglob("*") if "__pycache__" not in path.parts
        }

    before = looks()
    assert run(clone).returncode == 7
    assert looks() == before


@pytest.mark.slow
@pytest.mark.xdist_group("launcher")
def test_a_changed_lock_brings_the_environment_in_line(clone):
    (clone / "requirements.lock").write_text("# something else\n")
    assert "bringing" in run(clone).stderr
    assert run(clone).stderr == ""


@pytest.mark.slow
@pytest.mark.xdist_group("launcher")
def test_a_set_up_that_was_cut_short_is_begun_again(unmade):
    venv = unmade / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)  # the first thing that is there
    (venv / "meridian.half").touch()
    (venv / "setup.lock").mkdir()
    (venv / "setup.lock" / "owner").write_text("99999999 an-earlier-boot\n")
    done = run(unmade)
    assert (done.returncode, "making" in done.stderr) == (7, True)
    assert not (venv / "setup.lock").exists()
    assert not (venv / "meridian.half").exists()


@pytest.mark.slow
@pytest.mark.xdist_group("launcher")
def test_two_first_runs_at_once_make_one_environment(unmade):
    told = {
        "PATH": os.environ["PATH"],
        "HOME": str(unmade),
        "MERIDIAN_PYTHON": sys.executable,
        "PIP_NO_INDEX": "1",
    }
    command = [unmade / "meridian"]
    both = [subprocess.Popen(command, env=told, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = "".join(process.communicate(timeout=120)[1] for process in both)
    assert [process.returncode for process in both] == [7, 7]
    assert said.count("making") == 1


def fake_python(folder: Path, answer: str) -> str:
    folder.mkdir()
    program = folder / "python3"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("old 3.9.2", ["wanted Python 3.11, 3.12 or 3.13", "is 3.9.2", "MERIDIAN_PYTHON="]),
        (
            "lacks 3.12.3 venv ensurepip",
            ["3.12.3 without venv ensurepip", "apt install python3-venv", "python3.12-venv"],
        ),
    ],
)
def test_an_unfit_python_is_named_with_the_way_out(unmade, tmp_path, answer, words):
    done = run(unmade, MERIDIAN_PYTHON=fake_python(tmp_path / "bin", answer))
    assert done.returncode == 1
    assert [word for word in words if word not in done.stderr] == []


def test_without_any_python_it_says_so(unmade):
    done = run(unmade, MERIDIAN_PYTHON="/nowhere/python3")
    assert done.returncode == 1
    assert "found no Python under the names /nowhere/python3" in done.stderr
    assert "python3-venv" in done.stderr


def test_a_disk_without_room_is_noticed_before_anything_is_fetched(unmade, tmp_path):
    (tmp_path / "bin").mkdir()
    df = tmp_path / "bin" / "df"
    df.write_text("#!/bin/sh\necho Filesystem\necho /dev/x 1000000 990000 10240 99% /\n")
    df.chmod(0o755)
    done = run(unmade, PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "found 10 MB free" in done.stderr
    assert "MERIDIAN_VENV=" in done.stderr
    assert not (unmade / ".venv" / "setup.lock").exists()


@pytest.mark.parametrize("unmakeable", ["*/setup.lock", "*/.venv"])
def test_a_disk_that_takes_nothing_at_all_is_named_and_not_waited_for(unmade, tmp_path, unmakeable):
    (tmp_path / "bin").mkdir()
    mkdir = tmp_path / "bin" / "mkdir"
    full = "echo 'mkdir: cannot create directory: No space left on device' >&2; exit 1"
    mkdir.write_text(
        f'#!/bin/sh\nfor each; do :; done\ncase $each in {unmakeable}) {full} ;; esac\nexec {MKDIR} "$@"\n'
    )
    mkdir.chmod(0o755)
    done = run(unmade, PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "MERIDIAN_VENV=" in done.stderr
    assert "may not write" not in done.stderr


@pytest.mark.slow
@pytest.mark.xdist_group("launcher")
def test_without_a_network_it_says_so(unmade):
    (unmade / "requirements.lock").write_text(f"meridian-needs-this==1.0 \\\n    --hash=sha256:{'0' * 64}\n")
    done = run(unmade)
    assert done.returncode == 1
    assert "the packages can't be fetched" in done.stderr
    assert "HTTPS_PROXY" in done.stderr


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_it_is_a_script_for_any_shell(shell):
    assert shutil.which(shell)
    assert subprocess.run([shell, "-n", ROOT / "meridian"], check=False).returncode == 0
