"""What goes wrong in a night: each mishap spoils files, or what is said of them, and tells what is to come."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from service.demo.announcement import Announcement, Outcome, event_id, seen
from service.demo.desk import COMPLETE, Desk, invalid
from service.demo.spoil import cut, edit_fits, edit_tree, fits_values, laughs, picture
from service.demo.streams import DKIST, KECK, ROMAN

__all__ = ["MISHAPS", "Mishap"]

Spoil = Callable[[list[Path], Desk, "Mishap"], Iterator[Announcement]]


@dataclass(frozen=True, slots=True)
class Mishap:
    """One thing that goes wrong on ``stream``; it needs ``spares`` good files and ends in ``outcome``."""

    name: str
    stream: str
    outcome: Outcome
    spares: int
    spoil: Spoil

    def announce(self, path: Path, desk: Desk) -> Announcement:
        """Announce a file of this mishap with the outcome written beside it."""
        return desk.announce(self.stream, path, self.outcome, mishap=self.name)

    def happen(self, spares: list[Path], desk: Desk) -> list[Announcement]:
        """Spoil the spare files, and say what their senders say of them."""
        return list(self.spoil(spares, desk, self))


MISHAPS: list[Mishap] = []
"""All of them, in the order they happen."""


def mishap(stream: str, outcome: Outcome, *, spares: int = 1) -> Callable[[Spoil], Spoil]:
    """Enter a function among the mishaps under its name."""

    def enter(spoil: Spoil) -> Spoil:
        MISHAPS.append(Mishap(spoil.__name__, stream, outcome, spares, spoil))
        return spoil

    return enter


@mishap(KECK, invalid("SIZE_MISMATCH"))
def cut_in_transfer(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """The copy broke off; the announcement tells what the file was before."""
    whole = seen(KECK, spares[0])
    cut(spares[0], 0.6)
    yield replace(this.announce(spares[0], desk), size_bytes=whole.size_bytes, sha256=whole.sha256)


@mishap(KECK, invalid("TRUNCATED"))
def cut_before_announced(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """The disk of the sender was full; the announcement is true to the stump."""
    cut(spares[0], 0.6)
    yield this.announce(spares[0], desk)


@mishap(ROMAN, invalid("TRUNCATED"))
def image_cut_before_announced(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """The tree is whole, the last blocks are not."""
    cut(spares[0], 0.9)
    yield this.announce(spares[0], desk)


@mishap(ROMAN, invalid("SCHEMA_VIOLATION"))
def key_missing(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """A required key of the schema is not there."""
    edit_tree(spares[0], lambda tree: tree.replace("    telescope: ROMAN\n", ""))
    yield this.announce(spares[0], desk)


@mishap(ROMAN, invalid("SCHEMA_VIOLATION"))
def key_illegal(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """A key has a value that the schema does not know."""
    edit_tree(spares[0], lambda tree: tree.replace("type: WFI_IMAGE", "type: WFI_SNAPSHOT"))
    yield this.announce(spares[0], desk)


@mishap(DKIST, invalid("SCHEMA_VIOLATION"))
def keyword_missing(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """A required keyword of the data centre's specification is not there."""
    edit_fits(spares[0], lambda header: header.remove("PROP_ID"))
    yield this.announce(spares[0], desk)


@mishap(KECK, invalid("DUPLICATE_KEYWORD"))
def keyword_twice(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """A keyword stands there twice, with two values: nobody can say which is meant."""
    edit_fits(spares[0], lambda header: header.append(("PROGNAME", "K999", "set again"), end=True))
    yield this.announce(spares[0], desk)


@mishap(KECK, invalid("EMPTY_FILE"))
def empty(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """The file was made and never written."""
    spares[0].write_bytes(b"")
    yield this.announce(spares[0], desk)


@mishap(DKIST, invalid("CHECKSUM_MISMATCH"))
def sum_wrong(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """The file is good; its announcement has the checksum of another."""
    other = hashlib.sha256(b"another file").hexdigest()
    yield replace(this.announce(spares[0], desk), sha256=other)


@mishap(KECK, invalid("NOT_THE_FORMAT"))
def picture_with_a_fits_name(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """Somebody saved the quick look under the name of the exposure."""
    spares[0].write_bytes(picture())
    yield this.announce(spares[0], desk)


@mishap(DKIST, invalid("NOT_THE_FORMAT"))
def text_with_a_fits_name(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """A download that is the error page of its server."""
    spares[0].write_text("<html><body><h1>502 Bad Gateway</h1></body></html>\n", "utf-8")
    yield this.announce(spares[0], desk)


@mishap(ROMAN, invalid("UNSAFE_CONTENT"))
def billion_laughs(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """Nine lines of aliases that stand for a thousand million words."""
    edit_tree(spares[0], lambda tree: tree.replace("\nroman: ", f"\n{laughs()}roman: ", 1))
    yield this.announce(spares[0], desk)


@mishap(ROMAN, invalid("UNSAFE_CONTENT"))
def array_elsewhere(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """The image is said to lie in another file, which a reader would fetch."""
    elsewhere = "source: 'http://169.254.169.254/latest/meta-data'"
    edit_tree(spares[0], lambda tree: tree.replace("source: 0\n", f"{elsewhere}\n", 1))
    yield this.announce(spares[0], desk)


@mishap(ROMAN, COMPLETE)
def told_twice(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """The sender's second process tells of the same file: one more witness, no new work."""
    first = this.announce(spares[0], desk)
    yield first
    yield replace(first, event_id=event_id(desk.seed, "told twice", spares[0].name))


@mishap(KECK, COMPLETE)
def delivered_twice(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """The same message, twice: the sender saw no answer and sent it again."""
    first = this.announce(spares[0], desk)
    yield first
    yield first


@mishap(ROMAN, Outcome("COMPLETE", version=2))
def sent_again_with_other_content(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """The operations centre calibrates anew: the same name, other content, a second version."""
    yield this.announce(spares[0], desk)
    again = spares[0].parent / "resent" / spares[0].name
    again.parent.mkdir(exist_ok=True)
    shutil.copyfile(spares[0], again)
    old, new = "calibration_software_version: 0.20.0", "calibration_software_version: 0.20.1"
    edit_tree(again, lambda tree: tree.replace(old, new))
    yield this.announce(again, desk)


@mishap(KECK, Outcome("ERROR", "IDENTITY_CONFLICT"), spares=3)
def clock_stands_still(spares: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """Two exposures of a camera carry one time, so one archive identity: the first to reserve it keeps it."""
    first, between, second = spares  # the cameras take turns
    yield desk.announce(KECK, first, mishap=this.name)
    yield desk.announce(KECK, between)
    time = fits_values(first, "DATE-OBS", "UT", "UTC")
    edit_fits(second, lambda header: header.update(time))
    yield this.announce(second, desk)
    desk.rivals.append(frozenset(file.subject for file in desk.files if file.path in {first, second}))


@mishap(KECK, Outcome(None, "BAD_NAME"), spares=0)
def another_instrument(_: list[Path], desk: Desk, this: Mishap) -> Iterator[Announcement]:
    """A good NIRES file is sent to KCWI's stream, whose pattern does not know such names."""
    from service.demo import keck

    path = keck.write_nires(desk.landing / KECK, seed=desk.seed, night=desk.night)
    yield this.announce(path, desk)
