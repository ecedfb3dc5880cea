"""Files of every format, and one inspector with all libraries loaded, made once."""

import pytest

from consumers.child import Inspector, Limits
from consumers.formats import FORMATS, Expected
from tests.consumers.formats import build

LIMITS = Limits(memory_bytes=256 * 1024**2, cpu_s=10, wall_s=20.0)


@pytest.fixture(scope="session")
def inspector():
    with Inspector(tuple(FORMATS), LIMITS) as running:
        yield running


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """One good file of each format; tests copy what they want to spoil."""
    folder = tmp_path_factory.mktemp("good")
    dkist = build.dkist_files(folder)
    return {
        "roman": build.a_roman_file(folder),
        "keck": build.a_keck_file(folder),
        "dkist": dkist[0],
        "dkist, Stokes Q": dkist[1],
    }


@pytest.fixture
def look(inspector, tmp_path):
    """Look into bytes or a path in a child; without an expectation, only the name is expected."""

    def look(content, format_name, *, name=None, limits=None, **expected):
        path = content
        if isinstance(content, bytes):
            path = tmp_path / (name or "some.file")
            path.write_bytes(content)
        return inspector.inspect(path, format_name, Expected(name or path.name, **expected), limits=limits)

    return look


@pytest.fixture
def judged(look):
    """The inspection; the child must have come to one."""

    def judged(*args, **kwargs):
        result = look(*args, **kwargs)
        assert result.failure is None, f"{result.failure}: {result.usage.log_tail}"
        return result.inspection

    return judged
