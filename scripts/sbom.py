"""`python scripts/sbom.py [server|all]`: what the image is made of, as CycloneDX JSON on stdout.

From the locked list, so that it says what is installed and not what happens to be here; the same
list gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ENCODER = "index/models/fundstelle-e5"
NETWORKS = ("encoder.onnx", "light.onnx")
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)((?:.*\\\n\s+--hash=sha256:[0-9a-f]{64})+)", re.M)
NAMESPACE = uuid.UUID("b5d2c3de-6c2a-5a86-9a3c-0d6a3c0b7c11")  # of this project's SBOMs, arbitrary


def sbom(name: str) -> dict[str, Any]:
    """The document for requirements/<name>.txt. Hashes are of every file that pip may choose."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    components = [_package(*match.groups()) for match in PIN.finditer(text)]
    if name == "all":
        components.append(_torch())
    components = [*sorted(components, key=lambda c: c["bom-ref"]), *_networks()]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, json.dumps(components))}",
        "version": 1,
        "metadata": {"component": _application(name)},
        "components": components,
    }


def _application(name: str) -> dict[str, Any]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "(.+)"', text, re.M)
    return {
        "type": "application",
        "bom-ref": f"fundstelle-{name}",
        "name": "fundstelle",
        "version": version[1] if version else "0",
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }


def _package(name: str, version: str, rest: str) -> dict[str, Any]:
    pure = re.sub(r"[-_.]+", "-", name).lower()
    found = sorted(set(re.findall(r"sha256:([0-9a-f]{64})", rest)))
    url = f"https://pypi.org/project/{pure}/{version}/"
    return {
        "type": "library",
        "bom-ref": f"pkg:pypi/{pure}@{version}",
        "name": pure,
        "version": version,
        "purl": f"pkg:pypi/{pure}@{version}",
        "externalReferences": [
            {"type": "distribution", "url": url, "hashes": [_hash(digest) for digest in found]}
        ],
    }


def _torch() -> dict[str, Any]:
    """Pinned without a hash: its CPU build has another index on each platform."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    pinned = re.search(r'"torch==([\d.]+)"', text)
    version = pinned[1] if pinned else "0"
    ref = f"pkg:pypi/torch@{version}"
    return {"type": "library", "bom-ref": ref, "name": "torch", "version": version, "purl": ref}


def _networks() -> list[dict[str, Any]]:
    return [
        {
            "type": "machine-learning-model",
            "bom-ref": f"{ENCODER}/{name}",
            "name": f"fundstelle-e5 {name}",
            "hashes": [_hash(hashlib.sha256((ROOT / ENCODER / name).read_bytes()).hexdigest())],
        }
        for name in NETWORKS
    ]


def _hash(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}


def main() -> int:
    """Print the document."""
    name = sys.argv[1] if len(sys.argv) > 1 else "server"
    sys.stdout.write(json.dumps(sbom(name), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
