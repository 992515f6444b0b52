"""Dockerfile and compose file, as far as they can be checked without Docker.

`scripts/check_image.sh` runs the Dockerfile's own steps in a clean environment.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient

from bench import small
from bench.small import Chapter
from bot.app import create_app
from bot.settings import Settings
from tests.conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
UNIT = (ROOT / "deploy/systemd/fundstelle.service").read_text(encoding="utf-8")
KUBERNETES = ROOT / "deploy/kubernetes"
STOP = 5 + 8 + 8 + 10  # seconds: drain, requests, messengers, traces; see docs/operations.md


def test_the_compose_file_follows_the_specification() -> None:
    """Checked against the compose specification's own schema."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    result = subprocess.run(
        [*command, str(ROOT / "docker-compose.yml")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def services() -> dict[str, Any]:
    """Of the compose file, its anchors resolved."""
    return dict(COMPOSE["services"])


def test_by_default_the_bot_is_alone_and_on_loopback() -> None:
    """Everything else waits for a profile; only the proxy listens to the world."""
    default = [name for name, service in services().items() if "profiles" not in service]
    assert default == ["bot"]
    for name, service in services().items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:") or name == "caddy", name


def test_the_full_profile_has_what_a_hosting_service_needs() -> None:
    """And its bots have no way out of their network."""
    full = {name for name, service in services().items() if "full" in service.get("profiles", [])}
    assert full == {"bot-a", "bot-b", "caddy", "redis", "qdrant", "prometheus", "grafana"}
    for name in ("bot-a", "bot-b", "redis", "qdrant", "publish", "prometheus"):
        assert services()[name]["networks"] == ["inside"], name
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_nobody_can_be_given_the_proxys_address() -> None:
    """The bots believe it; Docker hands out others only, whoever starts first."""
    (inside,) = COMPOSE["networks"]["inside"]["ipam"]["config"]
    caddy = services()["caddy"]["networks"]
    proxy = ip_address(caddy["inside"]["ipv4_address"])
    bot = services()["bot-a"]
    assert bot["environment"]["FUNDSTELLE_TRUSTED_PROXIES"] == str(proxy)
    assert proxy in ip_network(inside["subnet"])
    assert proxy not in ip_network(inside["ip_range"])
    assert proxy != ip_address(inside["gateway"])
    assert COMPOSE["networks"]["outside"]["enable_ipv6"] is True  # whose visitors it sees, too


def test_the_bots_file_of_settings_is_not_overruled() -> None:
    """`environment` wins over env_file, also where it is empty: it holds only what must be so."""
    for name, service in services().items():
        if "env_file" in service:
            for variable, value in dict(service.get("environment", {})).items():
                assert value is not None and ":-}" not in str(value), (name, variable)


def test_documents_are_read_without_a_network() -> None:
    """A PDF is somebody else's file; only `publish` must reach Qdrant, and nothing else."""
    assert services()["ingest"]["network_mode"] == "none"
    assert services()["publish"]["networks"] == ["inside"]


def test_one_service_cannot_take_all_memory() -> None:
    """Each has a limit."""
    assert [name for name, service in services().items() if "mem_limit" not in service] == []


def test_counts_are_kept_no_longer_than_said() -> None:
    """docs/privacy.md names Prometheus' time."""
    command = services()["prometheus"]["command"]
    assert "--storage.tsdb.retention.time=30d" in command
    assert "30 days" in (ROOT / "docs/privacy.md").read_text(encoding="utf-8")


def test_whoever_is_started_finds_what_it_depends_on() -> None:
    """Compose starts no dependency that is in none of the service's own profiles."""
    for name, service in services().items():
        for needed in service.get("depends_on", {}):
            theirs = services()[needed].get("profiles", [])
            assert not theirs or set(service["profiles"]) <= set(theirs), (name, needed)


def test_every_service_is_hardened_and_says_how_it_is() -> None:
    """Read-only, no capabilities, no new ones, not root, a health check. `ingest` and
    `publish` write bundles and end; the proxy is root without a root's rights, see the file.
    """
    for name, service in services().items():
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
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
        bot = services()[name]
        assert bot["environment"]["FUNDSTELLE_SECRET_FILE"] == f"/run/secrets/{bot['secrets'][0]}"
        assert "FUNDSTELLE_SECRET" not in bot["environment"]
        assert int(bot["environment"]["FUNDSTELLE_DRAIN_SECONDS"]) == 5
        assert int(bot["stop_grace_period"].removesuffix("s")) > STOP
    assert int(re.findall(r"TimeoutStopSec=(\d+)", UNIT)[0]) > STOP
    pod = manifests("base")["Deployment", "fundstelle"]["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > STOP


def test_every_file_that_compose_mounts_is_there() -> None:
    """Docker would make a folder in the place of one that is missing."""
    for name, service in services().items():
        for volume in service.get("volumes", []):
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


@pytest.mark.skipif(not shutil.which("caddy"), reason="no caddy here")
def test_one_caddyfile_serves_two_bots_and_one() -> None:
    """FUNDSTELLE_BOTS names others, as on a plain server (docs/operations.md)."""
    command = ["caddy", "adapt", "--adapter", "caddyfile", "--validate", "--config"]
    for bots in ("bot-a:8000 bot-b:8000", "127.0.0.1:8000"):
        result = subprocess.run(
            [*command, str(ROOT / "deploy/caddy/Caddyfile")], capture_output=True, check=True,
            env={**os.environ, "FUNDSTELLE_BOTS": bots, "FUNDSTELLE_DOMAIN": "frag.example.org"},
        )  # fmt: skip
        assert re.findall(rb'"dial":"([^"]*)"', result.stdout) == bots.encode().split()


Objects = dict[tuple[str, str], Any]


def manifests(folder: str) -> Objects:
    """Of deploy/kubernetes/<folder>, by kind and name; without kustomize's own, and its patch."""
    found: Objects = {}
    for path in sorted((KUBERNETES / folder).glob("*.yaml")):
        for table in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            name = table.get("metadata", {}).setdefault("name", "generated")
            if table["kind"] != "Kustomization" and path.name != "bots.yaml":
                found[table["kind"], name] = table
    return found


@cache
def rendered() -> list[Any]:
    """What `kubectl apply -k deploy/kubernetes/qdrant` would send."""
    command = ["kubectl", "kustomize", str(KUBERNETES / "qdrant")]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return list(yaml.safe_load_all(made))


def check(tmp_path: Path, tables: Sequence[Any]) -> None:
    """By Kubernetes' own schemas, strictly: no field that it would ignore."""
    path = tmp_path / "all.yaml"
    path.write_text(yaml.safe_dump_all(tables), encoding="utf-8")
    script = "import sys; from kubernetes_validate.__main__ import main; sys.exit(main())"
    result = subprocess.run(
        [sys.executable, "-c", script, "--strict", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    assert (result.stdout + result.stderr).count("passed") == len(tables)


def test_the_kubernetes_manifests_follow_kubernetes_own_schemas(tmp_path: Path) -> None:
    """Each file's, and what kustomize makes of all with its patch."""
    tables = [*manifests("base").values(), *manifests("qdrant").values()]
    assert len(tables) == 16
    check(tmp_path, [*tables, *(rendered() if shutil.which("kubectl") else ())])


@pytest.mark.parametrize("folder", ["base", "qdrant"])
def test_kustomize_is_told_of_every_manifest(folder: str) -> None:
    """One that it doesn't list would not be applied; `publish` is created each time."""
    listed = yaml.safe_load((KUBERNETES / folder / "kustomization.yaml").read_text("utf-8"))
    names = {*listed["resources"], *(each["path"] for each in listed.get("patches", ()))}
    there = {path.name for path in (KUBERNETES / folder).glob("*.yaml")}
    assert names - {"../base"} == there - {"kustomization.yaml", "publish.yaml"}


@pytest.mark.skipif(not shutil.which("kubectl"), reason="no kubectl here")
def test_with_qdrant_the_bot_still_has_what_it_had() -> None:
    """The patch only adds."""
    (pod,) = (t["spec"]["template"]["spec"] for t in rendered()
              if (t["kind"], t["metadata"]["name"]) == ("Deployment", "fundstelle"))  # fmt: skip
    (bot,) = pod["containers"]
    names = {each["name"] for each in bot["env"]}
    assert {"FUNDSTELLE_TRUSTED_PROXIES", "FUNDSTELLE_STORE"} <= names
    mounts = {each["mountPath"]: each["name"] for each in bot["volumeMounts"]}
    assert set(mounts) == {"/tmp", "/index"}
    assert set(mounts.values()) == {volume["name"] for volume in pod["volumes"]}
    assert bot["readinessProbe"]["timeoutSeconds"] == 4


def test_the_kubernetes_manifests_are_about_one_hardened_pod() -> None:
    """What a schema can't know: they select the same pod, ask the bot's own probes, and it may do
    nothing but answer.
    """
    found = {kind: table["spec"] for (kind, name), table in manifests("base").items()
             if name == "fundstelle"}  # fmt: skip
    label = {"app.kubernetes.io/name": "fundstelle"}
    pod = found["Deployment"]["template"]["spec"]
    (bot,) = pod["containers"]
    assert found["Deployment"]["template"]["metadata"]["labels"] == label
    assert found["Service"]["selector"] == label
    assert found["PodDisruptionBudget"]["selector"]["matchLabels"] == label
    assert found["NetworkPolicy"]["podSelector"]["matchLabels"] == label
    assert found["NetworkPolicy"]["egress"] == []
    assert found["HorizontalPodAutoscaler"]["minReplicas"] >= 2
    assert "replicas" not in found["Deployment"]  # each apply would undo the autoscaler's
    assert bot["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert bot["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert bot["startupProbe"]["failureThreshold"] * bot["startupProbe"]["periodSeconds"] >= 300
    assert pod["securityContext"]["runAsUser"] == 10001  # as in the Dockerfile
    assert "--uid 10001" in DOCKERFILE


def test_no_private_network_is_trusted_as_it_is_delivered() -> None:
    """Behind nodes that rewrite sources everybody in it could say whose address they have."""
    (bot,) = manifests("base")["Deployment", "fundstelle"]["spec"]["template"]["spec"]["containers"]
    values = {each["name"]: each["value"] for each in bot["env"]}
    documentation = ip_network("192.0.2.0/24")  # RFC 5737: nobody's
    assert ip_network(values["FUNDSTELLE_TRUSTED_PROXIES"]) == documentation


def test_metrics_and_probes_lead_nowhere_from_outside() -> None:
    """To a service that selects no pod."""
    found = manifests("base")
    (rule,) = found["Ingress", "fundstelle"]["spec"]["rules"]
    backends = {p["path"]: p["backend"]["service"]["name"] for p in rule["http"]["paths"]}
    nowhere = {path for path, name in backends.items() if name == "fundstelle-nowhere"}
    assert nowhere == {"/metrics", "/readyz", "/healthz"}
    assert "selector" not in found["Service", "fundstelle-nowhere"]["spec"]


def test_every_pod_is_hardened() -> None:
    """Bots, Qdrant, Redis and what publishes: nobody's rights, and a limit of memory."""
    found = {**manifests("base"), **manifests("qdrant")}
    pods = {name: table["spec"]["template"]["spec"] for (_, name), table in found.items()
            if "template" in table["spec"]}  # fmt: skip
    assert set(pods) == {"fundstelle", "qdrant", "redis", "generated"}
    for name, pod in pods.items():
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False, name
        assert container["resources"]["limits"]["memory"], name
        assert not any(port.get("hostPort") for port in container.get("ports", ())), name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name


def test_whoever_asks_a_store_may_reach_it_and_nobody_else() -> None:
    """Names, Qdrant's gRPC and Redis, from bots and `publish`; the labels are the pods' own."""
    found = manifests("qdrant")
    (names, *stores) = found["NetworkPolicy", "fundstelle-stores"]["spec"]["egress"]
    assert {port["port"] for port in names["ports"]} == {53}
    ways = {}
    for store in stores:
        ((pods,), (port,)) = store["to"], store["ports"]
        ways[pods["podSelector"]["matchLabels"]["app.kubernetes.io/name"]] = port["port"]
    assert ways == {"qdrant": 6334, "redis": 6379}
    (clients,) = found["NetworkPolicy", "fundstelle-stores"]["spec"]["podSelector"][
        "matchExpressions"
    ]
    assert clients["values"] == ["fundstelle", "fundstelle-publish"]
    for name, port in ways.items():
        (first, *_) = found["NetworkPolicy", name]["spec"]["ingress"]
        ((who,), (to,)) = first["from"], first["ports"]
        assert (who["podSelector"]["matchExpressions"], to["port"]) == ([clients], port)
    job = found["Job", "generated"]["spec"]["template"]
    assert job["metadata"]["labels"] == {"app.kubernetes.io/name": "fundstelle-publish"}


def test_bots_may_read_what_publish_writes() -> None:
    """One address, a headless service's; two keys, of which bots have the one that only reads; a
    folder for the encoder that is mounted.
    """
    text = (KUBERNETES / "qdrant/bots.yaml").read_text("utf-8")
    (bot,) = yaml.safe_load(text)["spec"]["template"]["spec"]["containers"]
    found = manifests("qdrant")
    (publish,) = found["Job", "generated"]["spec"]["template"]["spec"]["containers"]
    (node,) = found["StatefulSet", "qdrant"]["spec"]["template"]["spec"]["containers"]
    mine, its, theirs = ({e["name"]: e for e in c["env"]} for c in (bot, publish, node))
    assert mine["FUNDSTELLE_STORE"] == its["FUNDSTELLE_STORE"]
    host, port = mine["FUNDSTELLE_STORE"]["value"].removeprefix("qdrant://").split(":")
    service = found["Service", host]["spec"]
    assert service["clusterIP"] == "None"  # every node by name, also one that isn't ready
    assert int(port) in {each["port"] for each in service["ports"]}
    assert (
        its["FUNDSTELLE_QDRANT_KEY"]["valueFrom"] == theirs["QDRANT__SERVICE__API_KEY"]["valueFrom"]
    )
    reading = theirs["QDRANT__SERVICE__READ_ONLY_API_KEY"]["valueFrom"]["secretKeyRef"]["name"]
    assert bot["envFrom"][0]["secretRef"] == {"name": reading, "optional": False}
    assert reading != its["FUNDSTELLE_QDRANT_KEY"]["valueFrom"]["secretKeyRef"]["name"]
    assert mine["FUNDSTELLE_INDEX"]["value"] in {m["mountPath"] for m in bot["volumeMounts"]}


def test_every_setting_that_is_handed_out_is_one() -> None:
    """A misspelt one would stop the bot at its start."""
    known = {f"FUNDSTELLE_{name.upper()}" for name in Settings.__dataclass_fields__}
    bots = [services()["bot-a"]["environment"], *re.findall(r"FUNDSTELLE_\w+(?==)", UNIT)]
    text = "".join(path.read_text("utf-8") for path in KUBERNETES.rglob("*.yaml"))
    names = {*dict(bots[0]), *bots[1:], *re.findall(r"name: (FUNDSTELLE_\w+)", text)}
    assert len(names) > 8
    assert {name.removesuffix("_FILE") for name in names} - known <= {"FUNDSTELLE_X"}  # an example


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_understands_the_unit_and_finds_it_tight(tmp_path: Path) -> None:
    """`systemd-analyze verify`, with a program that is there; exposure at most 2.0 of 10."""
    unit = tmp_path / "fundstelle.service"
    unit.write_text(UNIT.replace("/opt/fundstelle/.venv/bin/python", "/bin/true"))
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


def test_a_new_volume_belongs_to_the_bots_user() -> None:
    """A folder that `COPY --from` makes is root's; a volume takes its owner from the image."""
    bot = DOCKERFILE.split(" AS bot")[1]
    assert re.search(
        r"mkdir -p var/index && chown -R fundstelle var\nCOPY .*--chown=fundstelle", bot
    )


def test_which_programmes_the_image_holds_is_said_when_it_is_built() -> None:
    """A new programme is a new image, without an edited Dockerfile."""
    assert "ARG PROGRAMMES=programmes/dortmund-2025" in DOCKERFILE
    assert "python ingest.py $PROGRAMMES" in DOCKERFILE
    for name in ("bot", "bot-a", "ingest", "publish"):
        build = services()[name]["build"]
        assert "PROGRAMMES" in build["args"], name


def test_dashboard_and_alerts_ask_for_metrics_that_there_are(tmp_path: Path) -> None:
    """Every name in deploy/grafana and deploy/prometheus is one that a server with Redis shows."""
    small.write(tmp_path, "rot", [Chapter("Verkehr", ["Wir bauen Radwege."])])
    redis = Settings(index=tmp_path, redis="redis://127.0.0.1:1/0", secret="x" * 32)
    client = TestClient(create_app(redis))
    client.post("/api/chat", json={"message": "Radwege"})
    client.get("/nope")
    shown = set(re.findall(r"fundstelle_\w+", client.get("/metrics").text))
    dashboard = json.loads((ROOT / "deploy/grafana/dashboards/fundstelle.json").read_text())
    alerts = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    for asked in (queries, rules):
        names = {name for each in asked for name in re.findall(r"fundstelle_\w+", each)}
        assert len(names) >= 5
        assert names <= shown


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool here")
def test_prometheus_understands_its_files() -> None:
    """Configuration and alerts, by promtool (Debian's package prometheus)."""
    command = ["promtool", "check", "config", str(ROOT / "deploy/prometheus/prometheus.yml")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "rules found" in result.stdout


def test_the_bot_runs_as_nobody_and_says_how_it_is() -> None:
    """Not as root; with a health check."""
    last = DOCKERFILE.split(" AS bot")[1]
    assert "USER fundstelle" in last
    assert "HEALTHCHECK" in last


def test_the_recipe_for_a_plain_server_fits_its_files() -> None:
    """docs/operations.md compiles to where the unit reads, sets what the Caddyfile asks for, and
    names the gateway from which a container sees a proxy on the host.
    """
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert re.findall(r"ingest\.py --out (\S+) ", text) == re.findall(
        r"FUNDSTELLE_INDEX=(\S+)", UNIT
    )
    (caddy,) = re.findall(r"\[Service\]\\nEnvironment=(.*)\\n", text)
    asked = re.findall(r"\{\$(\w+)", (ROOT / "deploy/caddy/Caddyfile").read_text("utf-8"))
    assert {pair.split("=")[0] for pair in caddy.split()} == set(asked)
    (default,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    gateway = next(ip_network(default["subnet"]).hosts())
    assert f"FUNDSTELLE_TRUSTED_PROXIES={gateway}" in text


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
