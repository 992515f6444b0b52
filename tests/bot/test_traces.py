"""What a real server sends to an OpenTelemetry collector, here one on loopback that reads it."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bench import small
from bench.servers import running
from bench.small import Chapter
from bot.settings import read
from tests.bot.channels.kits import WebhookKit
from tests.bot.test_secrecy import ADDRESS, WORD, head, post, requests, use
from tests.conftest import ROOT

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)


@dataclass
class Collector:
    """All that arrived, by path; `spans` read from it."""

    endpoint: str = ""
    got: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def spans(self) -> list[Any]:
        found = []
        for _, body in self.got:
            request = ExportTraceServiceRequest.FromString(body)
            found += [s for r in request.resource_spans for q in r.scope_spans for s in q.spans]
        return found

    def all(self) -> str:
        return "\n".join(str(ExportTraceServiceRequest.FromString(body)) for _, body in self.got)


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.got.append((self.path, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Not into the tests' output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        collector.endpoint = f"http://127.0.0.1:{server.server_port}"
        yield collector
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("index")
    small.write(root, "rot", [Chapter("Verkehr", ["Wir bauen Radwege in der ganzen Stadt."])])
    return root


FAULTY = """
import sys
from bot import answering, __main__

real = answering.answer

def sometimes_broken(question, *rest, **more):
    if "kaputt" in question.text:
        raise RuntimeError(f"outer {question}")
    return real(question, *rest, **more)

answering.answer = sometimes_broken
sys.exit(__main__.main())
"""


def test_spans_say_what_took_how_long_and_nothing_of_people(index: Path, tmp_path: Path) -> None:
    """Requests of every kind, a webhook's, and a fault whose message quotes the question; though
    FastAPI is told to send its own, with everything in it. What is left at the stop is sent.
    """
    (tmp_path / "faulty.py").write_text(FAULTY)
    broken = json.dumps({"message": f"{WORD} kaputt"}).encode()
    kit = WebhookKit()
    with collecting() as collector:
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_TRACES_SAMPLER": "always_on",
            "FASTAPI_OTEL_AUTO_CONFIGURE": "true", "PYTHONPATH": f"{tmp_path}:{ROOT}",
            "FUNDSTELLE_TRUSTED_PROXIES": "127.0.0.1",
            **{f"FUNDSTELLE_WEBHOOK_{k}": v for k, v in kit.environment("").items()},
        }  # fmt: skip
        with running(index, tmp_path, settings, module="faulty") as server:
            delivery = kit.message(f"{WORD} Radwege?")
            more = [f"{name}: {value}" for name, value in delivery.headers.items()]
            length = f"Content-Length: {len(delivery.body)}"
            statuses = use(server)
            fault = server.raw(post("/api/chat", "application/json", broken))
            said = server.raw(head("POST /channels/webhook", *more, length) + delivery.body)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(20) == 0
    assert said.startswith(b"HTTP/1.1 200"), said
    assert fault.startswith(b"HTTP/1.1 500"), fault
    assert {200, 404, 422} <= set(statuses)
    assert {path for path, _ in collector.got} == {"/v1/traces"}
    spans = {span.span_id: span for span in collector.spans}
    names = [span.name for span in spans.values()]
    for name in ("POST /api/chat", "GET /api/search", "POST /p/{slug}", "answer", "encode"):
        assert name in names, names
    parents = {"encode": "answer", "answer": r"(GET|POST) /", "render": r"POST /channels/"}
    for span in spans.values():
        if outer := parents.get(span.name):
            assert re.match(outer, spans[span.parent_span_id].name)
    assert names.count("render") == 1
    for word in (WORD, WORD.upper(), ADDRESS, "127.0.0.1", "Radwege", "kaputt", "sesam"):
        assert word.lower() not in collector.all().lower(), word
    for word in ("fundstelle.request_id", "RuntimeError", "500"):
        assert word in collector.all(), word


def test_off_nothing_is_imported_and_nothing_sent(index: Path) -> None:
    """The default; and with an endpoint that is there for others."""
    script = (
        "import sys; from pathlib import Path; from fastapi.testclient import TestClient\n"
        "from bot.app import create_app; from bot.settings import Settings\n"
        f"with TestClient(create_app(Settings(Path({str(index)!r}), traces=sys.argv[1]))) as c:\n"
        "    assert c.post('/api/chat', json={'message': 'Radwege?'}).status_code == 200\n"
        "print([m for m in sys.modules if m.startswith(('opentelemetry.sdk', "
        "'opentelemetry.exporter'))])"
    )
    with collecting() as collector:
        environment = {
            "PATH": "/usr/bin:/bin", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
        }  # fmt: skip
        result = subprocess.run(
            [sys.executable, "-c", script, "off"], cwd=ROOT, env=environment,
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert result.stdout.strip() == "[]", result.stderr
    assert not collector.got


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({}, ""),
        ({"FUNDSTELLE_TRACES": "on"}, "on"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318"}, "on"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318", "FUNDSTELLE_TRACES": "off"},
            "off",
        ),
    ],
)
def test_either_switch_works_and_off_means_off(given: dict[str, str], meant: str) -> None:
    """OpenTelemetry's own variable is enough."""
    assert read(given).traces == meant


def test_a_collector_that_is_away_is_nobodys_problem(index: Path, tmp_path: Path) -> None:
    """Answers don't wait for it, and a stop not for long."""
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"
    }  # fmt: skip
    with running(index, tmp_path, settings) as server:
        for _ in range(5):
            assert server.raw(next(requests())).startswith(b"HTTP/1.1 200")
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(15) == 0
    assert WORD not in server.said()
