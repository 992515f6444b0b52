"""Dockerfile and compose file, as far as they can be checked without Docker.

`scripts/check_image.sh` runs the Dockerfile's own steps in a clean environment.
"""

from __future__ import annotations

import re
import subprocess
import sys

from tests.conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_compose_file_follows_the_specification() -> None:
    """Checked against the compose specification's own schema."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    result = subprocess.run(
        [*command, str(ROOT / "docker-compose.yml")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def test_everything_the_image_copies_is_there() -> None:
    """A renamed folder would break the image long after the tests passed."""
    for source in re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.M):
        assert (ROOT / source).exists(), source


def test_the_bot_runs_as_nobody_and_says_how_it_is() -> None:
    """Not as root; with a health check."""
    last = DOCKERFILE.split(" AS bot")[1]
    assert "USER fundstelle" in last
    assert "HEALTHCHECK" in last


def test_torch_is_pinned_wherever_it_comes_in() -> None:
    """Any other request for torch takes gigabytes of CUDA."""
    for name in ("Dockerfile", "Makefile", "pyproject.toml"):
        for mention in re.findall(r"torch==[\d.]+|torch[<>~]=", (ROOT / name).read_text()):
            assert mention == "torch==2.13.0", name


def test_the_server_list_holds_no_torch() -> None:
    """And every line of both lists is hashed."""
    server = (ROOT / "requirements" / "server.txt").read_text()
    assert not re.search(r"^(torch|transformers|sentence-transformers)==", server, re.M)
    for name in ("server.txt", "all.txt"):
        text = (ROOT / "requirements" / name).read_text()
        pins = re.findall(r"^([a-zA-Z0-9_.-]+)==", text, re.M)
        assert len(pins) > 20
        assert len(re.findall(r"^[a-zA-Z0-9_.-]+==\S+ \\\n    --hash=sha256:", text, re.M)) == len(
            pins
        )
