"""The token for a catalogue's server: from a file or the environment, and never where anybody could read it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from consumers.catalogue.look import Look
from service.cli.errors import WrongUseError
from service.cli.op_scan import TOKEN, read_token
from service.scanning import NoSourceError, source_of

URL = "https://metadata.example.org/graphql"


def test_it_comes_from_the_environment_or_a_file_which_goes_first(tmp_path, monkeypatch):
    monkeypatch.delenv(TOKEN, raising=False)
    assert read_token(None, URL) is None
    monkeypatch.setenv(TOKEN, "of-the-environment\n")
    assert read_token(None, URL) == "of-the-environment"
    assert read_token(None, "catalogue.json") is None, "a file is asked for none"
    path = tmp_path / "token"
    path.write_text("of-the-file\n")
    assert read_token(path, URL) == "of-the-file"


@pytest.mark.parametrize("told", ["", "two words", "a\nHost: b", "gehe\u00efm", "\x00"])
def test_what_is_no_token_is_not_sent(tmp_path, told):
    path = tmp_path / "token"
    path.write_text(told)
    with pytest.raises(WrongUseError, match="wanted"):
        read_token(path, URL)
    with pytest.raises(WrongUseError, match="missing"):
        read_token(tmp_path / "missing", URL)


def test_it_goes_over_no_line_that_others_read():
    with pytest.raises(NoSourceError, match="wanted an https address"):
        source_of("http://metadata.example.org/graphql", token="secret")
    with pytest.raises(NoSourceError, match="neither a token nor a time-out"):
        source_of("catalogue.json", token="secret")
    with pytest.raises(NoSourceError, match="neither a token nor a time-out"):
        source_of("catalogue.json", timeout_s=3)


@contextmanager
def a_server(*, is_silent: bool = False) -> Iterator[tuple[str, list[str | None]]]:
    seen: list[str | None] = []
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization"))
            if is_silent:
                over.wait(20)
                return
            body = b'{"data": {"datasetInventories": []}}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/datasets.json", seen
    finally:
        over.set()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("token", ["secret", None])
def test_its_server_is_shown_it_and_nobody_else_is_told(token):
    with a_server() as (url, seen):
        look = Look()
        source = source_of(url, is_document=True, token=token)
        assert list(source.records(look)) == []
        assert seen == [f"Bearer {token}" if token else None]
        assert "secret" not in f"{source.name} {look.gaps}"


def test_a_server_that_is_silent_is_given_up_after_the_time_that_was_said():
    with a_server(is_silent=True) as (url, _):
        source = source_of(url, is_document=True, timeout_s=0.1)
        look = Look()
        assert list(source.records(look)) == []
        assert look.gaps, "and the scan says so"
