"""The three collections: their names, and how they are made."""

from __future__ import annotations

from collections.abc import Mapping

from qdrant_client import grpc as q

from index.errors import StoreError
from index.rankers import DENSE, SPARSE
from index.stores.qdrant.connection import Connection
from index.stores.qdrant.files import SHA
from index.stores.qdrant.points import EDITION, SINGLE, SLUG

SHARDS, REPLICAS = 6, 2  # resharding later copies everything: rather too many now
SLOW = 60.0  # seconds
PROGRAMME_FILES = "files"  # SHA-256 of the files that a programme needs
# No graph: every query is about one programme and exact, so that nothing has to be built, and
# nothing can silently be missed.
NO_GRAPH = q.HnswConfigDiff(m=0)
MAX_SIM = q.MultiVectorConfig(comparator=q.MultiVectorComparator.MaxSim)


class Collections:
    """Names and making. `options`: shards, replicas (of each), prefix (of the names)."""

    def __init__(self, connection: Connection, options: Mapping[str, str]) -> None:
        unknown = set(options) - {"shards", "replicas", "prefix"}
        numbers = [options.get("shards", str(SHARDS)), options.get("replicas", str(REPLICAS))]
        if unknown or not all(number.isdigit() and int(number) for number in numbers):
            problem = f"unknown option {min(unknown)}" if unknown else "shards or replicas: none"
            raise StoreError(connection.address, problem, "as in ?shards=6&replicas=2")
        self._connection = connection
        self._shards, self._replicas = map(int, numbers)
        prefix = options.get("prefix", "fundstelle")
        self.passages, self.files, self.programmes = (
            f"{prefix}-passages", f"{prefix}-files", f"{prefix}-programmes",
        )  # fmt: skip

    def make(self, dimension: int) -> None:
        """Make those that are missing.

        Raises StoreError where they are for vectors of another length.
        """
        if not self._connection.has(self.passages):
            self._make(self.passages, self._shards, _dense(dimension), _sparse())
            self._index(self.passages, EDITION, q.KeywordIndexParams(is_tenant=True, on_disk=True))
            self._index(self.passages, SLUG)
        if not self._connection.has(self.files):
            self._make(self.files, self._shards)
            self._index(self.files, SHA)
        if not self._connection.has(self.programmes):
            self._make(self.programmes, 1)
            self._index(self.programmes, PROGRAMME_FILES)
        self._check(dimension)

    def _make(
        self,
        name: str,
        shards: int,
        dense: q.VectorsConfig | None = None,
        sparse: q.SparseVectorConfig | None = None,
    ) -> None:
        request = q.CreateCollection(
            collection_name=name, shard_number=shards, replication_factor=self._replicas,
            vectors_config=dense, sparse_vectors_config=sparse, on_disk_payload=True,
            hnsw_config=NO_GRAPH, timeout=int(SLOW),
        )  # fmt: skip
        try:
            self._connection.call(self._connection.collections.Create, request, SLOW)
        except StoreError:
            if not self._connection.has(name):  # another ingest was faster
                raise

    def _index(self, name: str, field: str, params: q.KeywordIndexParams | None = None) -> None:
        request = q.CreateFieldIndexCollection(
            collection_name=name, field_name=field, field_type=q.FieldType.FieldTypeKeyword,
            field_index_params=params and q.PayloadIndexParams(keyword_index_params=params),
            wait=True,
        )  # fmt: skip
        self._connection.call(self._connection.points.CreateFieldIndex, request, SLOW)

    def _check(self, dimension: int) -> None:
        request = q.GetCollectionInfoRequest(collection_name=self.passages)
        info = self._connection.call(self._connection.collections.Get, request).result
        has = info.config.params.vectors_config.params_map.map["passage"].size
        if has != dimension:
            raise StoreError(
                f"{self._connection.address} {self.passages}",
                f"holds vectors of {has} dimensions, these have {dimension}",
                "name others: ?prefix=…",
            )


def _dense(dimension: int) -> q.VectorsConfig:
    def params(name: str) -> q.VectorParams:
        # Dot: our vectors are of length 1 already, and Cosine would store them anew.
        multi = None if name in SINGLE else MAX_SIM
        return q.VectorParams(
            size=dimension, distance=q.Distance.Dot, on_disk=True, multivector_config=multi
        )

    return q.VectorsConfig(params_map=q.VectorParamsMap(map={n: params(n) for n in DENSE}))


def _sparse() -> q.SparseVectorConfig:
    on_disk = q.SparseVectorParams(index=q.SparseIndexConfig(on_disk=True))
    return q.SparseVectorConfig(map=dict.fromkeys(SPARSE, on_disk))
