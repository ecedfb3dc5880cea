"""``meridian import``: an export into the empty servers of its site, until the site can go on. Killed, it goes on."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, text

from consumers.answer import Answer
from consumers.intake_watch import group_of
from events.envelope import UndecodableError
from events.log import Message, Place
from projectors.passed_over import pass_over
from service.installation import check_cluster, claim
from service.transplant import standing
from service.transplant.checking import check
from service.transplant.filling import fill_views, note_work
from service.transplant.folder import Written, lines_of
from service.transplant.lines import Line, message_of
from service.transplant.manifest import Manifest, Part, TransplantError
from service.transplant.tables import put_rows
from service.transplant.target import check_empty, check_nobody_works, forget_beginnings
from service.transplant.telling import Telling
from service.transplant.topics_of import make_topics
from service.transplant.writing import Restoring
from service.wiring import Wiring

if TYPE_CHECKING:
    from events.kafka_log import KafkaLog

__all__ = ["Import"]

_ANSWERS_AT_ONCE = 2000


@dataclass
class Import:
    """Of one export into one site. ``said`` is told now and then where it stands."""

    wiring: Wiring
    said: Callable[[str], None]
    _log: "KafkaLog" = field(init=False)
    _engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self._log = self.wiring.log(patience_s=30.0)
        self._engine = self.wiring.engine(pool_size=4)
        self._telling = Telling(self.said)
        self._restoring = Restoring(self._log, self.wiring.settings.site, self._telling)

    def close(self) -> None:
        """Let go."""
        self._log.close()
        self._engine.dispose()

    def run(self, folder: Path, *, actor: str, reason: str) -> Manifest:
        """Check, then write, then let the site begin. Raises TransplantError; started again it goes on."""
        manifest = Manifest.read(folder)
        self._check_site(manifest)
        check(folder, manifest, self._telling)
        with self._alone():
            self._begin(folder, manifest)
            self._bring(folder, manifest)
            with self._engine.begin() as connection:
                done = f"brought in {manifest.records('ledger')} records, exported {manifest.exported_at}"
                standing.end(connection, done=done, actor=actor, reason=reason)
        return manifest

    # --- whether it may

    def _check_site(self, manifest: Manifest) -> None:
        site = self.wiring.settings.site
        if manifest.site != site:
            raise TransplantError(
                f"found an export of the site {manifest.site}, wanted one of {site}: ids of records are made of the "
                f"site's name; correct --site or MERIDIAN_SITE, or name another export"
            )
        cluster_id = self._log.cluster_id()
        claim(self._engine, site=site, cluster_id=cluster_id)
        check_cluster(self._engine, cluster_id)
        with self._engine.connect() as connection:
            check_nobody_works(connection)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two at once would each take the other's records for a stranger's."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(_ALONE):
                raise TransplantError(
                    f"found another import into the site {self.wiring.settings.site} at work, wanted to be alone; wait "
                    "for it"
                )
            try:
                yield
            finally:
                connection.invalidate()  # the session's end lets go of the lock

    def _begin(self, folder: Path, manifest: Manifest) -> None:
        with self._engine.begin() as connection:
            if not standing.under_way(connection):
                check_empty(self._log, connection, self.wiring.topics)
                forget_beginnings(connection)
        if standing.begin(self._engine, manifest, str(folder.absolute())):
            self.said("this import had begun before: it goes on")
        with self._engine.connect() as connection:
            check_nobody_works(
                connection
            )  # whoever begins from here on sees the halt, and whoever has is seen

    # --- doing it

    def _bring(self, folder: Path, manifest: Manifest) -> None:
        """What decides comes first, what comes in from outside last: intake may be started by somebody too early."""
        make_topics(self._log, manifest, ("ledger", "requests"))
        passed = [each for part in manifest.of("ledger") for each in self._ledger(folder, part)]
        for machine in manifest.partitions:
            self._requests(folder, manifest, machine)
        with self._engine.begin() as connection:
            for name, message in passed:
                pass_over(connection, name, message)
            for part in manifest.of("table"):
                put_rows(connection, part.name, _rows(folder / part.file))
        fill_views(self._log, self.wiring.topics, self._engine, self._telling)
        note_work(self._log, self.wiring.topics, self._engine, self._telling)
        self._check_filled(manifest, len(passed))
        make_topics(self._log, manifest, ("deadletter", "answers", "inbox"))
        for part in manifest.of("deadletter"):
            self._letters(folder, part)
        for part in manifest.of("answers"):
            self._topic(folder, part)
            self._note_answered(folder, part)
        for part in manifest.of("inbox"):
            self._topic(folder, part)
        taken = {Place(part.name, part.partition): part.first for part in manifest.of("inbox")}
        self._restoring.committed(group_of(manifest.site), taken)

    def _ledger(self, folder: Path, part: Part) -> list[tuple[str, Message]]:
        """The records that every part passes over, as they stand now."""
        passed: set[int] = set()
        found: list[tuple[str, Message]] = []

        def messages() -> Iterator[Message]:
            for message, is_passed in _records(folder, part):
                if is_passed:
                    passed.add(message.offset)
                yield message

        def note(message: Message, offset: int) -> None:
            if message.offset in passed:
                found.append((part.name.split(".")[1], message._replace(offset=offset)))

        self._restoring.ledger(part, messages(), note)
        return found

    def _requests(self, folder: Path, manifest: Manifest, machine: str) -> None:
        """All of them, and where the decider goes on."""
        topics, decided = self.wiring.topics, dict[Place, int]()
        for part in manifest.of("requests"):
            if part.name == topics.requests(machine):
                decided[Place(part.name, part.partition)] = self._topic(folder, part)
        self._restoring.committed(topics.decider(machine), decided)

    def _topic(self, folder: Path, part: Part) -> int:
        """Where its first record that was not let go of stands now."""
        before = 0

        def note(message: Message, _offset: int) -> None:
            nonlocal before
            before += message.offset < (part.let_go or 0)

        self._restoring.topic(part, (each.message for each in _records(folder, part)), note)
        return part.first + before

    def _letters(self, folder: Path, part: Part) -> None:
        """Notes name dead letters by their offsets: where those have become others, so have the notes."""
        moved = _Moved()

        def messages() -> Iterator[Message]:
            for number, (message, _) in enumerate(_records(folder, part)):
                moved.note(message.offset, part.first + number)
                yield moved.renamed(message)

        self._restoring.topic(part, messages(), lambda _message, _offset: None)

    def _note_answered(self, folder: Path, part: Part) -> None:
        """What was answered is not answered again."""
        told: list[str] = []
        for message, _ in _records(folder, part):
            with suppress(UndecodableError):
                told += (
                    [event_id]
                    if isinstance(event_id := Answer.decode(message.value).about.get("id"), str)
                    else []
                )
            if len(told) >= _ANSWERS_AT_ONCE:
                self._close_answers(told)
                told.clear()
        self._close_answers(told)

    def _close_answers(self, event_ids: list[str]) -> None:
        with self._engine.begin() as connection:
            connection.execute(_ANSWERED, {"ids": event_ids})

    def _check_filled(self, manifest: Manifest, passed: int) -> None:
        """All of the ledger is in the views, before anybody goes by them."""
        with self._engine.connect() as connection:
            found = connection.execute(text("SELECT count(*) FROM projection.ledger")).scalar_one()
        wanted = manifest.records("ledger") - passed
        if found != wanted:
            raise TransplantError(
                f"the views: found {found} records, wanted {wanted}; start the same import again, and if it says so "
                "again, report a fault of meridian"
            )


class _Moved:
    """Offsets of a topic that had gaps, and what they have become: a pair where a stretch without gaps begins."""

    def __init__(self) -> None:
        self._old: list[int] = []
        self._new: list[int] = []

    def note(self, old: int, new: int) -> None:
        if not self._old or old - self._old[-1] != new - self._new[-1]:
            self._old.append(old)
            self._new.append(new)

    def renamed(self, message: Message) -> Message:
        """With the name of the dead letter that it is about as it is now."""
        headers = tuple(
            (name, self._id(value) if name == "about" else value) for name, value in message.headers
        )
        return message._replace(headers=headers)

    def _id(self, said: bytes) -> bytes:
        partition, _, offset = said.partition(b"/")
        if not offset.isdigit():
            return said
        at = bisect_right(self._old, int(offset)) - 1
        return said if at < 0 else b"%b/%d" % (partition, int(offset) - self._old[at] + self._new[at])


def _records(folder: Path, part: Part) -> Iterator[Line]:
    """The records of a file; raises TransplantError at its end where it is not what was checked."""
    written = Written()
    for line in lines_of(folder / part.file, written):
        yield message_of(line, part.name, part.partition)
    if written.sha256 != part.sha256:
        raise TransplantError(
            f"{folder / part.file}: found that it was changed while it was read, wanted it as it was checked; "
            "start the same import again from a copy that nobody writes to"
        )


def _rows(path: Path) -> Iterator[str]:
    return (line.decode() for line in lines_of(path, Written()))


_ALONE = text("SELECT pg_try_advisory_lock(hashtext('meridian.import'), 0)")
_ANSWERED = text("""
    UPDATE work.item SET state = 'done', finished_at = created_at
    WHERE effect = 'answer' AND state = 'open' AND event_id = ANY(CAST(:ids AS uuid[]))
""")
