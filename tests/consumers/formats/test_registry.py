"""Formats of other packages: found when asked for, refused with a reason, and none of them stops another."""

import subprocess
import sys
from importlib.metadata import distributions

import pytest

from consumers.child import Inspector
from consumers.formats import FORMATS, Expected, Format
from consumers.formats.format import ROLES
from consumers.formats.registry import GROUP, Formats, plugins
from tests.consumers.formats import plugin_format

GOOD = "spectra = tests.consumers.formats.plugin_format:FORMAT"
BROKEN = "raise RuntimeError('its licence has run out')"


@pytest.fixture
def package(tmp_path):
    """A package as pip would have installed it, with these entry points and one module; its entry points."""

    def package(*entries: str, name: str = "observatory-tools", code: str = "") -> list:
        folder = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *entries, ""]))
        (tmp_path / f"{name.replace('-', '_')}_formats.py").write_text(code)
        return [each for dist in distributions(path=[str(tmp_path)]) for each in dist.entry_points]

    return package


def made(package, monkeypatch, tmp_path, expression: str, entry: str = "other") -> Formats:
    """The formats where a package announces what the expression gives."""
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("observatory_tools_formats", None)
    code = f"from consumers.formats import Format\nGIVEN = {expression}\n"
    entries = package(f"{entry} = observatory_tools_formats:GIVEN", GOOD, code=code)
    return Formats([Format("any", "application/octet-stream", (), "consumers.formats.anything")], entries)


def test_a_format_of_another_package_is_one_of_the_formats(package):
    formats = Formats([FORMATS["any"]], package(GOOD))
    assert list(formats) == ["any", "spectra-text"]
    assert formats["spectra-text"] == plugin_format.FORMAT
    assert formats.refused == ()


@pytest.mark.parametrize(
    ("expression", "found", "wanted"),
    [
        ("7", "an object of builtins.int", "a consumers.formats.Format"),
        ("'consumers.formats.anything'", "an object of builtins.str", "a consumers.formats.Format"),
        (
            "Format('any', 'text/plain', (), 'json')",
            "the name any, which Meridian has taken",
            "a name of its own",
        ),
        ("Format('Two Words', 'text/plain', (), 'json')", "the name 'Two Words'", "small letters"),
        ("Format('x', 'text/plain', (), 'json')", "the name 'x'", "small letters"),
        ("Format('other', 'text', (), 'json')", "the media type 'text'", "application/fits"),
        ("Format('other', 'text/plain', ('fits',), 'json')", "the extension 'fits'", "a dot"),
        ("Format('other', 'text/plain', (), 'json', role='spare')", "the role 'spare'", ", ".join(ROLES)),
        (
            "Format('other', 'text/plain', (), 'no.such.module')",
            "no module no.such.module",
            "read and warm_up",
        ),
        ("1 / 0", "ZeroDivisionError", "that can be imported"),
    ],
)
def test_what_is_no_format_is_refused_and_stops_no_other(
    package, monkeypatch, tmp_path, expression, found, wanted
):
    formats = made(package, monkeypatch, tmp_path, expression)
    assert list(formats) == ["any", "spectra-text"]
    (refused,) = formats.refused
    assert (refused.entry, refused.package) == ("other", "observatory-tools")
    assert found in refused.found
    assert wanted in refused.wanted
    assert str(refused) == f"other of observatory-tools: found {refused.found}, wanted {refused.wanted}"


def test_a_package_that_cannot_be_imported_is_refused_with_its_own_words(package, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(tmp_path))
    entries = package("theirs = bad_package_formats:FORMAT", GOOD, name="bad-package", code=BROKEN)
    found, (refused,) = plugins(entries, taken=())
    assert list(found) == ["spectra-text"]
    assert "RuntimeError: its licence has run out" in refused.found


def test_of_two_formats_with_one_name_the_same_one_is_always_refused(package):
    package(GOOD)
    twice = package(GOOD.replace("spectra =", "zweite ="), name="zz-tools")
    for entries in (twice, twice[::-1]):
        found, refused = plugins(entries, taken=())
        assert list(found) == ["spectra-text"]
        assert {each.entry for each in refused} == {"zweite"}
        assert "which observatory-tools has taken" in refused[0].found


def test_our_own_formats_are_known_without_a_look_at_what_is_installed():
    class Watched(list):
        def __iter__(self):
            raise AssertionError("looked")

    formats = Formats([FORMATS["any"]], Watched())
    assert formats["any"].name == "any"
    with pytest.raises(AssertionError, match="looked"):
        list(formats)


def test_a_refused_format_is_told_in_the_log_once(package, monkeypatch, tmp_path, caplog):
    formats = made(package, monkeypatch, tmp_path, "7")
    assert (len(formats), len(formats)) == (2, 2)
    (line,) = [each for each in caplog.records if each.message == "format of another package refused"]
    assert "an object of builtins.int" in line.plugin


def test_the_formats_of_this_installation_are_all_good():
    assert FORMATS.refused == ()


def test_importing_the_formats_does_not_look_at_what_is_installed():
    code = "import sys, consumers.formats as f; print('_all' in vars(f.FORMATS))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_a_file_is_read_by_another_packages_format_in_a_child(tmp_path):
    good, bad, odd = tmp_path / "a.spec", tmp_path / "b.spec", tmp_path / "c.spec"
    good.write_bytes(b"# spectra\n1 2 3\n")
    bad.write_bytes(b"something else\n")
    odd.write_bytes(f"code {plugin_format.UNKNOWN_CODE}\n".encode())
    with Inspector([plugin_format.FORMAT, plugin_format.NO_READER]) as inspector:
        settings = {"grating": "600 l/mm"}
        taken = inspector.inspect(good, "spectra-text", Expected("a.spec", settings=settings)).inspection
        assert (taken.verdict, taken.metadata["instrument"]) == ("ok", "spectrograph")
        assert taken.metadata["extra"] == {"settings": str(settings)}
        assert inspector.inspect(bad, "spectra-text", Expected("b.spec")).inspection.code == "NOT_THE_FORMAT"
        # A code of its own would have no sentence, no cause and no remedy: that is a mistake in the format.
        failure = inspector.inspect(odd, "spectra-text", Expected("c.spec")).failure
        assert (failure.code, failure.failure_class) == ("READER_BUG", "code")
        assert plugin_format.UNKNOWN_CODE in failure.message
        failure = inspector.inspect(good, "no-reader", Expected("a.spec")).failure
        assert (failure.code, failure.failure_class) == ("READER_BUG", "code")
        assert "wanted read and warm_up" in failure.message
