"""Reading streams' configurations from files: one, a list, several tables; and what is wrong with them, where."""

import json
import re
from pathlib import Path

import pytest

from service.cli.errors import WrongUseError
from service.cli.stream_commands import read_configurations

ONE = 'stream = "a"\nsenders = ["s"]\n'


def test_toml_with_one_stream(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(ONE)
    assert [each.stream for each in read_configurations(path)] == ["a"]


def test_toml_with_several(tmp_path):
    path = tmp_path / "all.toml"
    path.write_text('[[streams]]\nstream = "a"\n[[streams]]\nstream = "b"\n')
    assert [each.stream for each in read_configurations(path)] == ["a", "b"]


def test_json_with_one_or_a_list(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"stream": "a"}))
    assert [each.stream for each in read_configurations(path)] == ["a"]
    path.write_text(json.dumps([{"stream": "a"}, {"stream": "b"}]))
    assert [each.stream for each in read_configurations(path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.toml", "stream = ", "wanted TOML"),
        ("a.json", "{", "wanted JSON"),
        ("a.toml", 'stream = "Not A Name"', "stream: found 'Not A Name'"),
        ("a.toml", ONE + "name_patern = 'x'", "name_patern"),
        ("a.toml", ONE + "name_pattern = '('", "does not compile"),
        ("a.toml", ONE + 'qa = [{check = "time_order", threshold = "long"}]', "qa, check time_order: found"),
        ("a.toml", ONE + 'qa = [{check = "airmass", threshold = 2}]', "without a comparison"),
        ("a.toml", ONE + 'qa = [{check = "airmass", comparison = "<", threshold = "2"}]', "wanted a number"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path, name, text, words):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(WrongUseError) as raised:
        read_configurations(path)
    assert words in str(raised.value)
    assert str(path) in str(raised.value)


def test_the_rules_for_checks_that_the_readme_shows_are_rules(tmp_path):
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text("utf-8")
    (shown,) = re.findall(r"```toml\n(qa = .*?)```", readme, flags=re.DOTALL)
    path = tmp_path / "a.toml"
    path.write_text(ONE + shown)
    (found,) = read_configurations(path)
    assert [rule.check for rule in found.qa] == ["exposure_plausible", "airmass", "pixel_median"]
