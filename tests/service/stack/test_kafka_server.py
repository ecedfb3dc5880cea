"""What a broker is told to listen on, with and without a way through a proxy."""

from service.stack.java import Java
from service.stack.kafka_server import Detour, KafkaServer


def the_properties(folder, detour) -> dict[str, str]:
    (folder / "log").mkdir(exist_ok=True)
    (folder / "log" / "meta.properties").touch()  # formatted already
    server = KafkaServer(
        folder=folder,
        java=Java(path=folder / "java", major=17, source="a test"),
        jars=[],
        version="4",
        port=9092,
        controller_port=9093,
        detour=detour,
    )
    server.prepare()
    lines = (folder / "server.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_clients_behind_the_proxy_are_told_its_port_and_the_others_are_not(tmp_path):
    told = the_properties(tmp_path, Detour(port=9094, proxy_port=9095))
    assert "PROXIED://127.0.0.1:9094" in told["listeners"].split(",")
    assert told["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092,PROXIED://127.0.0.1:9095"


def test_without_a_proxy_there_is_one_listener_for_clients(tmp_path):
    told = the_properties(tmp_path, None)
    assert told["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert told["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092"
