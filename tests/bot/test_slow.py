"""Clients that take their time, on real sockets of a real server."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from functools import partial
from http.client import HTTPResponse
from threading import Thread
from typing import Any

import pytest
import uvicorn

from bench import small
from bench.servers import Server, free_port, running
from bench.small import Chapter
from bot.connections import Connection

HEAD = b"POST /api/chat HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
BODY = json.dumps({"message": "Radwege?"}).encode()
LIMIT = 0.7
pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("slow")
    small.write(folder / "index", "rot", [Chapter("Verkehr", ["Wir bauen Radwege in der Stadt."])])
    with running(folder / "index", folder, {"FUNDSTELLE_READ_SECONDS": str(LIMIT)}) as found:
        yield found


def connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def trickle(connection: socket.socket, request: bytes) -> tuple[bytes, float]:
    """Send a byte from time to time until the server has enough; what it said, and when."""
    began, said = time.monotonic(), b""
    connection.settimeout(0.2)
    for at in range(len(request)):
        try:
            connection.sendall(request[at : at + 1])
            piece = connection.recv(65536)
        except TimeoutError:
            continue
        except ConnectionError:
            break
        said += piece
        if not piece:
            break
    return said, time.monotonic() - began


def test_a_head_that_does_not_come_is_not_waited_for(server: Server) -> None:
    """Neither letter by letter nor at all; and others are answered meanwhile."""
    with connected(server) as silent, connected(server) as slow:
        said, seconds = trickle(slow, HEAD + b"X-A: " + b"a" * 100)
        assert said == b""
        assert LIMIT * 0.9 < seconds < LIMIT + 1
        assert silent.recv(1) == b""
    answer = server.raw(
        HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
    )
    assert answer.startswith(b"HTTP/1.1 200")


def test_a_body_that_does_not_come_gets_408(server: Server) -> None:
    """In the one error shape, and the connection is closed; no thread waited for it."""
    with connected(server) as slow:
        slow.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        said, seconds = trickle(slow, b" " * 100)
    assert said.startswith(b"HTTP/1.1 408")
    assert b"application/problem+json" in said
    assert "nicht rechtzeitig" in said.decode()
    assert LIMIT * 0.9 < seconds < LIMIT + 1


def test_between_requests_the_clock_begins_anew(server: Server) -> None:
    """One connection may be used for longer than one request may take to arrive."""
    request = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    with connected(server) as client:
        for _ in range(3):
            half = len(HEAD) // 2
            client.sendall(request[:half])
            time.sleep(LIMIT * 0.5)
            client.sendall(request[half:])
            with HTTPResponse(client) as response:
                response.begin()
                assert response.status == 200
                response.read()


def test_a_hundred_that_say_nothing_hold_up_nobody(server: Server) -> None:
    """And are all gone when their time is over."""
    idle = [connected(server) for _ in range(100)]
    for each in idle[:50]:
        each.sendall(HEAD)
    began = time.monotonic()
    assert server.raw(b"GET /readyz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert time.monotonic() - began < 0.5
    assert {each.recv(1) for each in idle} == {b""}
    assert time.monotonic() - began < LIMIT + 1
    for each in idle:
        each.close()


async def generous(scope: Any, receive: Any, send: Any) -> None:
    """Twenty megabytes, more than the kernel keeps for both sides."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(20):
        await send({"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True})
    await send({"type": "http.response.body"})


def test_a_client_that_takes_no_answer_is_not_waited_for() -> None:
    """It reads none; then its connection is gone, with all that was waiting. Slow readers get it
    whole.
    """
    protocol: Any = partial(Connection, patience=0.2)
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(generous, port=port, http=protocol, lifespan="off", log_level="error")
    )
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with socket.create_connection(("127.0.0.1", port)) as greedy:
        greedy.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        for there in (True, False):
            until = time.monotonic() + 5
            while bool(server.server_state.connections) is not there:
                assert time.monotonic() < until
                time.sleep(0.01)
    with socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(b"GET / HTTP/1.0\r\n\r\n")
        got = 0
        while piece := slow.recv(1_000_000):
            got += len(piece)
            time.sleep(0.02)
    assert got > 20_000_000
    server.should_exit = True
    thread.join(5)
