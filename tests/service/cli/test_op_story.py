"""One observing program from the catalogue to its withdrawal, as people type it; each refusal with its reasons."""

import json

import pytest

from consumers.policies import criteria
from events.op_asks import ReportOpInverted, ReportOpPublished, ReportOpStepDone, ReportOpWithdrawn
from events.op_requests import FailOp, JudgeOp, ReportOpNotNeeded
from machines.program.verdict import judge
from service.cli.errors import ATTENTION, FINE
from tests.consumers.catalogue.making import a_record, write_catalogue
from tests.service.cli.command_line import meridian

OP, PROGRAM = "eid_1_7_opX_R001.7", "id.7.1"
ORCID = "0000-0002-1825-0097"


@pytest.fixture
def asked(capsys):
    """What became of one request: the code and the row that was printed."""

    def ask(verb, *arguments, actor="ada", subject=OP):
        said = meridian(capsys, "op", verb, subject, *arguments, "--actor", actor, "-o", "json")
        assert said.out, said
        return said.code, json.loads(said.out)[0]

    return ask


@pytest.fixture
def done(asked):
    def ask(*arguments, **more):
        code, row = asked(*arguments, **more)
        assert (code, row["result"]) == (FINE, "accepted"), row
        return row["state"]

    return ask


@pytest.fixture
def refused(asked):
    def ask(*arguments, **more):
        code, row = asked(*arguments, **more)
        assert (code, row["result"]) == (ATTENTION, "refused"), row
        return row["reasons"]

    return ask


@pytest.fixture
def staged(site_running, capsys, tmp_path, done):
    """The program is there, complete, judged and ready to be worked on."""
    path = write_catalogue(tmp_path / "datasets.json", [a_record("AAAAA", OP, PROGRAM)])
    assert meridian(capsys, "op", "scan", str(path)).code == FINE
    assert done("ready", "--reason", "asked the summit") == "Discovered"
    from service.scanning import known

    [each] = known(site_running.client)
    assert each.dataset is not None
    verdict = judge(PROGRAM, [each.dataset], criteria())
    site_running.asks(OP, JudgeOp(verdict=verdict))
    because = "inputs are read where they are"
    site_running.asks(OP, ReportOpNotNeeded(program=PROGRAM, cover=verdict.cover, because=because))
    return site_running


def test_claims_are_leased_refused_handed_over_and_given_back(staged, done, refused):
    assert done("claim", "--orcid", ORCID, "--lease", "2d") == "Working"
    [why] = refused("claim", actor="bob")
    assert why.startswith(f"attempt 1 of ada holds {PROGRAM} until 20")
    assert refused("claim") == ["ada has the claim already"]
    done("claim", "--beside", "1", "--reason", "another method", actor="bob")
    done("release", actor="bob")
    done("extend", "--lease", "30d")
    [shorter] = refused("extend", "--lease", "1h")
    assert "it ends at" in shorter
    done("hand-over", "--to", "cyd", "--orcid", ORCID)
    [whose] = refused("release")
    assert "release is for cyd, who has attempt 1; anybody else needs a reason" in whose
    assert done("release", actor="cyd") == "Preprocessed"


def test_what_operators_ask_is_a_fact_with_its_reason(staged, done, refused, capsys):
    done("prioritise", "--priority", "10", "--mark", "--reason", "for a talk")
    done("assign", "--owner", "ada", "--lead", "cyd", "--due", "2030-01-01", "--lead-due", "2030-02-01",
         "--reason", "hers")  # fmt: skip
    done("hold", "--reason", "look first")
    assert refused("claim") == ["the OP is held; unhold it first"]
    done("unhold", "--reason", "looked")
    [since] = refused("note", "seen by ada", "--expected-sequence", "1")
    assert since.startswith("expected the last fact at sequence 1, found ")
    done("note", "seen by ada", "--expected-sequence", since.rpartition(" ")[2])
    failure = FailOp(
        step="preprocess", code="DISK_FULL", failure_class="transient", message="no room", program=PROGRAM
    )
    staged.asks(OP, failure)
    assert done("recover", "--reason", "room made") == "Preprocessed"
    assert done("requalify", "--reason", "criteria were mended") == "Discovered"
    assert refused("publish")
    assert refused("hold", "--reason", "x", subject="nobody")

    list_known(staged)
    said = meridian(capsys, "op", "history", OP, "-o", "json")
    history = {row["type"]: row for row in json.loads(said.out)}
    assert history["op.judged"]["told"].endswith("pass by visp v1")
    assert history["op.failed"]["told"] == "DISK_FULL, no room, step preprocess"
    assert history["op.held"]["reason"] == "look first"
    assert history["op.assigned"]["told"].startswith("owner ada")
    assert history["op.noted"]["told"] == "seen by ada"
    assert "publish refused" in history["op.refused"]["told"]


def list_known(staged):
    """Wait until the views have everything."""
    from service.scanning import known

    return list(known(staged.client))


def test_products_are_handed_in_reviewed_by_another_published_and_withdrawn(staged, done, refused, tmp_path):
    done("claim")
    reasons = refused("invert", "--product", "s3://work/cube.asdf", "--input", "ZZZZZ", "--commit", "not-hex")
    assert [reason.partition(":")[0] for reason in reasons] == [
        "sha256 of cube.asdf",
        f"inputs not of the program {PROGRAM}",
        "found no repository of the software, wanted its address",
        "software commit",
    ]
    product = tmp_path / "cube.fits"
    product.write_bytes(b"SIMPLE  =")
    software = ("--repository", "https://example.org/inversion.git", "--commit", "0a1b2c3")
    done("invert", "--product", str(product), "--input", "AAAAA", *software)
    staged.asks(OP, ReportOpInverted(outputs_verified=1, size_bytes=9, commit="found"), attempt=1)
    [self_review] = refused("review", "accept", "--note", "mine is good")
    assert "ada has worked on attempt 1 (ada); somebody else has to review it" in self_review
    done("review", "rework", "--note", "mind the edges", "--lease", "3d", actor="bob")
    done("invert", "--product", str(product), "--input", "AAAAA", *software)
    staged.asks(OP, ReportOpInverted(outputs_verified=1, size_bytes=9, commit="found"), attempt=1)
    done("review", "accept", "--note", "good", actor="bob")
    assert done("publish") == "Inverted"
    steps = (
        ReportOpStepDone(step="package"),
        ReportOpStepDone(step="archive"),
        ReportOpStepDone(step="announce", acknowledgement="m-1"),
    )
    staged.asks(OP, *steps, attempt=1)
    staged.asks(OP, ReportOpPublished(), attempt=1)
    [needs] = refused("embargo")
    assert needs == "embargo needs a policy or a reason"
    done("embargo", "--until", "2030-01-01", "--reason", "asked by the proposer")
    done("lift", "--reason", "not needed any more")
    assert done("reinvert", actor="bob") == "Published"
    done("withdraw", "--reason", "the calibration was wrong")
    staged.asks(OP, ReportOpWithdrawn(acknowledgement="m-2"), attempt=1)
