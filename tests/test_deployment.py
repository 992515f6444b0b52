"""Dockerfile and compose file, as far as they can be checked without Docker.

`scripts/check_image.sh` runs the Dockerfile's own steps in a clean environment.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_compose_file_follows_the_specification() -> None:
    """Checked against the compose specification's own schema."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    result = subprocess.run(
        [*command, str(ROOT / "docker-compose.yml")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def services() -> dict[str, dict[str, object]]:
    """Of the compose file, its anchors resolved."""
    found = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    return dict(found)


def test_by_default_the_bot_is_alone_and_on_loopback() -> None:
    """Everything else waits for a profile; only the proxy listens to the world."""
    default = [name for name, service in services().items() if "profiles" not in service]
    assert default == ["bot"]
    for name, service in services().items():
        for port in service.get("ports", []):  # type: ignore[attr-defined]
            assert port.startswith("127.0.0.1:") or name == "caddy", name


def test_the_full_profile_has_what_a_hosting_service_needs() -> None:
    """And its bots have no way out of their network."""
    full = {name for name, service in services().items() if "full" in service.get("profiles", [])}  # type: ignore[operator]
    assert full == {"bot-a", "bot-b", "caddy", "redis", "qdrant", "prometheus", "grafana"}
    for name in ("bot-a", "bot-b", "redis", "qdrant", "publish", "prometheus"):
        assert services()[name]["networks"] == ["inside"], name
    networks = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["networks"]
    assert networks["inside"]["internal"] is True


def test_whoever_is_started_finds_what_it_depends_on() -> None:
    """Compose starts no dependency that is in none of the service's own profiles."""
    for name, service in services().items():
        for needed in service.get("depends_on", {}):  # type: ignore[attr-defined]
            theirs = services()[needed].get("profiles", [])
            assert not theirs or set(service["profiles"]) <= set(theirs), (name, needed)  # type: ignore[call-overload]


def test_every_service_is_hardened_and_says_how_it_is() -> None:
    """Read-only, no capabilities, no new ones, not root, a health check. `ingest` and
    `publish` write bundles and end; the proxy is root without a root's rights, see the file.
    """
    for name, service in services().items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name  # type: ignore[operator]
        if name in {"ingest", "publish"}:
            continue
        assert service["read_only"] is True, name
        ours = "build" in service  # its Dockerfile has USER and HEALTHCHECK
        assert ours or "healthcheck" in service, name
        if name == "caddy":
            assert service["cap_add"] == ["NET_BIND_SERVICE"]
        else:
            assert ours or not str(service["user"]).startswith(("0", "root")), name


def test_bots_share_a_secret_in_a_file_and_are_given_time_to_stop() -> None:
    """Nothing secret stands in the environment; drain, requests and messengers end before the
    kill: see docs/operations.md.
    """
    for name in ("bot-a", "bot-b"):
        bot: Any = services()[name]
        assert bot["environment"]["FUNDSTELLE_SECRET_FILE"] == f"/run/secrets/{bot['secrets'][0]}"
        assert "FUNDSTELLE_SECRET" not in bot["environment"]
        drain = int(bot["environment"]["FUNDSTELLE_DRAIN_SECONDS"])
        assert int(bot["stop_grace_period"].removesuffix("s")) >= drain + 8 + 8
    unit = (ROOT / "deploy/systemd/fundstelle.service").read_text(encoding="utf-8")
    assert "TimeoutStopSec=30" in unit
    text = (ROOT / "deploy/kubernetes/deployment.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 30


def test_every_file_that_compose_mounts_is_there() -> None:
    """Docker would make a folder in the place of one that is missing."""
    for name, service in services().items():
        for volume in service.get("volumes", []):  # type: ignore[attr-defined]
            source = volume.split(":")[0]
            assert not source.startswith(".") or (ROOT / source).exists(), (name, source)


def test_the_proxy_keeps_no_access_log_and_hides_the_probes() -> None:
    """An address, a time and a party in one line are what we promise not to keep."""
    lines = (ROOT / "deploy/caddy/Caddyfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.strip().startswith("#"))
    options, site = text.split("{$FUNDSTELLE_DOMAIN", 1)
    assert not re.search(r"^\s*log", site, re.M)
    assert re.findall(r"^\s*log.*", options, re.M) == ["\tlog default {"]
    assert "exclude http.log.error http.handlers.reverse_proxy" in options
    for wanted in ("read_header", "read_body", "Strict-Transport-Security", "-Server", "max_size"):
        assert wanted in text
    hidden = re.search(r"@inside path (.*)", text)
    assert hidden and {"/metrics*", "/readyz*"} <= set(hidden[1].split())
    assert text.count("{") == text.count("}")


def test_the_kubernetes_manifests_follow_kubernetes_own_schemas() -> None:
    """Strictly: no field that it would ignore."""
    paths = sorted(str(path) for path in (ROOT / "deploy/kubernetes").glob("*.yaml"))
    script = "import sys; from kubernetes_validate.__main__ import main; sys.exit(main())"
    result = subprocess.run(
        [sys.executable, "-c", script, "--strict", *paths],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert (result.stdout + result.stderr).count("passed") == len(paths) == 5


def test_the_kubernetes_manifests_are_about_one_hardened_pod() -> None:
    """What a schema can't know: they select the same pod, ask the bot's own probes, and it may do
    nothing but answer.
    """
    found = {}
    for path in (ROOT / "deploy/kubernetes").glob("*.yaml"):
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        found[table["kind"]] = table["spec"]
    label = {"app.kubernetes.io/name": "fundstelle"}
    pod = found["Deployment"]["template"]["spec"]
    (bot,) = pod["containers"]
    assert found["Deployment"]["template"]["metadata"]["labels"] == label
    assert found["Service"]["selector"] == label
    assert found["PodDisruptionBudget"]["selector"]["matchLabels"] == label
    assert found["NetworkPolicy"]["podSelector"]["matchLabels"] == label
    assert found["NetworkPolicy"]["egress"] == []
    assert found["HorizontalPodAutoscaler"]["minReplicas"] >= 2
    assert bot["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert bot["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001  # as in the Dockerfile
    assert "--uid 10001" in DOCKERFILE
    assert bot["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not any(port.get("hostPort") for port in bot["ports"])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_understands_the_unit_and_finds_it_tight(tmp_path: Path) -> None:
    """`systemd-analyze verify`, with a program that is there; exposure at most 2.0 of 10."""
    text = (ROOT / "deploy/systemd/fundstelle.service").read_text(encoding="utf-8")
    unit = tmp_path / "fundstelle.service"
    unit.write_text(text.replace("/opt/fundstelle/.venv/bin/python", "/bin/true"))
    for command in (["verify"], ["security", "--offline=true", "--threshold=20"]):
        result = subprocess.run(
            ["systemd-analyze", *command, str(unit)], capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        assert command != ["verify"] or not result.stderr, result.stderr


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
