"""The doctor finds each fault that keeps a run from working, names the remedy, and passes a sound environment."""

import hashlib
import sys
from pathlib import Path

import pytest

from orchestration import doctor, environment
from orchestration.settings import Settings
from spark_jobs.errors import UsageError

GIB = 1 << 30


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=str(tmp_path / "home"))


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment's folder with the two jars that its jars.lock pins."""
    jars = {f"io.delta_{name}-1.0.jar": name.encode() for name in ("engine", "storage")}
    (tmp_path / "jars").mkdir()
    for name, content in jars.items():
        (tmp_path / "jars" / name).write_bytes(content)
    pins = {name: hashlib.sha256(content).hexdigest() for name, content in jars.items()}
    monkeypatch.setattr(doctor, "pinned_jars", lambda: pins)
    monkeypatch.setattr(environment, "pinned_jars", lambda: pins)
    return tmp_path


def test_this_environment_is_sound_and_every_check_says_what_it_found(settings: Settings) -> None:
    said: list[str] = []
    checks = doctor.diagnose(settings, delta=False, say=said.append)
    assert [check for check in checks if not check.ok] == []
    assert all(check.found for check in checks)
    assert len(said) == len(checks) == len({check.name for check in checks})
    assert not Path(settings.home).exists(), "looking must not make a lake"


def test_an_old_python_and_one_outside_of_the_environment_are_faults() -> None:
    assert not doctor.check_python((3, 10, 4), in_venv=True).ok
    outside = doctor.check_python((3, 12, 0), in_venv=False)
    assert not outside.ok
    assert "./provender" in outside.remedy
    assert doctor.check_python((3, 12, 0), in_venv=True).ok


def test_packages_out_of_step_with_the_lock_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pins = {**environment.pinned_packages(), "pytest": "0.1", "no-such-package": "2.0"}
    monkeypatch.setattr(doctor, "pinned_packages", lambda: pins)
    check = doctor.check_packages()
    assert not check.ok
    assert "no-such-package missing instead of 2.0" in check.found
    assert f"pytest {pytest.__version__} instead of 0.1" in check.found
    assert ".venv" in check.remedy


def test_the_lock_is_read_for_this_python_and_platform(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "Some_Package==1.0 ; python_full_version < '3.0' \\\n    --hash=sha256:aa\n"
        "Some_Package==2.0 ; python_full_version >= '3.0' \\\n    --hash=sha256:bb\n    # via x\n"
        "other==3 \\\n    --hash=sha256:cc\nwindows==4 ; sys_platform == 'win32' \\\n    --hash=sha256:dd\n"
    )
    assert environment.pinned_packages(lock) == {"some-package": "2.0", "other": "3"}


def test_sound_jars_are_handed_to_spark(prefix: Path) -> None:
    assert doctor.check_jars(prefix).ok
    (prefix / "jars" / "left-over-0.9.jar").touch()
    assert environment.delta_jars(prefix) == ",".join(
        str(prefix / "jars" / f"io.delta_{name}-1.0.jar") for name in ("engine", "storage")
    )


def test_a_missing_jar_is_told_with_its_name_and_remedy(prefix: Path) -> None:
    (prefix / "jars" / "io.delta_storage-1.0.jar").unlink()
    check = doctor.check_jars(prefix)
    assert not check.ok
    assert "io.delta_storage-1.0.jar is missing" in check.found
    with pytest.raises(UsageError, match=r"io\.delta_storage-1\.0\.jar are missing .*remove the folder \.venv"):
        environment.delta_jars(prefix)


def test_a_jar_with_another_content_is_a_fault(prefix: Path) -> None:
    (prefix / "jars" / "io.delta_engine-1.0.jar").write_bytes(b"another")
    check = doctor.check_jars(prefix)
    assert not check.ok
    assert "io.delta_engine-1.0.jar is not the file" in check.found


@pytest.mark.parametrize(
    ("says", "ok"),
    [('openjdk version "17.0.15" 2025-04-15', True), ('java version "1.8.0_402"', False), ("I am a teapot", False)],
)
def test_java_is_judged_by_what_it_says(says: str, ok: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    check = doctor.check_java()
    assert check.ok is ok
    assert ok or "install Java 17" in check.remedy


def test_without_java_home_the_runtime_of_the_set_up_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert environment.java_home(tmp_path) is None
    (tmp_path / "java" / "bin").mkdir(parents=True)
    (tmp_path / "java" / "bin" / "java").touch()
    assert environment.java_home(tmp_path) == str(tmp_path / "java")


def test_a_child_that_crashes_or_does_not_exist_is_a_finding_not_a_crash() -> None:
    assert doctor._child([sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"]) == (
        False,
        "killed by signal 11",
    )
    assert doctor._child(["/no/such/program"]) == (False, "FileNotFoundError: /no/such/program")


def test_a_missing_data_file_becomes_a_check_with_a_remedy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MODEL", "no-such-model.gguf")
    (check,) = [check for check in doctor.diagnose(settings, delta=False) if not check.ok]
    assert check.name == "rewriting model"
    assert "no-such-model.gguf" in check.found
    assert check.remedy


def test_an_endpoint_of_the_settings_replaces_the_embedded_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MODEL", "no-such-model.gguf")
    remote = Settings(home="home", rewrite_url="http://localhost:1/v1", rewrite_model="m", rewrite_key="a-secret")
    check = doctor.check_rewriting_model(remote)
    assert check.ok
    assert "a-secret" not in check.found


def test_a_home_that_takes_no_files_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_where: object) -> None:
        raise PermissionError(13, "Permission denied")

    assert doctor.check_home(Settings(home=str(tmp_path))).ok
    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    check = doctor.check_home(Settings(home=str(tmp_path / "lake")))
    assert not check.ok
    assert str(tmp_path) in check.found
    assert "--home" in check.remedy


def test_too_little_disk_memory_or_cores_are_faults(settings: Settings) -> None:
    assert not doctor.check_disk(settings, needed=1 << 60).ok
    small = Settings(home=settings.home, master="local[4]", driver_memory="3g")
    assert not doctor.check_memory(small, total=6 * GIB).ok
    assert doctor.check_memory(small, total=7 * GIB).ok
    assert not doctor.check_cores(small, available=2).ok
    assert doctor.check_cores(small, available=4).ok
    assert not doctor.check_memory(Settings(home=settings.home, driver_memory="lots")).ok


@pytest.mark.parametrize(
    ("master", "cores"), [("local", 1), ("local[3]", 3), ("local[*]", 8), ("local[2,4]", 2), ("spark://host:7077", 8)]
)
def test_cores_of_a_master(master: str, cores: int) -> None:
    assert doctor.spark_cores(master, 8) == cores


def test_a_person_sees_the_fault_and_under_it_the_remedy() -> None:
    good = doctor.Check("python", ok=True, found="3.11.7")
    bad = doctor.Check("java", ok=False, found="1.8.0", remedy="install Java 17")
    first, second, third, last = doctor.render([good, bad]).splitlines()
    assert first.split() == ["ok", "python", "3.11.7"]
    assert second.split() == ["FAULT", "java", "1.8.0"]
    assert third.strip() == "remedy: install Java 17"
    assert last == "1 of 2 checks found a fault"
    assert doctor.render([good]).endswith("all 1 checks passed")
