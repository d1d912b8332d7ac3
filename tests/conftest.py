"""Fixtures of all tiers. A Spark session is refused in `unit/`: those tests must run without a JVM."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Frames of tests are tiny: to compile a query costs more than to interpret it. Runs as programs of their own compile.
QUICK = {
    "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # Nor is anything hot enough for the JVM's second compiler to earn what it costs.
    "spark.driver.extraJavaOptions": "-XX:+UseParallelGC -XX:TieredStopAtLevel=1",
}  # fmt: skip
SHARED = ROOT.parent / "shared" / "data"
# A process of pytest-xdist is a program without a file. Spark takes such a program for its own doctests, and ends it.
if not hasattr(sys.modules["__main__"], "__file__"):
    sys.modules["__main__"].__file__ = __file__


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stop the collection when a unit test asks for Spark."""
    for item in items:
        if "unit" in item.path.relative_to(ROOT / "tests").parts and "spark" in getattr(item, "fixturenames", ()):
            raise pytest.UsageError(f"{item.nodeid}: unit tests run without a JVM; move it to tests/spark")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name long bytes by their length: no file makes a good name, and one with a time in it differs by process."""
    return f"{argname}-{len(val)}" if isinstance(val, bytes) and len(val) > 16 else None


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Take back what a test wrote into the environment: commands hand their settings to their children there."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real crawl files beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"no real data at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The one Spark session of the test run."""
    from orchestration.spark_session import build_session

    jars = ",".join(str(path) for path in sorted((ROOT / ".venv" / "jars").glob("*.jar")))
    scratch = tmp_path_factory.mktemp("spark")
    session = build_session(jars=jars, driver_memory="2g", scratch=str(scratch), extra=QUICK)
    yield session
    session.stop()
