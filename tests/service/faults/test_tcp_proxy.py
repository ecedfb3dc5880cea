"""The proxy between our parts and a server: what it carries whole, and what it does to connections when told."""

import os
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from service.faults.tcp_proxy import AFTER_COMMIT, AT_COMMIT, Cut, TcpProxy


class Echo:
    """Says back what it hears, and keeps it."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.heard = bytearray()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._echo, args=(self.listener.accept()[0],), daemon=True).start()

    def _echo(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            while piece := client.recv(65536):
                self.heard += piece
                client.sendall(piece)


@pytest.fixture
def echo():
    server = Echo()
    yield server
    server.listener.close()


@pytest.fixture
def proxy(echo):
    with TcpProxy(server_port=echo.port) as proxy:
        yield proxy


@contextmanager
def client(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection:
        yield connection


def answer(connection: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        piece = connection.recv(65536)
        if not piece:
            break
        got += piece
    return got


def soon(is_so) -> None:
    until = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_all_bytes_pass_in_both_directions_on_many_connections(proxy):
    said = os.urandom(1_000_000)
    for _ in range(20):
        with client(proxy) as connection:
            threading.Thread(target=connection.sendall, args=(said,)).start()
            assert answer(connection, len(said)) == said
    soon(lambda: proxy.count == 0)


def test_a_cut_is_a_reset_for_everyone_and_the_next_gets_through(proxy):
    with client(proxy) as first, client(proxy) as second:
        for connection in (first, second):
            connection.sendall(b"a")
            assert answer(connection, 1) == b"a"
        assert proxy.cut() == 2
        for connection in (first, second):
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
    with client(proxy) as third:
        third.sendall(b"b")
        assert answer(third, 1) == b"b"


def test_who_is_refused_hears_so_until_it_heals(proxy):
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError), client(proxy):
        pass
    proxy.heal()
    with client(proxy) as connection:
        connection.sendall(b"a")
        assert answer(connection, 1) == b"a"


def test_silence_keeps_what_is_said_until_it_heals(proxy, echo):
    with client(proxy) as connection:
        connection.sendall(b"a")
        assert answer(connection, 1) == b"a"
        proxy.silence()
        connection.sendall(b"b")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert bytes(echo.heard) == b"a"
        connection.settimeout(10)
        proxy.heal()
        assert answer(connection, 1) == b"b"


def test_it_cuts_at_the_byte_it_was_told_and_only_once(proxy, echo):
    proxy.arm(Cut(after_bytes=10))
    with client(proxy) as connection, suppress(ConnectionResetError):
        connection.sendall(b"0123456789abcdef")
        assert answer(connection, 16) in {b"", b"0123456789"}
    assert bytes(echo.heard) == b"0123456789"
    assert proxy.cuts_done == 1
    with client(proxy) as connection:
        connection.sendall(b"more than ten bytes")
        assert answer(connection, 19) == b"more than ten bytes"


@pytest.mark.parametrize("split", [0, 3, 5])
def test_a_marker_is_found_also_where_it_comes_in_two_pieces(proxy, echo, split):
    proxy.arm(Cut(marker=b"STOP!", is_late=True))
    with client(proxy) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"go" + b"STOP!"[:split])
        soon(lambda: len(echo.heard) == 2 + split)
        with suppress(ConnectionError):
            connection.sendall(b"STOP!"[split:] or b"x")
            answer(connection, 99)
    soon(lambda: proxy.cuts_done == 1)
    assert bytes(echo.heard).startswith(b"goSTOP!")


def test_a_server_that_is_gone_is_a_reset():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        TcpProxy(server_port=port) as proxy,
        pytest.raises(OSError, match="reset"),
        client(proxy) as connection,
    ):
        connection.recv(1)


@pytest.mark.parametrize(("cut", "rows"), [(AT_COMMIT, 0), (AFTER_COMMIT, 1)])
def test_a_commit_is_cut_before_or_after_postgresql_heard_it(postgres, cut, rows):
    url = make_url(postgres)
    direct = create_engine(url)
    with direct.begin() as connection:
        connection.execute(text("CREATE TABLE cut_here (n int)"))
    with TcpProxy(server_port=url.port or 5432) as proxy:
        through = create_engine(url.set(port=proxy.port))
        proxy.arm(cut)
        with pytest.raises(OperationalError), through.begin() as connection:
            connection.execute(text("INSERT INTO cut_here VALUES (1)"))
        through.dispose()
        soon(lambda: proxy.cuts_done == 1)
    with direct.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM cut_here")).scalar() == rows
    direct.dispose()
