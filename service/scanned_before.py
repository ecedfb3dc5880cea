"""What a catalogue's server said of its answers when it was last scanned whole: it need not send the same again."""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any
from uuid import uuid4

from service.client import Client
from service.scanning import ledger_ends

__all__ = ["ScannedBefore"]


class ScannedBefore:
    """One catalogue, by one way of asking for it and by what was looked at in it.

    It is only a short cut: what was remembered counts no more once the site's ledger is another one, or ends earlier
    than it did, or other members of a record count.
    """

    def __init__(
        self, client: Client, source: str, *, significant: Collection[str], asked: Mapping[str, Any]
    ) -> None:
        self._client = client
        terms = {"source": source, "asked": dict(asked), "significant": sorted(significant)}
        self._terms: dict[str, Any] = {"site": client.wiring.settings.site, **terms}
        name = hashlib.sha256(json.dumps(self._terms, sort_keys=True).encode()).hexdigest()[:32]
        self._path = client.wiring.settings.data / "catalogues" / f"{name}.json"

    def validators(self) -> dict[str, str]:
        """What to ask with, so that an unchanged catalogue is not sent again; empty where nothing is remembered."""
        try:
            found = json.loads(self._path.read_text("utf-8"))
            ledger, ends = self._ledger()
            is_same = found["terms"] == self._terms and found["ledger"] == ledger
            has_all = all(ends.get(number, -1) >= end for number, end in found["ends"].items())
            validators = {str(key): str(each) for key, each in found["validators"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        return validators if is_same and has_all else {}

    def forget(self) -> None:
        """Before anything of a newer answer is recorded: who ends half way has to read it again."""
        self._path.unlink(missing_ok=True)

    def remember(self, validators: Mapping[str, str]) -> None:
        """All of an answer is recorded. Raises OSError where nothing can be written."""
        if not validators:
            return
        ledger, ends = self._ledger()
        told = {"terms": self._terms, "ledger": ledger, "ends": ends, "validators": dict(validators)}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_name(f"{self._path.name}.{uuid4().hex[:8]}.part")
        part.write_text(json.dumps(told), "utf-8")
        part.replace(self._path)

    def _ledger(self) -> tuple[str | None, dict[str, int]]:
        topic = self._client.wiring.topics.events("op")
        ends = {str(number): end for number, end in ledger_ends(self._client, "op").items()}
        return self._client.log.topic_ids([topic]).get(topic), ends
