"""Laws of the repository that no other tool enforces: names, docstrings, addresses, environment, Spark's API, pins."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from spark_jobs.recipe.fingerprint import TEXT_PACKAGES

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("orchestration", "assets", "expectations", "spark_jobs")
ROOMS = (*PACKAGES, "recipes", "benchmarks", "docs", "tests", "dev", ".ci")
GENERATED = {"__pycache__", ".hypothesis"}
# The settings; the session, which tells its workers their interpreter; where the door says which Java it found; and
# the gate, which can turn off the telemetry of Great Expectations in no other way.
TOUCHING_THE_ENVIRONMENT = {
    "orchestration/settings.py",
    "orchestration/spark_session.py",
    "orchestration/environment.py",
    "expectations/gate.py",
}
DISTRIBUTIONS = {**packages_distributions(), "fasttext_pybind": ["fasttext-numpy2"]}
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
LONGEST_DOCSTRING = 8
# Written in pieces, so that this file keeps its own law.
ADDRESSES = re.compile(
    "|".join(["pypi" + r"\.org", "python" + "hosted", "maven" + r"\.org", "/maven" + "2", "(?<!emit-)index" + "-url"])
)
MACHINE_PATHS = re.compile(
    r"(?<![\w.:/~$}>*-])/(?:wo" + r"rk|ro" + r"ot|tm" + r"p|ho" + r"me/\w+|Us" + r"ers/\w+)(?=/|\b)/?[\w.]*"
)


def files() -> Iterator[Path]:
    """Every file of the project, generated ones aside."""
    yield from (path for path in sorted(ROOT.iterdir()) if path.is_file() and path.name != ".git")
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.is_file() and not GENERATED & set(path.parts):
                yield path


def modules(*rooms: str) -> list[Path]:
    """The Python files of the rooms."""
    return [path for room in rooms for path in sorted((ROOT / room).rglob("*.py")) if not GENERATED & set(path.parts)]


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def where(path: Path, node: ast.AST) -> str:
    """File and line of a node, for messages."""
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a chain of attributes; empty for anything else."""
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize(("law", "pattern"), [("registry address", ADDRESSES), ("machine path", MACHINE_PATHS)])
def test_no_file_holds_an_address_of_a_registry_or_a_path_of_a_machine(law: str, pattern: re.Pattern[str]) -> None:
    found = []
    for path in files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if match := pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match.group()}")
    assert not found, f"{law}: {found}"


def test_the_patterns_of_the_law_find_what_they_are_for() -> None:
    assert ADDRESSES.search("--extra-index" + "-url x")
    assert MACHINE_PATHS.search('open("/' + 'tmp/x")')
    assert MACHINE_PATHS.search("see /" + "home/ann/x")
    assert not MACHINE_PATHS.search("http://example.org/" + "tmp/home and .venv/" + "tmp")


def test_only_the_settings_and_the_bootstrap_read_the_environment() -> None:
    found = [
        where(path, node)
        for path in modules(*PACKAGES)
        if path.relative_to(ROOT).as_posix() not in TOUCHING_THE_ENVIRONMENT
        for node in ast.walk(tree(path))
        if dotted(node) in {"os.environ", "os.getenv", "os.putenv"}
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {a.name for a in node.names} & {"environ", "getenv"}
        )
    ]
    assert not found, f"settings are passed in, not read from the environment: {found}"


def forbidden_spark(node: ast.AST) -> str:
    """The name of a Spark API that Connect lacks or that breaks the rules of a stage; empty if the node uses none."""
    match node:
        case ast.Attribute(attr="rdd" | "sparkContext" | "toPandas" | "_jvm" | "_jdf" | "_sc" as name):
            return name
        case ast.Name(id="DeltaTable" as name):
            return name
        case ast.Call(func=ast.Attribute(attr="cache" | "persist" as name)):
            return name
        case ast.ImportFrom(module=str(name)) if name.split(".")[0] == "delta":
            return f"import from {name}"
        case ast.Name(id="udf") | ast.Attribute(attr="udf"):
            return "udf"
    return ""


def test_jobs_use_nothing_of_spark_that_connect_lacks() -> None:
    found = [
        f"{where(path, node)}: {name}"
        for path in modules("spark_jobs")
        for node in ast.walk(tree(path))
        if (name := forbidden_spark(node))
    ]
    assert not found, f"DataFrame API and mapInArrow only: {found}"


@pytest.mark.parametrize(
    "line",
    ["frame.rdd.map(f)", "frame.toPandas()", "spark.sparkContext", "DeltaTable.forPath(s, p)", "frame.cache()",
     "from delta.tables import x", "F.udf(f)", "@udf('int')\ndef f(x): return x"],
)  # fmt: skip
def test_the_spark_law_finds_what_it_is_for(line: str) -> None:
    assert any(forbidden_spark(node) for node in ast.walk(ast.parse(line)))


def test_every_module_says_in_a_few_lines_what_it_is() -> None:
    missing, long = [], []
    for path in modules(*PACKAGES, "tests", "dev", "benchmarks"):
        docstring = ast.get_docstring(tree(path))
        if docstring is None and path.read_text("utf-8").strip():
            missing.append(str(path.relative_to(ROOT)))
        elif (
            docstring
            and path.parts[-2:] != ("spark_jobs", "errors.py")
            and len(docstring.splitlines()) > LONGEST_DOCSTRING
        ):
            long.append(str(path.relative_to(ROOT)))
    assert not missing, f"no module docstring: {missing}"
    assert not long, f"module docstring of more than {LONGEST_DOCSTRING} lines: {long}"


def test_nothing_has_a_name_that_says_nothing() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in files()
        if EMPTY_NAMES & set(re.split(r"[_\W]", path.relative_to(ROOT).as_posix()))
        and path.suffix == ".py"
        and (path.stem in EMPTY_NAMES or EMPTY_NAMES & set(path.relative_to(ROOT).parts[:-1]))
    ]
    assert not found, f"name what it does: {found}"


def test_annotations_are_read_at_run_time_where_dagster_reads_them() -> None:
    found = [
        where(path, node)
        for path in modules("assets", "orchestration")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    assert not found, f"dagster reads annotations at run time: {found}"


IMPORT_PROGRAM = """
import importlib, json, os, sys
acts = []
def watch(event, arguments):
    if event in {"socket.connect", "subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.exec"}:
        acts.append([event, str(arguments)[:200]])
    elif event == "open" and isinstance(arguments[0], str) and isinstance(arguments[2], int):
        written = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if written and not arguments[0].startswith("/dev/") and "__pycache__" not in arguments[0]:
            acts.append([event, arguments[0]])
import numba, numpy, pyarrow, pydantic, pyspark.sql, yaml  # what others do at import is theirs
sys.addaudithook(watch)
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps(acts))
"""


def test_importing_the_jobs_starts_and_writes_nothing() -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in modules("spark_jobs")
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_PROGRAM, json.dumps(names)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == []


def project() -> dict[str, object]:
    """The parsed pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def locked() -> dict[str, set[str]]:
    """Versions by package of the lock file; several where they differ by Python or platform."""
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(
        r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE
    ):
        versions.setdefault(canonicalize_name(name), set()).add(version)
    return versions


def test_every_direct_dependency_is_locked_in_a_version_that_it_allows() -> None:
    described = project()
    direct = [*described["project"]["dependencies"], *described["dependency-groups"]["test"]]  # type: ignore[index]
    versions, wrong = locked(), []
    for text in direct:
        requirement = Requirement(text)
        found = versions.get(canonicalize_name(requirement.name), set())
        if not found or not all(requirement.specifier.contains(version) for version in found):
            wrong.append(f"{text}: locked {found or 'nowhere'}")
    assert not wrong, f"run dev/relock: {wrong}"


def imported(node: ast.AST) -> set[str]:
    """The top-level modules that a node imports."""
    match node:
        case ast.Import(names=names):
            return {alias.name.split(".")[0] for alias in names}
        case ast.ImportFrom(module=str(name), level=0):
            return {name.split(".")[0]}
    return set()


def test_every_library_that_is_imported_is_a_direct_dependency() -> None:
    described = project()
    direct = [*described["project"]["dependencies"], *described["dependency-groups"]["test"]]  # type: ignore[index]
    allowed = {canonicalize_name(Requirement(text).name) for text in direct}
    allowed_modules = {
        name for name, owners in DISTRIBUTIONS.items() if allowed & {canonicalize_name(owner) for owner in owners}
    }
    own = {*sys.stdlib_module_names, *ROOMS}
    found = [
        f"{where(path, node)}: {name}"
        for path in modules(*PACKAGES, "tests", "benchmarks")
        # The peers' programs run in environments of their own, which their own pins describe.
        if path.parent != ROOT / "benchmarks" / "peers"
        for node in ast.walk(tree(path))
        for name in imported(node) - own - allowed_modules
    ]
    assert not found, f"name it in pyproject.toml, with its reason, and run dev/relock: {found}"


# What the rooms of text import and cannot decide text with: types of parameters, reading of lists and files.
NO_TEXT = {"pydantic", "pyyaml", "fsspec", "zstandard", "brotli", "datasketch"}


def test_every_package_that_can_determine_text_is_in_the_fingerprints() -> None:
    rooms = [f"spark_jobs/{room}" for room in ("text", "operators", "crawl", "dedup")]
    owners = {
        canonicalize_name(owner)
        for path in modules(*rooms)
        for node in ast.walk(tree(path))
        for name in imported(node) - {*sys.stdlib_module_names, *ROOMS}
        for owner in DISTRIBUTIONS.get(name, [name])
    }
    assert owners - NO_TEXT <= set(TEXT_PACKAGES)


def test_every_locked_package_has_hashes() -> None:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", (ROOT / "requirements.lock").read_text())
    bare = [block.split()[0] for block in blocks if "--hash=sha256:" not in block]
    assert not bare


def test_the_jars_are_those_of_the_pinned_packages() -> None:
    lines = [line.split() for line in (ROOT / "jars.lock").read_text().splitlines() if not line.startswith("#")]
    (delta,), (spark,) = locked()["delta-spark"], locked()["pyspark"]
    coordinates = {name for _, name in lines}
    assert coordinates == {f"io.delta:delta-spark_{spark[:3]}_2.13:{delta}", f"io.delta:delta-storage:{delta}"}
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest, _ in lines)


def test_the_version_has_an_entry_in_the_changelog() -> None:
    version = project()["project"]["version"]  # type: ignore[index]
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("path", ["provender", ".ci/run", "dev/relock"])
def test_what_is_started_can_be_started(path: str) -> None:
    assert os.access(ROOT / path, os.X_OK)
    subprocess.run(["bash", "-n", str(ROOT / path)], check=True)


def test_dagster_finds_the_code_location_from_the_project_folder() -> None:
    import yaml

    (location,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    module = location["python_module"]["module_name"]
    assert (ROOT / location["python_module"]["working_directory"] / (module.replace(".", "/") + ".py")).is_file()
