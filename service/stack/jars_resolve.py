"""Writes `jars.lock` anew: `python -m service.stack.jars_resolve`, after a version below was changed."""

import hashlib
import tempfile
from pathlib import Path

from jgo.maven import MavenContext

from service.stack.jars import LOCK, Jar

__all__ = ["main"]

# kafka-clients is named, since a bill of materials further down would bring an older one, with which the broker dies.
# Kafka 4.3 is the newest that the client library knows.
WANTED = {
    "kafka": (
        "org.apache.kafka:kafka_2.13:4.3.1",
        "org.apache.kafka:kafka-clients:4.3.1",
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
        "org.apache.logging.log4j:log4j-core:2.25.4",
    ),
    "s3proxy": ("org.gaul:s3proxy:4.1.0:jar-with-dependencies",),  # holds all it needs
}


def main() -> None:
    """Resolves, downloads and checksums everything, and writes the lock."""
    with tempfile.TemporaryDirectory() as folder:
        context = MavenContext(repo_cache=Path(folder))
        jars = [jar for server, wanted in WANTED.items() for jar in _resolve(context, server, wanted)]
    head = "# Made by python -m service.stack.jars_resolve: server, Maven coordinates, SHA-256.\n"
    LOCK.write_text(head + "".join(f"{jar.server} {jar.coordinates} {jar.sha256}\n" for jar in jars))


def _resolve(context: MavenContext, server: str, wanted: tuple[str, ...]) -> list[Jar]:
    if server == "s3proxy":
        return [_checksummed(context, server, wanted[0])]
    named, further = context.resolver.resolve([context.create_dependency(text) for text in wanted])
    found = {f"{each.groupId}:{each.artifactId}:{each.version}" for each in further} - set(wanted)
    assert len(named) == len(wanted), "every wanted artifact was found"  # noqa: S101
    return [_checksummed(context, server, text) for text in (*wanted, *sorted(found))]


def _checksummed(context: MavenContext, server: str, coordinates: str) -> Jar:
    group, artifact, version, *classifier = coordinates.split(":")
    path = context.project(group, artifact).at_version(version).artifact(*classifier).resolve()
    return Jar(server, coordinates, hashlib.sha256(path.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
