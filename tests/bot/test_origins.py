from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bench import small
from bench.small import Chapter
from bot.app import create_app
from bot.settings import Settings, SettingsError, read
from index import bundle, description
from index.errors import DocumentError

RED, BLUE, EVERY, OTHER = (
    f"https://{name}.example" for name in ("rot", "blau", "verband", "fremd")
)
ALLOW = "access-control-allow-origin"
GOOD = 'title = "T"\ndocument = "t.txt"\n'


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three programmes: one for its own site, one for another, one for everybody."""
    root = tmp_path_factory.mktemp("origins")
    chapters = [Chapter("Rad", ["Wir bauen Radwege. Alle kommen gut an."], 1)]
    for slug, origins in (("rot", (RED,)), ("blau", (BLUE, EVERY)), ("offen", ("*",))):
        small.write(root, slug, chapters, allowed_origins=origins)  # type: ignore[arg-type]
    return root


@pytest.fixture(scope="module")
def client(root: Path) -> TestClient:
    return TestClient(create_app(Settings(index=root, rate_limit="")))


def calls(client: TestClient, slug: str, origin: str) -> list[dict[str, str]]:
    """The headers of each kind of call about `slug`, from a page of `origin`."""
    headers = {"Origin": origin}
    asked = {"message": "Radwege", "programme": slug}
    return [
        dict(response.headers)
        for response in (
            client.post("/api/chat", json=asked, headers=headers),
            client.get(f"/api/search?q=Radwege&programme={slug}", headers=headers),
            client.get(f"/api/compare?q=Radwege&programmes={slug}", headers=headers),
            client.get(f"/api/programmes/{slug}", headers=headers),
            client.get(f"/api/programmes/{slug}/passages/keine", headers=headers),
        )
    ]


@pytest.mark.parametrize(
    ("slug", "origin", "may"),
    [
        ("rot", RED, True), ("rot", BLUE, False), ("blau", BLUE, True), ("blau", EVERY, True),
        ("blau", RED, False), ("rot", OTHER, False), ("offen", OTHER, True),
        ("offen", "null", True), ("rot", "null", False), ("rot", f"{RED}.evil.example", False),
        ("rot", "https://ot.example", False), ("rot", RED.upper(), False),
        ("rot", RED.replace("https", "http"), False), ("rot", f"{RED}:444", False),
    ],
)  # fmt: skip
def test_a_site_reads_what_its_programme_allows(
    client: TestClient, slug: str, origin: str, may: bool
) -> None:
    """By every call of the API, to the letter; the others get no CORS header at all."""
    for headers in calls(client, slug, origin):
        named = {name for name in headers if name.startswith("access-control-")}
        assert (headers.get(ALLOW) == origin) == may
        assert bool(named) == may
        assert "Origin" in headers["vary"]
        assert "access-control-allow-credentials" not in headers


def test_a_preflight_is_for_sites_that_some_programme_allows(root: Path) -> None:
    """It carries no body that would say which. One programme for everybody opens it to all, and
    still not the answers of the others.
    """

    def preflight(client: TestClient, origin: str) -> dict[str, str]:
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        response = client.options("/api/chat", headers=headers)
        assert response.status_code == (204 if ALLOW in response.headers else 405)
        return dict(response.headers)

    app = create_app(Settings(index=root, rate_limit=""))
    with TestClient(app) as client:
        library = app.state.fundstelle.library
        library._served = {slug: s for slug, s in library._served.items() if slug != "offen"}
        for origin in (RED, BLUE, EVERY):
            headers = preflight(client, origin)
            assert headers[ALLOW] == origin
            assert headers["access-control-allow-methods"] == "GET, POST"
            assert "Content-Type" in headers["access-control-allow-headers"]
            assert headers["x-content-type-options"] == "nosniff"
        assert ALLOW not in preflight(client, OTHER)
    client = TestClient(create_app(Settings(index=root, rate_limit="")))
    assert preflight(client, OTHER)[ALLOW] == OTHER
    assert ALLOW not in calls(client, "rot", OTHER)[0]


def test_a_comparison_is_for_sites_that_all_its_programmes_allow(client: TestClient) -> None:
    """One that forbids it is enough; with none named, all are."""
    for named, may in (("blau,offen", True), ("blau,rot", False), ("", False), ("blau,nein", True)):
        response = client.get(
            f"/api/compare?q=Radwege&programmes={named}", headers={"Origin": EVERY}
        )
        assert (ALLOW in response.headers) == may, named


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/chat?programme=rot&programmes=rot", {"message": "Radwege", "programme": "blau"}),
        ("/api/search?q=Radwege&programme=rot&programme=blau&programmes=rot", None),
        ("/api/compare?q=Radwege&programme=rot", None),
        ("/api/compare?q=Radwege&programmes=rot&programmes=", None),
        ("/api/programmes/blau?programme=rot", None),
    ],
)
def test_a_name_that_nobody_looks_at_allows_nothing(
    client: TestClient, path: str, body: dict[str, str] | None
) -> None:
    """What is answered is about blau, or about all, whatever else the address says."""
    response = client.request("POST" if body else "GET", path, json=body, headers={"Origin": RED})
    assert response.status_code == 200
    assert ALLOW not in response.headers


def test_the_list_of_programmes_is_for_sites_that_any_allows(root: Path) -> None:
    """It holds titles, no answers."""
    app = create_app(Settings(index=root, rate_limit=""))
    library = app.state.fundstelle.library
    library._served = {"rot": library.get("rot")}
    client = TestClient(app)
    assert client.get("/api/programmes", headers={"Origin": RED}).headers[ALLOW] == RED
    assert ALLOW not in client.get("/api/programmes", headers={"Origin": OTHER}).headers
    asked = {"message": "Radwege"}  # the only one need not be named
    assert ALLOW in client.post("/api/chat", json=asked, headers={"Origin": RED}).headers
    assert ALLOW not in client.post("/api/chat", json=asked, headers={"Origin": OTHER}).headers


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "7", '{"programme": 7}', '{"programme": ["rot"]}', "[" * 60_000, "\xff"]
)
def test_a_body_that_names_no_programme_is_nobodys(client: TestClient, body: str) -> None:
    """Refused as ever, without a CORS header."""
    headers = {"Origin": RED, "Content-Type": "application/json"}
    response = client.post("/api/chat", content=body.encode("latin-1"), headers=headers)
    assert response.status_code in (404, 422)
    assert ALLOW not in response.headers


def test_a_refusal_can_be_read(client: TestClient) -> None:
    """An allowed site learns why its question was not answered, and when to come again."""
    asked = {"message": "", "programme": "rot"}
    response = client.post("/api/chat", json=asked, headers={"Origin": RED})
    assert response.status_code == 422
    assert response.headers[ALLOW] == RED
    assert response.headers["access-control-expose-headers"] == "Retry-After"


def test_a_setting_allows_a_site_for_all_programmes(root: Path) -> None:
    """And only that site."""
    settings = Settings(index=root, rate_limit="", allowed_origins=f" {OTHER} ,")
    client = TestClient(create_app(settings))
    for slug in ("rot", "blau"):
        assert calls(client, slug, OTHER)[0][ALLOW] == OTHER
    assert ALLOW not in calls(client, "rot", BLUE)[0]


@pytest.mark.parametrize(
    "entry",
    [
        f"{RED}/",
        f"{RED}/pfad",
        "rot.example",
        "ftp://rot.example",
        "https://*.rot.example",
        "https://grün.example",
        "https://rot.example:x",
        "'",
    ],
)
def test_what_is_no_origin_is_named(tmp_path: Path, entry: str) -> None:
    """In programme.toml and in the environment; a typing error would look like a broken widget."""
    folder = tmp_path / "stadt"
    folder.mkdir()
    text = f'{GOOD}allowed_origins = ["{RED}", "{entry}"]\n'
    (folder / description.DESCRIPTION).write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError, match="allowed_origins") as error:
        description.read(folder)
    assert repr(entry) in str(error.value)
    with pytest.raises(SettingsError) as refused:
        read({"FUNDSTELLE_ALLOWED_ORIGINS": f"{RED},{entry}"})
    assert repr(entry) in str(refused.value)


def test_origins_are_kept_as_browsers_name_them(tmp_path: Path) -> None:
    """In lower case, without the default port, each once; and they outlast the bundle."""
    folder = tmp_path / "stadt"
    folder.mkdir()
    listed = '["HTTPS://Rot.Example:443", "https://rot.example", "http://localhost:8080", "*"]'
    (folder / description.DESCRIPTION).write_text(f"{GOOD}allowed_origins = {listed}\n")
    found = description.read(folder).allowed_origins
    assert found == ("https://rot.example", "http://localhost:8080", "*")
    small.write(tmp_path, "fest", [Chapter("A", ["B."])], allowed_origins=found)  # type: ignore[arg-type]
    assert bundle.load(tmp_path / "fest").info.allowed_origins == found


@pytest.mark.parametrize("value", ['"https://rot.example"', "[7]", "true"])
def test_origins_are_a_list(tmp_path: Path, value: str) -> None:
    """Not a string, whose letters would be taken for entries."""
    folder = tmp_path / "stadt"
    folder.mkdir()
    (folder / description.DESCRIPTION).write_text(f"{GOOD}allowed_origins = {value}\n")
    with pytest.raises(DocumentError, match="allowed_origins"):
        description.read(folder)
