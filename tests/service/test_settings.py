"""Settings: where they come from, what they are turned into, and what is said when one is wrong."""

import pytest

from service.children import _environment
from service.settings import Settings, SettingsError, load
from service.settings_errors import misspelled
from service.stack.asking import _informed
from service.stack.endpoints import Endpoints, S3Access
from service.stack.state import Role
from service.wiring import Wiring


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    import os

    for name in [name for name in os.environ if name.startswith("MERIDIAN_")]:
        monkeypatch.delenv(name)


def refusal(**given):
    with pytest.raises(SettingsError) as caught:
        load(**given)
    return str(caught.value)


def test_everything_has_a_default():
    assert load().site == "meridian"
    assert load().partitions == {"file": 4, "group": 4, "identity": 2, "op": 2, "stream": 1}


def test_the_archive_is_named_after_the_site_unless_it_has_a_name():
    assert load(site="keck").s3_bucket == "keck-archive"
    assert load(site="keck", s3_bucket="koa").s3_bucket == "koa"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_a_database_address_is_always_for_psycopg2(scheme):
    assert load(database=f"{scheme}://u:p@h:5432/d").database == "postgresql+psycopg2://u:p@h:5432/d"


def test_the_caller_comes_before_the_environment_and_that_before_the_file(monkeypatch, tmp_path):
    config = tmp_path / "meridian.toml"
    config.write_text('site = "filed"\nkafka = "filed:1"\ns3_region = "filed"\n')
    monkeypatch.setenv("MERIDIAN_SITE", "environment")
    monkeypatch.setenv("MERIDIAN_KAFKA", "environment:1")
    settings = load(config, site="caller")
    assert (settings.site, settings.kafka, settings.s3_region) == ("caller", "environment:1", "filed")


def test_a_file_may_also_hold_variables(tmp_path):
    config = tmp_path / "site.env"
    config.write_text("# ours\nMERIDIAN_SITE=keck\nMERIDIAN_PARTITIONS=file=8\n")
    assert load(config).partitions["file"] == 8


@pytest.mark.parametrize("text", ["file=8,stream=2", '{"file": 8, "stream": 2}'])
def test_partitions_that_are_not_named_keep_their_number(monkeypatch, text):
    monkeypatch.setenv("MERIDIAN_PARTITIONS", text)
    assert load().partitions == {"file": 8, "group": 4, "identity": 2, "op": 2, "stream": 2}


@pytest.mark.parametrize(
    ("name", "found", "words"),
    [
        ("SITE", "Keck Obs", ["MERIDIAN_SITE", "'Keck Obs'", "lower-case", "leave it out for meridian"]),
        ("KAFKA", "localhost", ["MERIDIAN_KAFKA", "'localhost'", "host:port", "127.0.0.1:9092"]),
        ("S3_ENDPOINT", "localhost:9000", ["MERIDIAN_S3_ENDPOINT", "http://127.0.0.1:9000"]),
        ("S3_BUCKET", "My_Bucket", ["MERIDIAN_S3_BUCKET", "'My_Bucket'", "3 to 63"]),
        ("PARTITIONS", "file:8", ["MERIDIAN_PARTITIONS", "'file:8'", "file=8,stream=2"]),
        ("PARTITIONS", "file=0", ["MERIDIAN_PARTITIONS", "file", "found 0", "1 or more"]),
    ],
)
def test_a_wrong_variable_is_named_with_what_was_found_and_wanted(monkeypatch, name, found, words):
    monkeypatch.setenv(f"MERIDIAN_{name}", found)
    said = refusal()
    assert [word for word in words if word not in said] == []


def test_a_wrong_line_of_a_file_is_named_with_the_file(tmp_path):
    config = tmp_path / "meridian.toml"
    config.write_text('site = "Keck"\nkafak = "h:1"\n')
    said = refusal(config=config)
    assert f"{config}: site: found 'Keck'" in said
    assert f"{config}: kafak is no setting; did you mean kafka" in said


@pytest.mark.parametrize("content", [None, "site = ", "site = 'a'\nsite = 'b'"])
def test_a_file_that_can_not_be_read_is_named(tmp_path, content):
    config = tmp_path / "meridian.toml"
    if content is not None:
        config.write_text(content)
    assert str(config) in refusal(config=config)


def test_an_s3_server_without_keys_is_refused_with_their_names():
    said = refusal(s3_endpoint="http://h:1")
    assert "MERIDIAN_S3_ACCESS_KEY and MERIDIAN_S3_SECRET_KEY" in said


def test_no_secret_is_shown_in_a_refusal_or_a_listing():
    assert "hunter2" not in refusal(database="mysql://u:hunter2@h/d")
    shown = repr(load(database="postgresql://u:hunter2@h/d", s3_secret_key="hunter2"))
    assert "hunter2" not in shown


def test_settings_do_not_change_once_read():
    with pytest.raises(ValueError, match="frozen"):
        setattr(load(), "site", "other")  # noqa: B010  # the type checker knows it too


def test_a_misspelled_variable_is_noticed_and_a_stranger_is_not():
    names = ["MERIDIAN_KAFAK", "MERIDIAN_SERVICE_HOST", "MERIDIAN_SITE", "MERIDIAN_PYTHON", "HOME"]
    assert misspelled(names, Settings, prefix="MERIDIAN_") == [
        "MERIDIAN_KAFAK is no setting; did you mean MERIDIAN_KAFKA"
    ]


def test_the_marks_of_a_disk_stand_in_their_order():
    assert (load().disk_live_only_percent, load().disk_full_percent, load().staging_gib) == (85, 95, 20)
    said = refusal(disk_live_only_percent=96)
    assert (
        "found MERIDIAN_DISK_LIVE_ONLY_PERCENT 96 above MERIDIAN_DISK_FULL_PERCENT 95, wanted it at most that"
        in said
    )
    assert load(disk_live_only_percent=96, disk_full_percent=97).disk_full_percent == 97


def test_a_child_is_told_every_setting_wherever_it_came_from(monkeypatch, tmp_path):
    config = tmp_path / "site.toml"
    config.write_text(
        'globus_client_id = "id"\nglobus_client_secret = "hunter2"\nstaging_gib = 3.5\nworkers = 4\n'
        'kafka = "h:1"\ndisk_full_percent = 97\n[partitions]\nfile = 8\n'
    )
    monkeypatch.setenv("MERIDIAN_S3_PARTS_ABOVE_MIB", "64")
    known = load(config, site="keck")
    role = _informed(Role(name="consumers", argv=("true",)), known)
    at = Endpoints("h:2", "postgresql://u:p@h/d", S3Access("http://h:3", "a", "s"))
    beside = _environment(Wiring(known, at, "consumers"))
    assert beside["MERIDIAN_KAFKA"] == "h:2"  # the servers as they were found
    for told in (role.environment, beside):
        with pytest.MonkeyPatch.context() as patch:
            for name, value in told.items():
                patch.setenv(name, value)
            child = load()
        wanted = {"kafka", "database", "s3_endpoint", "s3_access_key", "s3_secret_key"}
        assert child.model_dump(exclude=wanted) == known.model_dump(exclude=wanted)
    assert role.environment["MERIDIAN_GLOBUS_CLIENT_SECRET"] == "hunter2"
