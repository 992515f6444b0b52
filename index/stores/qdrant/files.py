"""Files in Qdrant's payloads: by SHA-256, in parts, each kept once for all programmes.

So that bots need nothing but the address: text, lexicon and encoder lie where the vectors are.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qdrant_client import grpc as q

from index.errors import StoreError
from index.stores.qdrant.connection import Connection
from index.stores.qdrant.points import equal

PART = 1 << 20  # bytes, as packed
AT_ONCE = 8  # parts in one call
SLOW = 30.0  # seconds for so much
SHA = "sha256"


class Files:
    """The collection that holds them."""

    def __init__(self, connection: Connection, collection: str) -> None:
        self._connection, self._collection = connection, collection

    def put(self, files: Mapping[str, Path]) -> None:
        """Store these (SHA-256 → where it lies) unless they are there already."""
        whole = {digest for digest in files if self._is_whole(digest)}
        for digest, path in files.items():
            if digest not in whole:
                self._put(digest, path.read_bytes())

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

    def _put(self, digest: str, content: bytes) -> None:
        packed = zlib.compress(content, 1)
        parts = [packed[at : at + PART] for at in range(0, len(packed), PART)] or [b""]
        made = [_point(digest, number, len(parts), part) for number, part in enumerate(parts)]
        for at in range(0, len(made), AT_ONCE):
            request = q.UpsertPoints(
                collection_name=self._collection, points=made[at : at + AT_ONCE], wait=True
            )
            self._connection.call(self._connection.points.Upsert, request, SLOW)

    def _is_whole(self, digest: str) -> bool:
        first = self._parts([_id(digest, 0)], with_data=False)
        if not first:
            return False
        (payload,) = first.values()
        request = q.CountPoints(
            collection_name=self._collection, filter=equal(SHA, digest), exact=True
        )
        found = self._connection.call(self._connection.points.Count, request).result.count
        return bool(found == payload["parts"].integer_value)

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
