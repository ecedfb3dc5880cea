"""The checks of a format on a file or a folder, as somebody who repairs files by hand runs them."""

from consumers.check import check, files_under
from consumers.checks.judging import Judging, Rule
from consumers.formats import Expected
from events.stream import PatternRule
from tests.consumers.formats.build import a_keck_file


def test_every_file_of_the_format_under_a_folder_is_looked_into(tmp_path):
    (tmp_path / "night").mkdir()
    (tmp_path / ".hidden").mkdir()
    good = a_keck_file(tmp_path / "night")
    empty = tmp_path / "empty.FITS"
    empty.touch()
    for other in ("notes.txt", ".part.fits", ".hidden/x.fits"):
        (tmp_path / other).touch()
    found = {
        each.path: each
        for each in check(tmp_path, "keck-raw-fits", expected=Expected("", identity_rule="koaid"))
    }
    assert list(found) == [empty, good]
    assert (found[good].is_ok, found[empty].is_ok) == (True, False)
    inspections = [each.result.inspection for each in found.values() if each.result.inspection is not None]
    assert [(each.code, each.identity) for each in inspections] == [
        ("EMPTY_FILE", None),
        (None, "KB.20190509.07554.57"),
    ]


def test_one_file_is_looked_into_whatever_it_is_called(tmp_path):
    path = tmp_path / "strange"
    path.write_text("no FITS")
    (checked,) = check(path, "fits")
    assert checked.result.inspection is not None
    assert (checked.is_ok, checked.result.inspection.code) == (False, "NOT_THE_FORMAT")


def test_a_path_that_is_not_there_is_told(tmp_path):
    (checked,) = check(tmp_path / "gone.fits", "fits")
    assert checked.result.failure is not None
    assert (checked.is_ok, checked.result.failure.code) == (False, "FILE_NOT_FOUND")


def test_any_file_counts_where_the_format_has_no_extension(tmp_path):
    for name in ("a.txt", "b", ".c"):
        (tmp_path / name).touch()
    assert files_under(tmp_path, "any") == [tmp_path / "a.txt", tmp_path / "b"]


def test_files_of_some_names_are_of_another_format_and_have_none_of_the_streams_checks(tmp_path):
    good, sidecar = a_keck_file(tmp_path), tmp_path / "kb190509_00001.json"
    sidecar.write_text('{"a": 1}')
    rules = (PatternRule(pattern=r".*\.json", value="json"),)
    settings = {"duplicate_keyword": "warn"}
    wanted = Expected("", identity_rule="koaid", stream_checks=("fits_datasum",), settings=settings)
    looked = check(tmp_path, "keck-raw-fits", rules=rules, expected=wanted)
    found = {each.path: each.result.inspection for each in looked}
    assert list(found) == [good, sidecar]
    assert [(each.verdict, each.identity) for each in found.values()] == [
        ("ok", "KB.20190509.07554.57"),
        ("ok", None),
    ]
    assert found[sidecar].warnings == (), "it is not asked for sums that JSON has not"


def test_what_a_stream_says_of_names_holds_at_a_desk_too(tmp_path):
    """Else a file would be judged there by other rules than those that it will meet."""
    names = ("kb190509_00001.fits", "kb190509_00002_cal.fits", "kb190509_00003_qlook.fits")
    for name in names:
        a_keck_file(tmp_path, name=name)
    rule = Rule("airmass", "critical", "<=", 1.2, purposes=("science",))
    found = check(
        tmp_path,
        "keck-raw-fits",
        roles=(PatternRule(pattern=r".*_qlook\.fits", value="preview"),),
        purposes=(PatternRule(pattern=r".*_cal\.fits", value="calibration"),),
        expected=Expected("", identity_rule="koaid", judging=Judging((rule,))),
    )
    inspections = [each.result.inspection for each in found]
    assert [(each.code, each.identity is None) for each in inspections if each is not None] == [
        ("QA_AIRMASS", True),
        (None, False),
        (None, True),
    ]


def test_extensions_of_more_than_one_part_are_known(tmp_path):
    for name in ("a.metadata.table", "b.table", "c.md5sum.table"):
        (tmp_path / name).touch()
    assert files_under(tmp_path, "koa-metadata-table") == [tmp_path / "a.metadata.table"]
    assert files_under(tmp_path, "checksum-table") == [tmp_path / "c.md5sum.table"]
