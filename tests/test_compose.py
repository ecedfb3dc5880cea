"""The compose file: a valid one, with every role, and nothing that is open to the network."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVERS = {"kafka", "postgres", "s3"}
ROLES = {"decider", "projector", "consumers", "timers"}


def program() -> list[str]:
    """The compose program of this machine, under whichever of its two names."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if shutil.which("docker"):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if plugin.returncode == 0:
            return ["docker", "compose"]
    return []


def test_the_compose_program_takes_it():
    if not program():
        pytest.skip("no docker-compose here; the file's structure is tested below")
    done = subprocess.run(
        [*program(), "-f", ROOT / "docker-compose.yml", "config", "-q"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_it_has_the_servers_the_roles_and_one_migration():
    assert set(COMPOSE["services"]) == SERVERS | ROLES | {"migrate"}
    assert {role: COMPOSE["services"][role]["command"] for role in ROLES} == {
        role: f"run {role}" for role in ROLES
    }
    assert COMPOSE["services"]["migrate"]["restart"] == "no"


def test_every_server_says_when_it_is_healthy_and_keeps_its_data():
    for name in SERVERS:
        server = COMPOSE["services"][name]
        assert server["healthcheck"]["test"]
        volumes = [volume.split(":")[0] for volume in server["volumes"]]
        assert set(volumes) <= COMPOSE["volumes"].keys()


def test_roles_wait_for_the_migration_and_that_for_healthy_servers():
    for role in ROLES:
        assert COMPOSE["services"][role]["depends_on"] == {
            "migrate": {"condition": "service_completed_successfully"}
        }
    waits = COMPOSE["services"]["migrate"]["depends_on"]
    assert waits == {name: {"condition": "service_healthy"} for name in SERVERS}


def test_everything_is_published_on_loopback_only():
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert len(published) == len(SERVERS)
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_every_variable_has_a_default_and_every_setting_is_handed_on():
    from service.settings import Settings

    text = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r"\$\{\w+\}", text) == []
    settings = {
        name.removeprefix("MERIDIAN_").lower() for name in COMPOSE["services"]["decider"]["environment"]
    }
    of_the_local_stack = {"java_home", "postgres_bin", "cache"}
    assert settings == Settings.model_fields.keys() - of_the_local_stack


def test_the_same_versions_as_without_containers():
    from service.stack.jars import version_of
    from tests import containers

    images = {name: COMPOSE["services"][name]["image"] for name in SERVERS}
    assert images["kafka"] == f"apache/kafka:{version_of('kafka')}" == containers.KAFKA_IMAGE
    assert images["s3"].endswith(f":{version_of('s3proxy')}")
    assert (images["postgres"], images["s3"]) == (containers.POSTGRES_IMAGE, containers.S3_IMAGE)


def test_the_image_holds_every_package():
    copied = re.findall(r"^COPY (\w+) \1$", (ROOT / "service" / "Dockerfile").read_text(), flags=re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text().split()
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages - set(copied) == set()
    assert set(copied).isdisjoint(ignored)
