"""Every call to Qdrant: addresses, retries, errors. The only importer of grpc.

Several hosts take turns; one that does not answer is left out until it does (gRPC's round_robin),
also one that hangs with its connections open.
All calls can be repeated without harm, so that what fails with a dying node is tried again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from qdrant_client import grpc as q

from index.errors import StoreError

LARGEST = 64 << 20  # bytes of one message
REMEDY = "is Qdrant running, and FUNDSTELLE_STORE its gRPC address?"
RETRIES = {
    "methodConfig": [
        {
            "name": [{}],
            "retryPolicy": {
                "maxAttempts": 5,
                "initialBackoff": "0.05s",
                "maxBackoff": "0.5s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "INTERNAL", "ABORTED"],
            },
        }
    ]
}
OPTIONS = [
    ("grpc.lb_policy_name", "round_robin"),
    ("grpc.service_config", json.dumps(RETRIES)),
    ("grpc.max_receive_message_length", LARGEST),
    ("grpc.max_send_message_length", LARGEST),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.http2.ping_timeout_ms", 2_000),  # of pings beside calls: else a minute
    ("grpc.max_reconnect_backoff_ms", 2_000),
]


class Connection:
    """One or several hosts of one cluster, as `qdrant://a:6334` or, with addresses of numbers,
    `qdrant://10.0.0.1:6334,10.0.0.2:6334`. Connects when first asked.
    """

    def __init__(self, address: str, key: str = "") -> None:
        self.address = address
        scheme, _, hosts = address.partition("://")
        target = _target(address, hosts.strip("/"))
        # Of several addresses gRPC would call itself by all at once, which Qdrant refuses.
        options = [*OPTIONS, ("grpc.default_authority", hosts.split(",")[0])]
        channel = (
            grpc.secure_channel(target, grpc.ssl_channel_credentials(), options)
            if scheme == "qdrants"
            else grpc.insecure_channel(target, options)
        )
        stubs: Any = q  # generated without types
        self.points, self.collections = stubs.PointsStub(channel), stubs.CollectionsStub(channel)
        self._channel = channel
        self._metadata = (("api-key", key),) if key else ()

    def call(self, method: Callable[..., Any], request: object, seconds: float = 5.0) -> Any:
        """Call a stub's method, `seconds` at most. Raises StoreError when it fails for good."""
        try:
            return method(request, timeout=seconds, metadata=self._metadata)
        except grpc.RpcError as error:
            raise StoreError(self.address, _said(error), REMEDY) from error

    def has(self, collection: str) -> bool:
        """Whether there is a collection of this name. Raises StoreError."""
        request = q.CollectionExistsRequest(collection_name=collection)
        return bool(self.call(self.collections.CollectionExists, request).result.exists)

    def close(self) -> None:
        """Let go of the connections."""
        self._channel.close()


def _target(address: str, hosts: str) -> str:
    several: Sequence[str] = [host for host in hosts.split(",") if host]
    if not several:
        raise StoreError(address, "no host", "as in qdrant://localhost:6334")
    if len(several) == 1:
        return f"dns:///{several[0]}"  # of a name with several addresses, all are used
    if any(host.strip("0123456789.:") for host in several):
        raise StoreError(
            address, "several hosts must be IPv4 addresses", "or one name that leads to all of them"
        )
    return f"ipv4:{hosts}"


def _said(error: grpc.RpcError) -> str:
    return f"{error.code().name}: {(error.details() or '')[:200]}"
