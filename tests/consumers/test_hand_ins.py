"""Looking at hand-ins: everything wrong is said at once, and nothing is taken on trust."""

import hashlib
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from consumers.hand_ins import commit_found, look
from consumers.sources import open_source
from consumers.storage_errors import StorageUnavailable
from events.op_parts import Output, Software

SOFTWARE = Software(repository="https://example.org/inv.git", commit="1234567")


@pytest.fixture
def handing(tmp_path):
    """A place of outputs with one of them in it, and how it is looked at."""
    root = tmp_path / "out"
    root.mkdir()
    (root / "inv.fits").write_bytes(b"inverted")
    opened = partial(open_source, roots=[root.as_uri() + "/"], staging_dir=tmp_path / "staging")
    return root, lambda outputs, **other: look(
        outputs,
        **{"inputs": ["AAAA"], "software": SOFTWARE, "datasets": ["AAAA", "BBBB"], "opened": opened, **other},
    )


def an_output(root, name="inv.fits", **members):
    sha256 = hashlib.sha256(b"inverted").hexdigest()
    return Output(
        **{"name": name, "uri": (root / name).as_uri(), "sha256": sha256, "size_bytes": 8, **members}
    )


def test_what_lies_there_as_it_was_told_holds(handing):
    root, looked = handing
    found = looked([an_output(root)])
    assert (found.reasons, found.outputs, found.size_bytes) == ((), 1, 8)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"sha256": "f" * 64}, "found sha256"),
        ({"sha256": "md5:1"}, "wanted a SHA-256"),
        ({"size_bytes": 9}, "found 8 bytes, wanted 9"),
        ({"name": "gone.fits"}, "nothing found at"),
        ({"uri": "file:///etc/passwd"}, "outside of the stream's roots"),
        ({"uri": "http://example.org/x"}, "found the scheme 'http'"),
        ({"name": "../inv.fits"}, "wanted a plain file name"),
    ],
)
def test_an_output_that_is_not_as_told_is_refused_by_its_name(handing, members, says):
    root, looked = handing
    reasons = looked([an_output(root, **members)]).reasons
    assert any(says in each and members.get("name", "inv.fits") in each for each in reasons), reasons


def test_every_reason_is_said_at_once(handing):
    root, looked = handing
    found = looked(
        [an_output(root), an_output(root), an_output(root, "gone.fits")],
        inputs=["AAAA", "ZZZZ"],
        software=Software(repository="x", commit="HEAD"),
    )
    said = " | ".join(found.reasons)
    for each in ("input ZZZZ", "handed in 2 times", "output gone.fits", "commit 'HEAD'"):
        assert each in said
    assert "AAAA" not in said


@pytest.mark.parametrize("empty", ["outputs", "inputs"])
def test_a_hand_in_of_nothing_is_none(handing, empty):
    root, looked = handing
    found = looked(
        [] if empty == "outputs" else [an_output(root)], inputs=[] if empty == "inputs" else ["AAAA"]
    )
    assert found.reasons == (
        f"found no {empty}, wanted "
        + ("at least one" if empty == "outputs" else "the datasets that were used"),
    )


def test_a_place_that_is_not_mounted_is_waited_for_and_refuses_nobody(handing, tmp_path):
    root, looked = handing
    output = an_output(root)
    root.rename(tmp_path / "elsewhere")
    with pytest.raises(StorageUnavailable, match="mount it"):
        looked([output])


class _Repository(BaseHTTPRequestHandler):
    def do_HEAD(self):
        status = {"/inv/commit/1234567": 200, "/inv/commit/7654321": 404}.get(self.path, 503)
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def repository():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Repository)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/inv.git"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("commit", "found"), [("1234567", True), ("7654321", False), ("abcdef0", None)])
def test_a_repository_that_may_be_asked_is_asked(repository, commit, found):
    software = Software(repository=repository, commit=commit)
    said = commit_found(software, [repository.rpartition("/")[0] + "/"])
    assert said.found is found
    assert (said.message is None) == (found is True)


@pytest.mark.parametrize("told", ["http://127.0.0.1:9/inv", "ftp://127.0.0.1/inv", "/srv/git/inv"])
def test_one_that_does_not_answer_leaves_the_commit_unverified_with_the_reason(told):
    said = commit_found(Software(repository=told, commit="1234567"), [told])
    assert said.found is None
    assert said.message


def test_a_stranger_s_repository_is_never_asked(repository):
    said = commit_found(Software(repository=repository, commit="1234567"), ["https://example.org/"])
    assert (said.found, "none of the repositories" in str(said.message)) == (None, True)
