"""The app that works without a network: its page, its code, and the files that a phone stores.

    /p/<slug>/app                                the page; stores nothing before a tap
    /p/<slug>/app.webmanifest                    makes it installable
    /p/<slug>/offline/manifest.json              which version there is now, its files and hashes
    /p/<slug>/offline/<version>/<file>           one of them; never changes under its address
    /offline/<shell>/<file>                      the app's own code; likewise
    /sw.js                                       the service worker, registered by a tap

A version's files are made when first asked for, in a worker thread, and kept compressed.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from bot import answering, languages
from bot.assets import WEB
from bot.guards import POLICY
from bot.library import Served
from bot.rendering import page
from bot.shelf import Shelf
from bot.state import Shared, State
from bot.wording import wording
from index import offline
from index.bundle import ENCODER
from index.query_encoder import ONNX

router = APIRouter(include_in_schema=False)

CODE = WEB / "offline"
WORKER = CODE / "sw.js"
RUNTIME = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
BY_MEANING = frozenset(("vectors.bin", ONNX, *RUNTIME))  # fetched in the second step
# What the server's answers say; the app says it too.
ANSWERS = (
    "answered", "related", "nothing", "nothing_hint", "unreadable", "small_talk", "page_prefix",
)  # fmt: skip
KEPT = 8  # versions held in memory: one takes 2.4 MB for a programme of 90,000 letters
TYPES = {
    ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".png": "image/png",
    ".json": "application/json", ".bin": "application/octet-stream", ".wasm": "application/wasm",
    ".onnx": "application/octet-stream", ".svg": "image/svg+xml", ".txt": "text/plain",
}  # fmt: skip
# WebAssembly has to be compiled; nothing else is allowed beyond what every page may do.
APP_POLICY = POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")
FOR_EVER = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": APP_POLICY,  # a worker's script brings its own
}


@dataclass(frozen=True)
class Version:
    """What a phone can store of one version; `files` are gzipped."""

    files: dict[str, bytes]
    listed: list[dict[str, Any]]  # name, size, transfer, sha256, step
    encoder: Path | None


Key = tuple[Path, str, str]  # index folder, slug, version
VERSIONS: Shelf[Key, Version] = Shelf(KEPT)  # of this process


def _make(served: Served) -> Version:
    made = offline.export(served.bundle)
    packed = {name: gzip.compress(content, 9, mtime=0) for name, content in made.files.items()}
    listed = [_entry(name, content, len(packed[name])) for name, content in made.files.items()]
    if made.encoder:
        sha = served.bundle.manifest.files[f"{ENCODER}/{ONNX}"]
        size = made.encoder.stat().st_size
        listed.append({"name": ONNX, "size": size, "transfer": size, "sha256": sha, "step": 2})
    return Version(packed, listed, made.encoder)


def _entry(name: str, content: bytes, transfer: int) -> dict[str, Any]:
    return {
        "name": name, "size": len(content), "transfer": transfer,
        "sha256": hashlib.sha256(content).hexdigest(), "step": 2 if name in BY_MEANING else 1,
    }  # fmt: skip


@cache
def shell() -> tuple[str, list[dict[str, Any]]]:
    """The app's own files, and a version that changes with any of them; the big WebAssembly
    runtime apart, under a version of its own.
    """
    paths = [p for p in sorted(CODE.rglob("*")) if p.is_file() and _is_shell(p)]
    files = [
        _entry(p.relative_to(CODE).as_posix(), p.read_bytes(), p.stat().st_size) for p in paths
    ]
    return _short("".join(f["sha256"] for f in files)), files


def _is_shell(path: Path) -> bool:
    return path != WORKER and path.suffix != ".txt" and path.parent.name != "ort"


@cache
def runtime() -> tuple[str, list[dict[str, Any]]]:
    """The files of onnxruntime-web, and their version."""
    files = []
    for name in RUNTIME:
        content, transfer = _runtime_file(name)
        files.append(_entry(name, content, transfer))
    return _short("".join(f["sha256"] for f in files)), files


def _runtime_file(name: str) -> tuple[bytes, int]:
    packed = CODE / "vendor" / "ort" / f"{name}.gz"
    if packed.is_file():
        return gzip.decompress(packed.read_bytes()), packed.stat().st_size
    content = (packed.parent / name).read_bytes()
    return content, len(content)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@router.get("/p/{slug}/app", response_model=None)
def app_page(slug: str, request: Request, state: Shared) -> HTMLResponse:
    """The app's page; what it says stands in the page, so that it can be stored whole."""
    served = state.library.get(slug)
    said = wording(languages.chosen(request, served.info.language).language.code)
    words = {**vars(said.offline), **{name: getattr(said, name) for name in ANSWERS}}
    if state.settings.counting:  # only what the server answers; on the device nobody counts
        words["nothing_stored"] += f" {said.insights.short}"
    return page(
        request, "app.html", headers={"Content-Security-Policy": APP_POLICY}, served=served,
        version=served.version, shell=shell()[0], words=words,
        suggestions=answering.suggestions(served),
        base=(state.settings.base_url or str(request.base_url)).rstrip("/"),
    )  # fmt: skip


@router.get("/p/{slug}/app.webmanifest", response_model=None)
def web_manifest(slug: str, state: Shared) -> JSONResponse:
    """What a phone needs to install the app."""
    info = state.library.get(slug).info
    icons = f"/offline/{shell()[0]}/icons"
    table = {
        "id": f"/p/{slug}/app", "start_url": f"/p/{slug}/app", "scope": "/",
        "name": info.title, "short_name": info.title[:24], "description": info.subtitle,
        "lang": info.language, "display": "standalone", "orientation": "any",
        "background_color": "#fbfaf7", "theme_color": "#14506b", "categories": ["politics"],
        "icons": [
            {"src": f"{icons}/192.png", "sizes": "192x192", "type": "image/png"},
            {"src": f"{icons}/512.png", "sizes": "512x512", "type": "image/png"},
            {"src": f"{icons}/maskable.png", "sizes": "512x512", "type": "image/png",
             "purpose": "maskable"},
        ],
    }  # fmt: skip
    return JSONResponse(table, media_type="application/manifest+json")


@router.get("/p/{slug}/offline/manifest.json", response_model=None)
def current(slug: str, state: Shared) -> JSONResponse:
    """The version there is now."""
    served = state.library.get(slug)
    return JSONResponse(_manifest(state, served))


@router.get("/p/{slug}/offline/{version}/manifest.json", response_model=None)
def manifest(slug: str, version: str, state: Shared) -> JSONResponse:
    """The files of one version."""
    served = state.library.get(slug)
    if served.version != version:
        raise HTTPException(404)
    own = {k: v for k, v in _manifest(state, served).items() if k not in ("shell", "runtime")}
    return JSONResponse(own, headers=FOR_EVER)


def _version(state: State, served: Served) -> Version:
    """The version being served; made at the first call."""
    key = (state.settings.index, served.slug, served.version)
    return VERSIONS.get(key, lambda: _make(served))


def _manifest(state: State, served: Served) -> dict[str, Any]:
    made = _version(state, served)
    by_meaning = {"version": runtime()[0], "files": runtime()[1]} if made.encoder else None
    return {
        "slug": served.slug, "title": served.info.title, "version": served.version,
        "files": made.listed, "shell": {"version": shell()[0], "files": shell()[1]},
        "runtime": by_meaning,
    }  # fmt: skip


@router.get("/p/{slug}/offline/{version}/{name}", response_model=None)
def stored_file(slug: str, version: str, name: str, request: Request, state: Shared) -> Response:
    """A file of a version, the one served or one of the last few."""
    served = state.library.get(slug)
    made = (
        _version(state, served)
        if served.version == version
        else VERSIONS.known((state.settings.index, slug, version))
    )
    if made is None:
        raise HTTPException(404)
    if name == ONNX and made.encoder and made.encoder.is_file():
        return FileResponse(made.encoder, headers=FOR_EVER, media_type=TYPES[".onnx"])
    if name not in made.files:
        raise HTTPException(404)
    return _packed(made.files[name], name, request)


@router.get("/offline/{version}/{path:path}", response_model=None)
def code(version: str, path: str, request: Request) -> Response:
    """A file of the app, or of the runtime."""
    if version == runtime()[0] and path in RUNTIME:
        packed = CODE / "vendor" / "ort" / f"{path}.gz"
        if packed.is_file():
            return _packed(packed.read_bytes(), path, request)
        return FileResponse(packed.parent / path, headers=FOR_EVER, media_type=_type(path))
    if version != shell()[0] or path not in {f["name"] for f in shell()[1]}:
        raise HTTPException(404)
    return FileResponse(CODE / path, headers=FOR_EVER, media_type=_type(path))


@router.get("/sw.js", response_model=None)
def service_worker() -> FileResponse:
    """Registered only by a tap on "make ready for offline"."""
    return FileResponse(
        WORKER, media_type="text/javascript",
        headers={"Cache-Control": "no-cache", "Service-Worker-Allowed": "/"},
    )  # fmt: skip


def _type(name: str) -> str:
    return TYPES[Path(name).suffix]


def _packed(content: bytes, name: str, request: Request) -> Response:
    headers = {**FOR_EVER, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            content, headers={**headers, "Content-Encoding": "gzip"}, media_type=_type(name)
        )
    return Response(gzip.decompress(content), headers=headers, media_type=_type(name))
