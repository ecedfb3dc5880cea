"""Lists of sums beside the files that they name: what is read, what facts oblige to, and a site where files differ."""

import hashlib
import json
from collections import Counter
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine, text

from consumers.arrival import logical_name
from consumers.child import ChildFailure, ChildResult, Inspector, Usage
from consumers.child_at_work import MAX_RESULT_BYTES
from consumers.effects import STEPS
from consumers.effects.ingest import _has_manifests
from consumers.effects.long_lists import may_be_long, tell_long_list
from consumers.effects.manifests import tell_listed
from consumers.failures import Failed
from consumers.formats import FORMATS, Expected
from consumers.formats.checksum_table import MAX_REPORTED_BYTES
from consumers.obligations import obligations
from consumers.owed import ItemOwed
from consumers.steps import LOT, Steps
from events.file import Brief, Content
from events.file_manifest import AttestFile
from events.stream import StreamConfiguration
from projectors.manifest_entry import entries, standing_of
from service.audit.findings import Tally
from service.audit.owed_check import check_owed
from service.beside_told import awaited_told, listed_told
from tests.consumers.formats.companions import sums_bytes
from tests.consumers.test_sidecars import at_work, in_place
from tests.consumers.work_site import WorkSite
from tests.machines.given import STARTED, Story, arrival, current, findings

__all__ = ["in_place"]

LISTS = ({"pattern": r".*\.md5", "value": "checksum-table"},)


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def a_stream(**more) -> StreamConfiguration:
    return StreamConfiguration.model_validate({"stream": "keck", "formats": LISTS, **more})


@pytest.mark.parametrize("wanted", [True, False])
def test_a_file_is_summed_as_lists_sum_it_in_the_same_read_where_that_is_wanted(tmp_path, wanted):
    path = tmp_path / "a.bin"
    path.write_bytes(b"some bytes" * 100_000)
    found = FORMATS["any"].inspect(path, Expected(path.name, md5=wanted))
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.md5 == (md5(path.read_bytes()) if wanted else None)


def test_it_is_wanted_where_lists_come_with_the_files():
    assert _has_manifests(a_stream())
    assert _has_manifests(a_stream(formats=(), format="checksum-table"))
    assert not _has_manifests(a_stream(formats=()))
    assert not _has_manifests(a_stream(formats=({"pattern": "a", "value": "unheard-of"},)))


def listed(tmp_path, count: int, **wanted):
    path = tmp_path / "n.md5"
    path.write_bytes(sums_bytes(*[f"{md5(str(n).encode())}  file{n:05}.fits" for n in range(count)]))
    return FORMATS["checksum-table"].inspect(path, Expected(path.name, **wanted))


def test_a_list_tells_its_sums_whole_where_a_record_has_room_for_them(tmp_path):
    found = listed(tmp_path, 1_500)
    assert len(found.sums) == 1_500, "more than has room in the metadata"
    assert found.sums["file00007.fits"] == md5(b"7")
    assert listed(tmp_path, 1_500, sums_from=0).sums is None, "nor is it told twice"
    assert listed(tmp_path, 4_000).sums is None


def test_a_longer_list_is_told_in_parts_that_a_child_can_say(tmp_path):
    parts, first = list[dict[str, str]](), 0
    while found := listed(tmp_path, 20_000, sums_from=first).sums:
        parts.append(found)
        first += len(found)
    assert len(parts) > 1
    assert all(len(json.dumps(part)) < MAX_RESULT_BYTES / 2 for part in parts)
    names = [name for part in parts for name in part]
    assert names == [f"file{number:05}.fits" for number in range(20_000)]
    assert parts[-1]["file19999.fits"] == md5(b"19999")


def in_this_process(path, form, expected):
    return ChildResult(FORMATS[form].inspect(path, expected), None, Usage())


def told_of(path, *, inspect=in_this_process, sha256=None, **stream):
    """What the effect asks for a list of the stream keck."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    brief = Brief(
        content=Content(uri=path.as_uri()), role="manifest", sha256=sha256 or found,
        size_bytes=path.stat().st_size,
    )  # fmt: skip
    item = SimpleNamespace(stream="keck", subject="keck/n.md5", version=2, cause=CAUSE)
    tools = SimpleNamespace(inspector=SimpleNamespace(inspect=inspect))
    assert may_be_long(brief)
    return list(tell_long_list(item, tools, path, brief, a_stream(**stream), path.name))  # type: ignore[arg-type]


CAUSE = "7d1cf5a1-3f0c-5d5e-9a35-0d6d5b5f0c11"


def test_a_long_list_speaks_to_each_file_once_and_with_the_same_words_however_often(tmp_path):
    listed(tmp_path, 12_000)
    asks = told_of(tmp_path / "n.md5")
    assert [ask.subject for ask in asks] == [f"keck/file{number:05}" for number in range(12_000)]
    assert asks[7].request == AttestFile(manifest="n.md5", manifest_version=2, algorithm="MD5", sum=md5(b"7"))
    assert len({ask.id for ask in asks}) == 12_000
    assert not any(ask.is_report for ask in asks)
    assert [ask.id for ask in told_of(tmp_path / "n.md5")] == [ask.id for ask in asks]


def test_a_list_that_is_not_what_was_validated_says_nothing(tmp_path):
    listed(tmp_path, 4_000)
    assert told_of(tmp_path / "n.md5", sha256="0" * 64) == []


def test_a_short_list_is_not_told_twice(tmp_path):
    listed(tmp_path, 1_500)
    assert told_of(tmp_path / "n.md5") == []


def test_a_list_that_cannot_be_read_for_now_is_tried_again(tmp_path):
    listed(tmp_path, 4_000)
    held_up = ChildFailure("READER_HELD_UP", "infrastructure", "busy")
    with pytest.raises(Failed) as caught:
        told_of(tmp_path / "n.md5", inspect=lambda *_: ChildResult(None, held_up, Usage()))
    assert (caught.value.code, caught.value.failure_class) == ("READER_HELD_UP", "transient")


def test_a_list_whose_reader_is_at_fault_waits_for_other_code(tmp_path):
    listed(tmp_path, 4_000)
    broken = ChildFailure("READER_BUG", "code", "KeyError: 'sums'")
    with pytest.raises(Failed) as caught:
        told_of(tmp_path / "n.md5", inspect=lambda *_: ChildResult(None, broken, Usage()))
    assert (caught.value.code, caught.value.failure_class) == ("READER_BUG", "code")


def test_only_lists_are_looked_into_for_sums():
    brief = Brief(
        content=Content(uri="file:///a.md5"), role="manifest", sha256="0" * 64, size_bytes=10_000_000
    )
    assert may_be_long(brief)
    assert not may_be_long(brief.model_copy(update={"role": "primary"}))
    assert not may_be_long(brief.model_copy(update={"size_bytes": MAX_REPORTED_BYTES // 4}))


def test_of_many_requests_some_are_on_the_log_before_the_next_are_asked_for(monkeypatch):
    waited: list[int] = []
    reporting = SimpleNamespace(
        send=lambda ask: ask, acknowledged=lambda sent: waited.append(len(sent)), finish=lambda _: None
    )
    asks = [SimpleNamespace(is_report=False)] * (2 * LOT + 3)
    monkeypatch.setitem(STEPS, "remove", lambda _item, _tools: iter(asks))
    monkeypatch.setattr("consumers.steps.UNREPORTED", {"remove"})
    steps = Steps(SimpleNamespace(), reporting)  # type: ignore[arg-type]
    steps._run(SimpleNamespace(effect="remove", payload={}, is_taken_over=False))  # type: ignore[arg-type]
    assert waited == [LOT, LOT, 3]


def a_list(sums: dict[str, str]):
    story = Story("file", "keck/n.md5")
    story.ask("arrive", {**arrival(), "role": "manifest"})
    story.ask("start", STARTED, **current(story))
    return story.ask("validated", findings(sums=sums), **current(story))


def test_each_file_that_a_list_names_is_told_once():
    fact = a_list({"a.fits": "0" * 32, "b.fits": "1" * 32})
    items = [each for each in obligations(fact) if isinstance(each, ItemOwed) and each.effect == "attest"]
    assert [(each.payload["name"], each.payload["sum"]) for each in items] == [
        ("a.fits", "0" * 32), ("b.fits", "1" * 32),
    ]  # fmt: skip
    assert len({each.event_id for each in items}) == 2
    assert items[0].event_id == fact.id
    assert {each.payload["cause"] for each in items} == {fact.id}


def an_item(**payload):
    told = {"manifest": "n.md5", "sum": "0" * 32, "stream_version": 1, **payload}
    return SimpleNamespace(payload=told, stream="keck", version=2, report_id="r", item=None)


@pytest.mark.parametrize(
    ("name", "stream", "subject"),
    [
        ("a.fits", {}, "keck/a"),
        ("a.fits", {"strip_suffix": False}, "keck/a.fits"),
        ("a.jpg", {"roles": ({"pattern": r".*\.jpg", "value": "preview"},)}, "keck/a.jpg"),
        ("m.md5", {}, "keck/m.md5"),
    ],
)
def test_a_list_speaks_to_the_file_as_the_stream_calls_it(name, stream, subject):
    configuration = a_stream(**stream)
    assert f"keck/{logical_name(name, configuration)}" == subject
    tools = SimpleNamespace(configurations=SimpleNamespace(of=lambda _stream, _version: configuration))
    ((_, ask),) = tell_listed([an_item(name=name)], tools)  # type: ignore[arg-type]
    assert (ask.subject, ask.is_report) == (subject, True)
    assert ask.request == AttestFile(manifest="n.md5", manifest_version=2, algorithm="MD5", sum="0" * 32)
    sha = an_item(name=name, sum="f" * 64)
    ((_, other),) = tell_listed([sha], tools)  # type: ignore[arg-type]
    assert other.request.algorithm == "SHA-256"


def test_a_site_where_files_come_before_their_list_after_it_and_never(in_place: WorkSite, database: Engine):
    with Inspector(("any", "checksum-table")) as inspector, at_work(in_place) as site:
        inspector.wait_ready()
        site.inspector = inspector
        site.start_worker()
        site.stream("keck", formats=LISTS, transfer={"mode": "in_place"})
        contents = {name: name.encode() for name in ("early", "late", "broken", "missing")}
        sums = {**{name: md5(content) for name, content in contents.items()}, "broken": "0" * 32}

        def announce(name: str, content: bytes, **more) -> str:
            path = site.place(name, content, stream="keck")
            told = {"content": {"uri": path.as_uri()}, "witness": name, "stream_version": 1, **more}
            subject = f"keck/{name if more else path.stem}"
            site.ask("file.arrive", subject, told, correlationid=name)
            return subject

        for name in ("early", "broken"):
            site.wait(announce(f"{name}.bin", contents[name]), "COMPLETE")
        lines = [f"{sums[name]}  {name}.bin" for name in contents]
        site.wait(announce("n.md5", sums_bytes(*lines), role="manifest"), "COMPLETE")
        site.wait(announce("late.bin", contents["late"]), "COMPLETE")
        site.until(lambda: len(entries_of(database)) == 4 and entries_of(database)["keck/late"] == "agrees")
        assert entries_of(database) == {
            "keck/missing": "missing",
            "keck/broken": "differs",
            "keck/early": "agrees",
            "keck/late": "agrees",
        }
        with database.connect() as connection:
            (row,) = connection.execute(text("SELECT file, code, found, wanted FROM v1.warning"))
            assert tuple(row) == ("keck/broken", "MANIFEST_MISMATCH", md5(contents["broken"]), sums["broken"])
            standing = standing_of(connection, "keck", "n.md5")
            told = "\n".join(listed_told(None, standing))
            assert "1 have not come: keck/missing" in told
            assert "1 have another sum: keck/broken" in told
            (missing,) = entries(connection, standing="missing", stream="keck")
            assert "it has not come" in awaited_told(missing)
            tally = Tally()
            check_owed(connection.connection.driver_connection, site.topics.site, tally)
            assert tally.counters["lost"].found == 0, tally.counters["lost"].offenders


def test_a_site_with_a_list_that_is_too_long_for_one_record(in_place: WorkSite, database: Engine):
    with Inspector(("any", "checksum-table")) as inspector, at_work(in_place) as site:
        inspector.wait_ready()
        site.inspector = inspector
        site.start_worker()
        site.stream("keck", formats=LISTS, transfer={"mode": "in_place"})
        path = site.place("broken.bin", b"broken", stream="keck")
        told = {"content": {"uri": path.as_uri()}, "witness": "one", "stream_version": 1}
        site.ask("file.arrive", "keck/broken", told)
        site.wait("keck/broken", "COMPLETE")
        lines = [f"{'0' * 32}  broken.bin", *(f"{md5(b'')}  never{number:04}.bin" for number in range(2_400))]
        path = site.place("n.md5", sums_bytes(*lines), stream="keck")
        site.ask("file.arrive", "keck/n.md5", {**told, "content": {"uri": path.as_uri()}, "role": "manifest"})
        site.wait("keck/n.md5", "COMPLETE")
        site.until(lambda: len(entries_of(database)) == len(lines), timeout_s=60.0)
        assert Counter(entries_of(database).values()) == {"missing": 2_400, "differs": 1}
        assert entries_of(database)["keck/broken"] == "differs"


def entries_of(database: Engine) -> dict[str, str]:
    with database.connect() as connection:
        return {row["file"]: row["standing"] for row in entries(connection, limit=5_000)}
