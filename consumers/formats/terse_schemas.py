"""The schemas that asdf reads, without the words meant for people: asdf parses all 65 of them again for every file."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["TerseSchemas"]

# Members of a schema that say nothing about what is valid. Three quarters of the mission's schemas are such text.
ANNOTATIONS = frozenset(
    ("title", "description", "archive_catalog", "sdf", "examples", "propertyOrder", "flowStyle")
)
NAMED_BY_KEY = frozenset({"properties", "patternProperties", "definitions"})


class TerseSchemas(Mapping[str, bytes]):
    """Resources of asdf by their URI, each shortened once and kept. Made for ``config.add_resource_mapping``."""

    def __init__(self, resources: Mapping[str, bytes]) -> None:
        self._resources = resources
        self._terse: dict[str, bytes] = {}

    def __getitem__(self, uri: str) -> bytes:
        if uri not in self._terse:
            self._terse[uri] = self._shortened(self._resources[uri])
        return self._terse[uri]

    def __iter__(self) -> Iterator[str]:
        return iter(self._resources)

    def __len__(self) -> int:
        return len(self._resources)

    @staticmethod
    def _shortened(schema: bytes) -> bytes:
        import yaml

        parsed = yaml.load(schema, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
        return json.dumps(_without_annotations(parsed)).encode()


def _without_annotations(node: Any, *, keys_are_names: bool = False) -> Any:
    if isinstance(node, dict):
        return {
            key: _without_annotations(value, keys_are_names=key in NAMED_BY_KEY and not keys_are_names)
            for key, value in node.items()
            if keys_are_names or key not in ANNOTATIONS
        }
    if isinstance(node, list):
        return [_without_annotations(value) for value in node]
    return node
