"""A simulated site where one observing program goes all the way, whoever dies, and what has to have come of it."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import orjson

from consumers.breakers import PORTAL
from consumers.failures import Wait
from consumers.storage_errors import Stored
from events.chain import verify
from events.envelope import Record, decode_record
from events.log import Place
from events.types import format_time
from service.demo.metadata_store import MetadataStore
from tests.consumers.programs_given import OP_ID, VISP, dataset, wire
from tests.simulation import sql_programs
from tests.simulation.archive import Archive
from tests.simulation.scheduler import Scheduler, Task
from tests.simulation.site import TOPICS, Process, Site

__all__ = ["FAULTS", "Life", "ProgramSite"]

assert {sql_programs}  # what statements mean is written down there

STREAM = "roman"
PRODUCT = b"inverted"
FRAMES = {"data/AAAA/frame_0.fits": b"frame 0", "data/AAAA/frame_1.fits": b"frame 1"}
LONG_AGO = "2024-11-02T00:00:00Z"
ROUNDS_AT_MOST = 400
STEPS = ["package", "archive", "announce", "cite"]


class ProgramArchive(Archive):
    """An archive that effects on programs also read from."""

    def head(self, bucket: str, key: str) -> Stored | None:
        """What stands there."""
        self.scheduler.pause("head")
        body = self.objects.get(key)
        if body is None:
            return None
        return Stored(bucket, key, len(body), hashlib.sha256(body).hexdigest(), None, None, "", existed=True)

    def list_keys(self, _bucket: str, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Every key below the prefix with its size."""
        self.scheduler.pause("list")
        yield from ((key, len(body)) for key, body in sorted(self.objects.items()) if key.startswith(prefix))

    def get_to_file(self, _bucket: str, key: str, path: Path) -> tuple[int, str]:
        """The object's bytes in a file."""
        self.scheduler.pause("get")
        path.write_bytes(self.objects[key])
        return len(self.objects[key]), hashlib.sha256(self.objects[key]).hexdigest()


@dataclass
class Portal:
    """The metadata store at the other side of a wire that may break. ``faults``: ``refused`` or ``stands``."""

    scheduler: Scheduler
    store: MetadataStore = field(default_factory=MetadataStore)
    faults: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)

    def announce(self, publication: dict[str, Any], *, key: str) -> str:
        """The store's own id of the publication."""
        self.scheduler.pause("announce")
        fault = self.faults.pop(0) if self.faults else None
        if fault == "refused":
            raise Wait(PORTAL, "PORTAL_UNAVAILABLE", "told to be busy")
        self.asked[key] += 1
        found = self.store.announced(key, publication)["id"]
        if fault == "stands":
            raise Wait(PORTAL, "PORTAL_UNAVAILABLE", "the answer was lost")
        self.scheduler.pause("answer")
        return str(found)

    def uri_of(self, acknowledgement: str) -> str:
        """Where the store shows it."""
        return f"http://portal/{acknowledgement}"


class ProgramSite(Site):
    """The machine ``op`` with its home, an archive that has the frames, and a metadata store."""

    followed = ("op", "stream")

    def __init__(self, landing: Path) -> None:
        (landing / "products").mkdir()
        self.configuration = {
            "stream": STREAM,
            "senders": ["soc"],
            "roots": ["file:///"],
            "retry": {"tries": 20, "first_s": 5.0, "factor": 1.0, "max_s": 5.0},
            "programs": {
                "inputs": "s3://archive/data/{dataset}/",
                "work_area": (landing / "work").as_uri(),
                "output_roots": [(landing / "products").as_uri() + "/"],
                "prefix": "published/",
                "portal": "http://portal",
                "doi_prefix": "10.1234",
            },
        }
        super().__init__(landing)
        self.archive = ProgramArchive(self.scheduler, dict(FRAMES))
        self.portal = Portal(self.scheduler)

    def ports(self) -> dict[str, Any]:
        return {"portal": lambda _url: self.portal}

    def records(self) -> list[tuple[Record, bytes]]:
        """The whole ledger of the program, each record following from the one before."""
        found: list[tuple[Record, bytes]] = []
        chain = ""
        for offset, value in self.values(Place(TOPICS.events("op"), 0)):
            record = decode_record(value, partition=0, offset=offset)
            assert record.sequence == len(found) + 1, (
                f"law 1: {record.type} has the sequence {record.sequence}"
            )
            chain = verify(chain, value)
            found.append((record, value))
        return found


FAULTS = (
    "kill", "kill", "freeze", "kill decider", "kill dispatch", "put refused", "put stands", "announce refused",
    "announce stands", "send lost", "send landed", "session cut", "session stands", "time passes",
)  # fmt: skip


class Life:
    """One program from its discovery to the public: people ask what they may, the site does the rest."""

    def __init__(self, landing: Path) -> None:
        self.site = ProgramSite(landing)
        self.calls = 0
        self._asked: set[str] = set()
        self._landing = landing
        self._workers: list[Process] = []
        self._frozen: dict[Process, int] = {}
        self._others = {
            kind: self.site.start(kind, machine="op") for kind in ("decider", "dispatch", "timers")
        }
        self._begin_worker()

    def go(self, course: Iterator[tuple[int, str]]) -> None:
        """Until it is published and nothing moves. ``course``: after so many of a worker's calls, what goes wrong."""
        left, fault = next(course, (0, ""))
        quiet = 0
        for _ in range(ROUNDS_AT_MOST):
            before = self.site.standing()
            self._people()
            for process in self._others.values():
                self.site.scheduler.proceed(process.tasks[0], 10_000)
            for at_work in [(worker, task) for worker in self._workers for task in worker.tasks]:
                while self._goes_on(*at_work):
                    left -= 1
                    if fault and left <= 0:
                        self._wrong(fault)
                        left, fault = next(course, (0, ""))
            self._tend()
            is_due = bool(fault or self._frozen)  # who stands still may hold what others wait for
            is_still = self.site.standing() == before and self._is_published() and not is_due
            quiet = quiet + 1 if is_still else 0
            if quiet == 3:
                return
            self.site.clock.now += timedelta(seconds=2)
        raise AssertionError(f"no rest after {ROUNDS_AT_MOST} rounds: {self._told()}")

    def _goes_on(self, worker: Process, task: Task) -> bool:
        """One port call; False once it has nothing to do for now, or can't."""
        if worker in self._frozen:
            return False
        self.calls += 1
        self.site.scheduler.proceed(task, 1)
        return not task.is_over and not task.is_idle

    # --- people ---

    def _people(self) -> None:
        """Whoever has to speak next does, once."""
        site, facts = self.site, [r for r, _ in self.site.records() if not r.is_refusal]
        last = facts[-1].type if facts else ""
        if not facts:
            seen = dataset(
                created_at=LONG_AGO,
                frames=2,
                values=dict.fromkeys(("health.good", "gos.open", "ao_locked"), 2),
            )
            self._ask_once("op.discover", {"source": "catalogue", "datasets": wire(seen)})
        elif last == "op.preprocessed":
            lease = {"lease_from": format_time(site.clock.now), "lease_s": 864_000}
            self._ask_once("op.claim", {"program": VISP, **lease}, actor="ann")
        elif last == "op.claimed":
            self._ask_once("op.hand_in", self._hand_in(), attempt=1, actor="ann")
        elif last == "op.inverted":
            self._ask_once("op.review", {"decision": "accept", "note": "fine"}, attempt=1, actor="bob")
        elif last == "op.accepted":
            self._ask_once("op.publish", {}, attempt=1, actor="publisher")

    def _ask_once(self, request: str, data: dict[str, Any], **more: Any) -> None:
        if request not in self._asked:
            self._asked.add(request)
            self.site.ask(request, OP_ID, data, **more)

    def _hand_in(self) -> dict[str, Any]:
        path = self._landing / "products" / "inv.fits"
        path.write_bytes(PRODUCT)
        output = {"name": path.name, "uri": path.as_uri(), "sha256": hashlib.sha256(PRODUCT).hexdigest()}
        software = {"repository": "https://example.org/inv.git", "commit": "1234567"}
        return {"outputs": [output], "inputs": ["AAAA"], "software": software}

    # --- what goes wrong ---

    def _wrong(self, fault: str) -> None:
        site = self.site
        deeds: dict[str, Callable[[], object]] = {
            "kill": lambda: site.kill(self._workers[-1]),
            "freeze": self._freeze,
            "kill decider": lambda: site.kill(self._others["decider"]),
            "kill dispatch": lambda: site.kill(self._others["dispatch"]),
            "put refused": lambda: site.archive.faults.append("refused"),
            "put stands": lambda: site.archive.faults.append("stands"),
            "announce refused": lambda: site.portal.faults.append("refused"),
            "announce stands": lambda: site.portal.faults.append("stands"),
            "send lost": lambda: site.log.send_faults.append("lost"),
            "send landed": lambda: site.log.send_faults.append("landed"),
            "session cut": lambda: site.database.faults.append("cut"),
            "session stands": lambda: site.database.faults.append("stands"),
            "time passes": self._time_passes,
        }
        deeds[fault]()

    def _freeze(self) -> None:
        """The worker stands where it is until its leases are over and a successor is at work; then it goes on."""
        self._frozen[self._workers[-1]] = 3
        self._time_passes()

    def _time_passes(self) -> None:
        self.site.clock.now += timedelta(seconds=40)

    def _tend(self) -> None:
        """Whoever is gone is started again."""
        for kind, process in self._others.items():
            if process.is_over:
                self._others[kind] = self.site.start(kind, machine="op")
        self._workers = [each for each in self._workers if not each.is_over]
        for worker, rounds in list(self._frozen.items()):
            self._frozen[worker] = rounds - 1
            if rounds == 0:
                del self._frozen[worker]
        if not set(self._workers) - self._frozen.keys():
            self._begin_worker()

    def _begin_worker(self) -> None:
        self._workers.append(self.site.start("worker"))

    # --- what has to come of it ---

    def check(self) -> None:
        """Published once, announced once, each object there once; no work is left, and nobody died of a bug."""
        site, records = self.site, self.site.records()
        facts = [record for record, _ in records if not record.is_refusal]
        kinds = Counter(record.type for record in facts)
        assert facts[-1].tostate == "Published", self._told()
        assert {kind: kinds[kind] for kind in ("op.preprocessed", "op.inverted", "op.published")} == {
            "op.preprocessed": 1, "op.inverted": 1, "op.published": 1,
        }  # fmt: skip
        assert [r.data["step"] for r in facts if r.type == "op.step_done"] == STEPS
        requests = Counter(record.requestid for record, _ in records)
        assert set(requests.values()) == {1}, "law 2: a request has two records"
        assert len(site.portal.store.keys_of(OP_ID)) == len(site.portal.asked) == 1, site.portal.asked
        (shown,) = site.portal.store.shown.values()
        self._check_archive(facts, shown)
        for item in site.database.rows("work.item"):
            assert item["state"] in {"done", "stale"}, f"left undone: {item}"
        for process in site.processes:
            for task in process.tasks:
                assert task.error is None, f"{task.name} died: {task.error!r}"

    def _check_archive(self, facts: list[Record], shown: dict[str, Any]) -> None:
        """What the public is told of is there, what is there is told of, and all of it was put once."""
        archive = self.site.archive
        assert set(archive.puts.values()) == {1}
        manifest = self._object(shown["manifest"]["uri"], shown["manifest"]["sha256"])
        named = {each["uri"]: each["sha256"] for each in [*manifest["objects"], manifest["provenance"]]}
        for uri, sha256 in named.items():
            assert hashlib.sha256(archive.objects[_key(uri)]).hexdigest() == sha256
        drafts = [key for key in archive.puts if "/datacite-" in key]
        known = {_key(shown["manifest"]["uri"]), *map(_key, named), *drafts}
        assert (set(archive.puts), len(drafts)) == (known, 1)
        staged = next(record for record in facts if record.type == "op.preprocessed")
        assert staged.data["files"] == len(FRAMES)

    def _object(self, uri: str, sha256: str) -> dict[str, Any]:
        body = self.site.archive.objects[_key(uri)]
        assert hashlib.sha256(body).hexdigest() == sha256
        return cast("dict[str, Any]", orjson.loads(body))

    def _is_published(self) -> bool:
        records = self.site.records()
        return bool(records) and records[-1][0].tostate == "Published"

    def _told(self) -> list[Any]:
        told = [
            (r.type, r.tostate, r.data.get("reasons"), r.data.get("message")) for r, _ in self.site.records()
        ]
        items = [(i["effect"], i["state"], i["last_error"]) for i in self.site.database.rows("work.item")]
        return [*told, *[each for each in items if each[1] not in {"done", "stale"}]]


def _key(uri: str) -> str:
    return uri.removeprefix("s3://archive/")
