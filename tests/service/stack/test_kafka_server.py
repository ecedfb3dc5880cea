"""What a broker is told to listen on, with and without a way through a proxy, and what Java is told to compile with."""

from service.stack.java import Java
from service.stack.kafka_server import Detour, KafkaServer, Quorum


def a_server(folder, detour=None, quorum=None) -> KafkaServer:
    (folder / "log").mkdir(exist_ok=True)
    (folder / "log" / "meta.properties").touch()  # formatted already
    return KafkaServer(
        folder=folder,
        java=Java(path=folder / "java", major=17, source="a test"),
        jars=[],
        version="4",
        port=9092,
        controller_port=9093,
        detour=detour,
        quorum=quorum,
    )


def the_properties(folder, detour, quorum=None) -> dict[str, str]:
    a_server(folder, detour, quorum).prepare()
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


def test_one_of_three_keeps_its_own_topics_thrice_and_wants_two_of_them_in_step(tmp_path):
    told = the_properties(tmp_path, None, Quorum(2, (9001, 9093, 9003), "cluster"))
    assert told["node.id"] == "2"
    assert told["controller.quorum.voters"] == "1@127.0.0.1:9001,2@127.0.0.1:9093,3@127.0.0.1:9003"
    for name in ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic"):
        assert told[f"{name}.replication.factor"] == "3"
    assert told["transaction.state.log.min.isr"] == told["min.insync.replicas"] == "2"


def test_a_broker_alone_wants_no_other(tmp_path):
    told = the_properties(tmp_path, None)
    assert (told["node.id"], told["controller.quorum.voters"]) == ("1", "1@127.0.0.1:9093")
    assert (told["transaction.state.log.replication.factor"], told["min.insync.replicas"]) == ("1", "1")


def test_the_compiler_that_takes_the_cores_from_everybody_is_left_out(tmp_path):
    """With it a broker's first minutes took twice the processor time for as many decided requests."""
    argv = a_server(tmp_path).prepare().argv
    assert "-XX:TieredStopAtLevel=1" in argv[: argv.index("kafka.Kafka")]
