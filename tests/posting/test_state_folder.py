"""One run at a time, as other processes see it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from gpt2bot.errors import LockedError, StateError
from gpt2bot.posting.state_folder import check_folder, exclusive, is_held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLD = """
import sys
from pathlib import Path
from gpt2bot.posting.state_folder import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its stdin closes."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def hold(folder: Path) -> None:
    with exclusive(folder):
        pass


def test_a_second_run_is_told_at_once(
    folder: Path, holder: subprocess.Popen[str], failure: Any
) -> None:
    error = failure(LockedError, hold, folder)
    assert error.exit_code == 9
    assert holder.poll() is None


def test_the_lock_is_free_after_the_end(folder: Path, holder: subprocess.Popen[str]) -> None:
    holder.communicate("")
    hold(folder)
    assert (folder / "lock").exists(), "the file stays, and means nothing"


def test_the_lock_is_free_after_sigkill(folder: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    hold(folder)


def test_two_bots_run_side_by_side(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    hold(tmp_path / "another")


def test_the_lock_is_free_after_an_error(folder: Path) -> None:
    with pytest.raises(KeyError), exclusive(folder):
        raise KeyError
    hold(folder)


def test_the_lock_holds_within_a_process(folder: Path, failure: Any) -> None:
    with exclusive(folder):
        failure(LockedError, hold, folder)


def test_a_folder_that_cannot_be_used(tmp_path: Path, failure: Any) -> None:
    (tmp_path / "file").touch()
    failure(StateError, hold, tmp_path / "file")
    (tmp_path / "state" / "lock").mkdir(parents=True)
    failure(StateError, hold, tmp_path / "state")


def test_a_look_at_a_folder_leaves_nothing_behind(tmp_path: Path, failure: Any) -> None:
    for folder in (tmp_path, tmp_path / "new", tmp_path / "new" / "deep"):
        check_folder(folder)
        assert not is_held(folder)
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        failure(StateError, check_folder, folder)
    (tmp_path / "lock").mkdir()
    error = failure(StateError, is_held, tmp_path)
    assert "delete it" in str(error)


def test_a_look_at_the_lock_takes_it_from_nobody(
    folder: Path, holder: subprocess.Popen[str]
) -> None:
    assert is_held(folder)
    assert holder.poll() is None
    failed = subprocess.run([sys.executable, "-c", HOLD, str(folder)], capture_output=True)
    assert b"LockedError" in failed.stderr
