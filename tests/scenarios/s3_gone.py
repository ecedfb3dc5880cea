"""S3 gone with thousands of files under way: nobody's file fails, one alarm, and all come to their end by themselves.

``python -m tests.scenarios.s3_gone --files 5000 --away 1800`` runs it on servers of its own and prints the figures.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from service.client import Client
from tests.scenarios.lone import LoneSite, a_site_of_lone_servers
from tests.scenarios.under_load import SENDER, an_arrival, facts, prepare, rows, states, until

__all__ = ["Found", "s3_gone"]

UNDER_WAY = 0.1
"""The share of files that is COMPLETE when the store is taken away; all others are somewhere on their way."""
BATCH = 500
LOOK_S = 1.0
ALARM = "work waits for a server"
OVER = "work goes on, the server answers again"

_BREAKERS = "SELECT dependency, since, failures FROM work.breaker"
_ATTEMPTS = "SELECT max(attempt) FROM v1.file"
_TRIES = "SELECT max(try_number) FROM work.item"


@dataclass
class Found:
    """What was seen. ``alarms`` and ``breakers`` name what was away, each as often as it was said."""

    files: int
    away_s: float
    under_way: dict[str, int] = field(default_factory=dict)
    waiting_at_return: dict[str, int] = field(default_factory=dict)
    most_in_error: int = 0
    breakers: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    facts: dict[str, int] = field(default_factory=dict)
    attempts_at_most: int = 0
    tries_at_most: int = 0
    states: dict[str, int] = field(default_factory=dict)
    return_to_complete_s: float = 0.0
    probes: int = 0

    def faults(self) -> list[str]:
        """What is not as it was promised; empty: all held."""
        promised = {
            "all COMPLETE": self.states == {"COMPLETE": self.files},
            "no file ever in ERROR": self.most_in_error == 0 and "file.failed" not in self.facts,
            "one alarm": self.alarms == ["archive"],
            "one breaker": self.breakers == ["archive"],
            "said once that it is over": self.over == ["archive"],
            "no retry, no second attempt": "file.retried" not in self.facts and self.attempts_at_most == 1,
            "no second try of an item": self.tries_at_most == 1,
        }
        return [what for what, holds in promised.items() if not holds]


def s3_gone(site: LoneSite, *, files: int, away_s: float, say: Callable[[str], None]) -> Found:
    """Announce the files, take the store away when they are under way, bring it back, and wait for all of them."""
    client = Client(site.wiring, actor="scenario", reason="a scenario", source="scenario")
    found = Found(files, away_s)
    try:
        _announce(client, site.landing, files)
        until(lambda: states(client).get("COMPLETE", 0) >= UNDER_WAY * files, 300 + files / 5)
        site.servers["s3"].kill()
        found.under_way = states(client)
        say(f"s3 killed with {found.under_way}")
        _watch(client, found, until=time.monotonic() + away_s, say=say)
        found.waiting_at_return = states(client)
        site.servers["s3"].start()
        began = time.monotonic()
        say(f"s3 back, {found.waiting_at_return}")
        _watch(client, found, until=time.monotonic() + 300 + files / 5, say=say, files=files)
        found.return_to_complete_s = round(time.monotonic() - began, 1)
        until(lambda: not rows(client, _BREAKERS), 60)
        _sum_up(client, site, found)
    finally:
        client.close()
    return found


def _announce(client: Client, landing: Path, files: int) -> None:
    prepare(client, landing)
    events = [an_arrival(landing, number) for number in range(files)]
    for begin in range(0, files, BATCH):
        client.publish(SENDER, events[begin : begin + BATCH])


def _watch(
    client: Client, found: Found, *, until: float, say: Callable[[str], None], files: int | None = None
) -> None:
    """Look every second until then, or until all ``files`` are COMPLETE."""
    seen = {(name, None) for name in found.breakers}
    told_at = 0.0
    while time.monotonic() < until:
        now = states(client)
        found.most_in_error = max(found.most_in_error, now.get("ERROR", 0))
        for dependency, since, failures in rows(client, _BREAKERS):
            found.probes = max(found.probes, failures)
            if (dependency, since) not in seen:
                seen.add((dependency, since))
                if not (dependency in found.breakers and (dependency, None) in seen):
                    found.breakers.append(dependency)
        if now.get("COMPLETE") == files:
            return
        if time.monotonic() - told_at > 60:
            told_at = time.monotonic()
            say(f"{now}, {found.probes} probes")
        time.sleep(LOOK_S)


def _sum_up(client: Client, site: LoneSite, found: Found) -> None:
    found.states = states(client)
    found.facts = facts(client)
    found.attempts_at_most = rows(client, _ATTEMPTS)[0][0]
    found.tries_at_most = rows(client, _TRIES)[0][0]
    for line in site.log_of("consumers").read_text("utf-8").splitlines():
        said = json.loads(line)
        if said["message"] == ALARM:
            found.alarms.append(said["dependency"])
        if said["message"] == OVER:
            found.over.append(said["dependency"])


def main() -> int:
    """From the command line; 0 where every promise held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--away", type=float, default=60.0, help="seconds")
    parser.add_argument("--json", type=Path, help="where the figures go as JSON")
    given = parser.parse_args()
    began = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {words}", flush=True)

    with a_site_of_lone_servers(progress=say) as site:
        found = s3_gone(site, files=given.files, away_s=given.away, say=say)
    figures = json.dumps({**vars(found), "faults": found.faults()}, default=str, indent=1)
    if given.json is not None:
        given.json.write_text(figures + "\n")
    print(figures, flush=True)
    return 1 if found.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
