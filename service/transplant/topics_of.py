"""The topics of an export made in an empty cluster: as many partitions as they had, kept as a site's topics are."""

from collections.abc import Iterable
from dataclasses import replace

from events.log import Log, TopicSpec
from events.topic_specs import sender_specs, topic_specs
from events.topics import Topics
from service.transplant.manifest import Manifest, TransplantError

__all__ = ["make_topics"]


def make_topics(log: Log, manifest: Manifest, kinds: Iterable[str]) -> None:
    """Make those of these kinds that are missing. Raises TransplantError where one has other partitions."""
    wanted: dict[str, int] = {}
    for part in manifest.of(*kinds):
        wanted[part.name] = max(wanted.get(part.name, 0), part.partition + 1)
    topics = Topics(manifest.site)
    senders = {name.split(".", 2)[2] for name in wanted if name.split(".")[1] in {"inbox", "answers"}}
    specs: list[TopicSpec] = topic_specs(topics, manifest.partitions, ())
    specs += [each for sender in sorted(senders) for each in sender_specs(topics, sender)]
    log.ensure(replace(each, partitions=wanted[each.name]) for each in specs if each.name in wanted)
    found = log.partitions(wanted)
    for name, count in wanted.items():
        if found.get(name) != count:
            raise TransplantError(
                f"{name}: found {found.get(name, 0)} partitions, wanted {count} as in the export: keys lie by their "
                "number; delete the topic, if it is empty, and start the import again"
            )
