"""The sample goes the whole way of a file: it is a good one, and looking through it leaves nothing to be loaded."""

import subprocess
import sys

import pytest

from consumers.formats import FORMATS, Expected
from consumers.formats.try_out import _fits, try_out


def test_the_sample_is_a_good_file_but_for_its_sums(tmp_path):
    path = tmp_path / "sample.fits"
    path.write_bytes(_fits())
    found = FORMATS["fits"].inspect(path, Expected(path.name))
    assert (found.verdict, found.metadata["target"]) == ("ok", "NOTHING")
    assert {qa.check: qa.passed for qa in found.qa if qa.check.startswith("fits_")} == {
        "fits_checksum": False,
        "fits_datasum": False,
    }


@pytest.mark.parametrize(
    "name", [each.name for each in FORMATS.values() if each.media_type == "application/fits"]
)
def test_no_format_of_fits_minds_the_sample(name):
    assert try_out(FORMATS[name]), "there is one, and it does not raise"


def test_a_real_file_loads_no_module_that_the_sample_did_not(tmp_path):
    path = tmp_path / "real.fits"
    path.write_bytes(_fits())
    code = f"""
import sys
from consumers.formats import FORMATS, Expected
from consumers.formats.try_out import try_out
kind = FORMATS["fits"]
kind.warm_up()
try_out(kind)
before = set(sys.modules)
kind.inspect({str(path)!r}, Expected("real.fits"))
print(sorted(set(sys.modules) - before))
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
