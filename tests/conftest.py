"""The seed programme, read once and compiled once for the whole run: the real thing, not a
sample.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bench import qdrant
from bench.qdrant import Node
from bot.app import create_app
from bot.library import Library, Served
from bot.settings import Settings
from index import build, bundle
from index.build import Draft
from index.bundle import Bundle
from index.stores.folder import FolderStore
from index.stores.qdrant import QdrantStore
from scripts.qdrant import PLACE
from tests.redises import RedisServer

ROOT = Path(__file__).parent.parent
SEED = ROOT / "programmes" / "dortmund-2025"
SLUG = SEED.name
GATE, FLOOR = Path(__file__), ROOT / "pyproject.toml"  # files that are there, for locks alone


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: many tests wait, for a browser or for a process to end."""
    return (os.cpu_count() or 1) + 1


@contextmanager
def lock(path: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Between the processes of a run."""
    with path.open() as file:
        fcntl.flock(file, how)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """A test marked `alone` measures time: the other processes begin no test until it is over.

    All come through one gate, else it would wait for as long as the others have tests.
    """
    alone = item.get_closest_marker("alone") is not None
    with ExitStack() as held:
        with lock(GATE):
            held.enter_context(lock(FLOOR, fcntl.LOCK_EX if alone else fcntl.LOCK_SH))
        return (yield)


@contextmanager
def silent(label: str, steps: int) -> Iterator[object]:
    yield lambda done: None


@pytest.fixture(scope="session")
def draft() -> Draft:
    return build.read(SEED)


@pytest.fixture(scope="session")
def index_root(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Made by whichever process of the run comes first."""
    if worker_id == "master":  # the only one
        root = tmp_path_factory.mktemp("index")
    else:
        root = tmp_path_factory.getbasetemp().parent / "index"
    with lock(SEED / "programme.toml"):
        if not (root / SLUG).exists():
            build.build(SEED, root, "fundstelle-e5", silent)
    return root


@pytest.fixture(scope="session")
def compiled(index_root: Path) -> Bundle:
    return bundle.load(index_root / SLUG)


@pytest.fixture(scope="session")
def served(index_root: Path) -> Served:
    library = Library(FolderStore(index_root))
    library.refresh()
    return library.get(SLUG)


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A real server; `python scripts/qdrant.py` fetches it."""
    if not PLACE.is_file():
        pytest.skip("no Qdrant here: python scripts/qdrant.py")
    with qdrant.running(tmp_path_factory.mktemp("qdrant")) as (only,):
        yield only


@pytest.fixture(scope="session")
def store(node: Node, tmp_path_factory: pytest.TempPathFactory) -> QdrantStore:
    """One store for all, since the encoder's upload takes seconds; each test has slugs of its
    own.
    """
    return QdrantStore(qdrant.address([node], shards=2), tmp_path_factory.mktemp("bot"))


@pytest.fixture
def client(index_root: Path) -> TestClient:
    app = create_app(Settings(index=index_root, rate_limit=""))
    return TestClient(app)


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a real Redis; see `own_redis` for one that may be killed."""
    with RedisServer.running(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """For one test alone."""
    with RedisServer.running(tmp_path) as server:
        yield server
