"""Files in Qdrant's payloads: by SHA-256, in parts, each kept once for all programmes.

So that bots need nothing but the address: text, lexicon and encoder lie where the vectors are.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from qdrant_client import grpc as q

from index import bundle
from index.errors import StoreError
from index.stores.qdrant.connection import Connection
from index.stores.qdrant.points import equal

PART = 1 << 20  # bytes, as packed
AT_ONCE = 8  # parts, or their weight, in one call
SLOW = 30.0  # seconds for so much
SHA = "sha256"


class Files:
    """The collection that holds them."""

    def __init__(self, connection: Connection, collection: str) -> None:
        self._connection, self._collection = connection, collection

    def put(self, files: Mapping[str, Path | bytes]) -> None:
        """Store these (SHA-256 → where it lies, or it itself) unless they are there already.

        Raises BundleError where one has another checksum.
        """
        there = self._whole(list(files))
        batch: list[q.PointStruct] = []
        for digest, source in files.items():
            for part in _points(digest, source) if digest not in there else ():
                batch.append(part)
                if sum(point.ByteSize() for point in batch) > AT_ONCE * PART:
                    self._upsert(batch)
                    batch = []
        if batch:
            self._upsert(batch)

    def get(self, digests: Iterable[str]) -> dict[str, bytes]:
        """The contents by SHA-256. Raises StoreError where one is missing or damaged."""
        wanted = list(digests)
        firsts = self._parts([_id(digest, 0) for digest in wanted])
        return {digest: self._content(digest, firsts) for digest in wanted}

    def drop(self, digest: str) -> None:
        """Let go of a file."""
        selector = q.PointsSelector(filter=equal(SHA, digest))
        request = q.DeletePoints(collection_name=self._collection, points=selector, wait=True)
        self._connection.call(self._connection.points.Delete, request, SLOW)

    def _upsert(self, made: list[q.PointStruct]) -> None:
        request = q.UpsertPoints(collection_name=self._collection, points=made, wait=True)
        self._connection.call(self._connection.points.Upsert, request, SLOW)

    def _whole(self, digests: list[str]) -> set[str]:
        """Those that are there with all their parts."""
        firsts = self._parts([_id(digest, 0) for digest in digests], with_data=False)
        found = {digest: firsts.get(_id(digest, 0)) for digest in digests}
        parts = {d: payload["parts"].integer_value for d, payload in found.items() if payload}
        return {digest for digest, n in parts.items() if n == 1 or n == self._count(digest)}

    def _count(self, digest: str) -> int:
        only = equal(SHA, digest)
        request = q.CountPoints(collection_name=self._collection, filter=only, exact=True)
        return int(self._connection.call(self._connection.points.Count, request).result.count)

    def _content(self, digest: str, firsts: Mapping[str, Any]) -> bytes:
        first = firsts.get(_id(digest, 0))
        if first is None:
            raise self._damaged(digest, "missing")
        parts = {_id(digest, 0): first}
        others = [_id(digest, number) for number in range(1, first["parts"].integer_value)]
        for at in range(0, len(others), AT_ONCE):
            parts |= self._parts(others[at : at + AT_ONCE])
        try:
            packed = [parts[key]["data"].string_value for key in (_id(digest, 0), *others)]
            content = zlib.decompress(b"".join(map(base64.b64decode, packed)))
        except (KeyError, ValueError, zlib.error) as error:
            raise self._damaged(digest, "incomplete") from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise self._damaged(digest, "damaged")
        return content

    def _parts(self, ids: list[str], with_data: bool = True) -> dict[str, Any]:
        selector = q.WithPayloadSelector(enable=True)
        if not with_data:
            selector = q.WithPayloadSelector(include=q.PayloadIncludeSelector(fields=["parts"]))
        request = q.GetPoints(
            collection_name=self._collection, ids=[q.PointId(uuid=i) for i in ids],
            with_payload=selector, with_vectors=q.WithVectorsSelector(enable=False),
        )  # fmt: skip
        found = self._connection.call(self._connection.points.Get, request, SLOW).result
        return {point.id.uuid: point.payload for point in found}

    def _damaged(self, digest: str, problem: str) -> StoreError:
        place = f"{self._connection.address} {self._collection}/{digest[:16]}"
        return StoreError(place, problem, "run ingest.py for this programme again")


def _points(digest: str, source: Path | bytes) -> Iterator[q.PointStruct]:
    packed = zlib.compress(_checked(digest, source), 1)
    parts = [packed[at : at + PART] for at in range(0, len(packed), PART)] or [b""]
    for number, part in enumerate(parts):
        yield _point(digest, number, len(parts), part)


def _checked(digest: str, source: Path | bytes) -> bytes:
    with bundle.fitting(source):
        content = source.read_bytes() if isinstance(source, Path) else source
        if hashlib.sha256(content).hexdigest() != digest:  # it would stay under this name for good
            raise ValueError("its checksum is another")
    return content


def _point(digest: str, number: int, parts: int, part: bytes) -> q.PointStruct:
    payload = {
        SHA: q.Value(string_value=digest),
        "parts": q.Value(integer_value=parts),
        "data": q.Value(string_value=base64.b64encode(part).decode()),
    }
    return q.PointStruct(
        id=q.PointId(uuid=_id(digest, number)), payload=payload,
        vectors=q.Vectors(vectors=q.NamedVectors()),
    )  # fmt: skip


def _id(digest: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{digest}/{number}"))
