"""Look, load, publish: which programmes are in Qdrant, and which version of each is turned on."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl

from qdrant_client import grpc as q

from index import bundle, links
from index.bundle import PROGRAMME, SHARED, VECTORS, Bundle, Contents
from index.errors import FundstelleError, StoreError
from index.lexicon import Lexicon
from index.manifest import Manifest, parse_manifest, sealed
from index.query_encoder import ENCODERS, OnnxEncoder
from index.rankers import Rankers
from index.stores import About
from index.stores.qdrant import points
from index.stores.qdrant.collections import PROGRAMME_FILES, Collections
from index.stores.qdrant.connection import Connection
from index.stores.qdrant.encoders import Encoders
from index.stores.qdrant.files import Files
from index.stores.qdrant.points import EDITION, SLUG, Edition, equal, strings, text
from index.stores.qdrant.rankers import QdrantRankers
from index.types import Passage
from index.vectors import Rows
from index.versions import KEPT, Stamp

AT_ONCE = 64  # points in one call, about 1 MB
PAGE = 1000  # programmes in one
SLOW = 60.0  # seconds for a call that writes
AGAIN = "run ingest.py for this programme again"
VERSION, INFO, MANIFESTS = "version", "info", "manifests"


@dataclass(frozen=True)
class _Seen:
    """A programme's point: its version, and its description as it was written."""

    version: str
    info: str


class QdrantStore:
    """See `index.stores.Store`; the package's docstring says what lies where."""

    def __init__(self, address: str, folder: Path, key: str = "") -> None:
        """`address` may end in ?shards=6&replicas=2&prefix=fundstelle, which says how collections
        are made and called.
        """
        place, _, options = address.partition("?")
        self._connection = Connection(place, key)
        self._collections = Collections(self._connection, dict(parse_qsl(options)))
        self._files = Files(self._connection, self._collections.files)
        self._encoders, self._fetching = Encoders(self._files, folder), Lock()
        self._seen: dict[str, _Seen] = {}  # never changed, only replaced

    def look(self) -> Mapping[str, Stamp]:
        """One call for a thousand programmes; more only for those that changed."""
        if not self._connection.has(self._collections.programmes):
            return {}
        versions = {str(text(p[SLUG])): text(p[VERSION]) for p in self._scroll()}
        known = {s: seen for s, seen in self._seen.items() if versions.get(s) == seen.version}
        changed = [slug for slug in versions if slug not in known]
        self._seen = known | self._read(changed)
        return {slug: (seen.version,) for slug, seen in self._seen.items()}

    def stamp(self, slug: str) -> Stamp:
        """Nothing: what is damaged in Qdrant is tried again with the next version."""
        return ()

    def about(self, slug: str) -> About | None:
        """As the last look saw it. Read only here: what one ingest wrote that this program can't
        read, a later one's perhaps, keeps no other programme away.
        """
        if seen := self._seen.get(slug):
            with bundle.fitting(self._place(slug)):
                return About(seen.version, bundle.info(json.loads(seen.info)))
        return None

    def load(self, slug: str, version: str | None = None) -> Bundle:
        """Text, lexicon and encoder come here; vectors and terms stay in Qdrant."""
        manifest = self._manifest(slug, version)
        names = [n for n in manifest.files if n not in SHARED and n != VECTORS]
        contents = self._files.get(manifest.files[name] for name in names)
        files = {name: contents[manifest.files[name]] for name in names}
        encoder, folder = self._encoder(manifest)
        edition = Edition(slug, manifest.version)

        def connect(rows: Rows, _: Lexicon, passages: tuple[Passage, ...]) -> Rankers:
            sections = [passage.section for passage in passages]
            collection = self._collections.passages
            return QdrantRankers(self._connection, collection, edition, rows, sections)

        with bundle.fitting(self._place(edition.name)):
            return bundle.assemble(manifest, files, encoder, folder, connect)

    def publish(self, folder: Path) -> None:
        """First aside, then counted, then turned on; see the package's docstring."""
        folder = folder.resolve()  # the link may turn meanwhile
        loaded = bundle.load(folder)
        slug, version = loaded.manifest.slug, loaded.manifest.version
        self._collections.make(loaded.manifest.dimension)
        before = self._manifests(slug)
        told = bundle.to_bytes(self._linked(loaded, before))
        manifest = _telling(loaded.manifest, told)
        files = {digest: folder / name for name, digest in _kept(manifest).items()} | {
            manifest.files[PROGRAMME]: told
        }
        self._put(loaded, files)
        manifests = [manifest, *[m for m in before if m.version != version][: KEPT - 1]]
        self._turn(loaded, manifests)
        self._put(loaded, files)  # the clean-up of another ingest may have taken some
        self._clean(slug, [*manifests, *self._manifests(slug)], before)

    def remove(self, slug: str) -> None:
        """The programme's point first, so that no reader finds the way to what then goes."""
        if not self._connection.has(self._collections.programmes):
            return
        before = self._manifests(slug)
        selector = q.PointsSelector(points=q.PointsIdsList(ids=[_id(slug)]))
        self._delete(self._collections.programmes, selector)
        self._clean(slug, [], before)

    def close(self) -> None:
        """Let go of the connections."""
        self._connection.close()

    # what is there

    def _scroll(self) -> Iterator[Mapping[str, Any]]:
        offset: q.PointId | None = None
        fields = q.PayloadIncludeSelector(fields=[SLUG, VERSION])
        while True:
            request = q.ScrollPoints(
                collection_name=self._collections.programmes, limit=PAGE, offset=offset,
                with_payload=q.WithPayloadSelector(include=fields),
            )  # fmt: skip
            page = self._connection.call(self._connection.points.Scroll, request)
            yield from (point.payload for point in page.result)
            if not page.HasField("next_page_offset"):
                return
            offset = page.next_page_offset

    def _payloads(self, slugs: Sequence[str], fields: Sequence[str]) -> list[Mapping[str, Any]]:
        selector = q.WithPayloadSelector(include=q.PayloadIncludeSelector(fields=fields))
        request = q.GetPoints(
            collection_name=self._collections.programmes, ids=[_id(slug) for slug in slugs],
            with_payload=selector, with_vectors=q.WithVectorsSelector(enable=False),
        )  # fmt: skip
        found = self._connection.call(self._connection.points.Get, request).result
        return [point.payload for point in found]

    def _read(self, slugs: Sequence[str]) -> dict[str, _Seen]:
        found: dict[str, _Seen] = {}
        for at in range(0, len(slugs), PAGE):
            for payload in self._payloads(slugs[at : at + PAGE], (SLUG, VERSION, INFO)):
                found[text(payload[SLUG])] = _Seen(text(payload[VERSION]), text(payload[INFO]))
        return found

    def _manifests(self, slug: str) -> list[Manifest]:
        """The one served, and the one before; none where there is no such programme."""
        payloads = self._payloads([slug], (MANIFESTS,))
        said = payloads[0][MANIFESTS].list_value.values if payloads else ()
        return [parse_manifest(text(each), self._place(slug)) for each in said]

    def _manifest(self, slug: str, version: str | None) -> Manifest:
        for manifest in self._manifests(slug):
            if version in (None, manifest.version):
                return manifest
        raise StoreError(self._place(slug), "no such programme or version any more", AGAIN)

    def _count(self, edition: Edition) -> int:
        return self._holding(self._collections.passages, edition.filter())

    def _holding(self, collection: str, only: q.Filter) -> int:
        request = q.CountPoints(collection_name=collection, filter=only, exact=True)
        return int(self._connection.call(self._connection.points.Count, request).result.count)

    def _encoder(self, manifest: Manifest) -> tuple[OnnxEncoder, Path]:
        """Loaded once in a process, and fetched once to this machine."""
        sums = bundle.encoder_sums(manifest)
        with self._fetching:
            folder = self._encoders.fetch(sums)
        return ENCODERS.get(sums, lambda: OnnxEncoder(folder)), folder

    # writing

    def _linked(self, loaded: Bundle, before: Sequence[Manifest]) -> Contents:
        """What a bundle says, with the links that lead to what is served: the folder that it comes
        from may know nothing of that.
        """
        if not before:
            return loaded
        digest = before[0].files[PROGRAMME]
        with suppress(FundstelleError):  # damaged: then it leads nowhere
            content = self._files.get([digest])[digest]
            with bundle.fitting(self._place(loaded.manifest.slug)):
                served = bundle.contents(content)
            known = links.aliases(served, loaded.sections, loaded.passages)
            return replace(loaded, aliases={**known, **loaded.aliases})
        return loaded

    def _put(self, loaded: Bundle, files: Mapping[str, Path | bytes]) -> None:
        """Files and points that are not there; afterwards all are."""
        self._files.put(files)
        edition = Edition(loaded.manifest.slug, loaded.manifest.version)
        if self._count(edition) != len(loaded.passages):
            made = points.points(loaded)
            while batch := list(islice(made, AT_ONCE)):
                self._upsert(self._collections.passages, batch)
            if self._count(edition) != len(loaded.passages):
                place = self._place(edition.name)
                raise StoreError(place, "another ingest is at it", "wait and run ingest.py again")

    def _turn(self, loaded: Bundle, manifests: Sequence[Manifest]) -> None:
        info = asdict(replace(loaded.info, bank={}))
        files = sorted({digest for m in manifests for digest in _kept(m).values()})
        payload = {
            SLUG: q.Value(string_value=loaded.manifest.slug),
            VERSION: q.Value(string_value=loaded.manifest.version),
            INFO: q.Value(string_value=json.dumps(info)),
            MANIFESTS: strings(sealed(asdict(m)) for m in manifests),
            PROGRAMME_FILES: strings(files),
        }
        nothing = q.Vectors(vectors=q.NamedVectors())
        point = q.PointStruct(id=_id(loaded.manifest.slug), payload=payload, vectors=nothing)
        self._upsert(self._collections.programmes, [point])

    def _clean(self, slug: str, kept: Sequence[Manifest], before: Sequence[Manifest]) -> None:
        """What is not kept any more: points, also of an ingest that was killed; files."""
        editions = [equal(EDITION, Edition(slug, m.version).name) for m in kept]
        mine = equal(SLUG, slug)
        only = q.Filter(must=mine.must, must_not=[e.must[0] for e in editions])
        self._delete(self._collections.passages, q.PointsSelector(filter=only))
        needed = {digest for m in kept for digest in _kept(m).values()}
        for digest in {d for m in before for d in _kept(m).values()} - needed:
            if not self._holding(self._collections.programmes, equal(PROGRAMME_FILES, digest)):
                self._files.drop(digest)

    def _upsert(self, collection: str, made: Sequence[q.PointStruct]) -> None:
        request = q.UpsertPoints(collection_name=collection, points=made, wait=True)
        self._connection.call(self._connection.points.Upsert, request, SLOW)

    def _delete(self, collection: str, selector: q.PointsSelector) -> None:
        request = q.DeletePoints(collection_name=collection, points=selector, wait=True)
        self._connection.call(self._connection.points.Delete, request, SLOW)

    def _place(self, what: str) -> str:
        return f"{self._connection.address} {what}"


def _telling(manifest: Manifest, told: bytes) -> Manifest:
    """The manifest with this in the place of what the programme says."""
    digest = hashlib.sha256(told).hexdigest()
    return replace(manifest, files={**manifest.files, PROGRAMME: digest})


def _kept(manifest: Manifest) -> dict[str, str]:
    """The files that are kept as files: the vectors are points."""
    return {name: digest for name, digest in manifest.files.items() if name != VECTORS}


def _id(slug: str) -> q.PointId:
    return q.PointId(uuid=str(uuid.uuid5(uuid.NAMESPACE_OID, slug)))
