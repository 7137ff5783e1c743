from __future__ import annotations

import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
from dataclasses import replace

import pytest

from gpt2bot.errors import CheckpointError, LockedError, ModelError, NetworkError, UsageError
from gpt2bot.gpt2.download.fetch import download, plan
from gpt2bot.gpt2.download.registry import DATA_FILE, FILES
from gpt2bot.gpt2.download.remote_file import RemoteFile
from tests.fakes.bucket import Bucket, Fault
from tests.fakes.downloads import (
    DATA,
    QUICK,
    assert_whole,
    child,
    contents,
    fail,
    fetch,
    start,
    trust,
)
from tests.fakes.terminal import read_all
from tests.fakes.waiting import HANG


def test_a_model_is_fetched_and_takes_its_name_once_it_is_verified(bucket, models):
    seen = []

    def verify(folder):
        seen.append((models / "124M").exists())
        assert {name: (folder / name).read_bytes() for name in FILES} == {
            path.removeprefix("124M/"): content for path, content in bucket.files.items()
        }

    fetch(bucket, models, verify=verify)
    assert seen == [False]
    assert_whole(bucket, models)


def test_a_second_run_says_that_it_is_here_and_sends_nothing(models, messages):
    with Bucket(contents()).serve() as bucket:
        fetch(bucket, models)
    asked = len(bucket.asked)

    def verify(folder):
        raise AssertionError("verified again")

    messages.clear()
    fetch(bucket, models, verify=verify)
    assert messages == [f"124M is already downloaded: {models / '124M'}"]
    assert len(bucket.asked) == asked


def test_a_model_that_another_tool_fetched_is_accepted(bucket, models, messages):
    for path, content in bucket.files.items():
        (models / path).parent.mkdir(parents=True, exist_ok=True)
        (models / path).write_bytes(content)
    fetch(bucket, models)
    assert "already downloaded" in messages[0]
    assert bucket.asked == []


def test_what_was_trained_under_the_name_of_a_published_model_is_not_taken_for_it(bucket, models):
    fetch(bucket, models)
    (models / "124M" / "training.json").write_text("{}")
    with pytest.raises(CheckpointError, match="holds a model that was trained, not OpenAI's: give"):
        fetch(bucket, models)


@pytest.mark.parametrize(
    ("left", "has_record"), [(b"short", True), (b"", True), (b"", False), (None, False)]
)
def test_a_model_in_place_that_is_not_whole_is_not_called_whole(bucket, models, left, has_record):
    fetch(bucket, models)
    (models / DATA).unlink()
    if left is not None:
        (models / DATA).write_bytes(left)
    if not has_record:
        (models / "124M" / "download.json").unlink()
    with pytest.raises(CheckpointError, match=f"{DATA_FILE} missing or truncated.*move it away"):
        fetch(bucket, models)


def test_an_old_name_fetches_the_model_under_its_new_name(bucket, models, messages):
    folder = download("117M", models, base_url=bucket.url, verify=trust)
    assert folder == models / "124M"
    assert messages[0] == "117M is the old name of 124M"
    assert_whole(bucket, models)


def test_an_unknown_model_is_refused_before_anything_is_done(bucket, models):
    with pytest.raises(UsageError, match="124M, 355M, 774M or 1558M"):
        download("125M", models, base_url=bucket.url)
    assert bucket.asked == []
    assert not models.exists()


@pytest.mark.parametrize(
    "url", ["", "models", "ftp://me:secret@host/models", "file:///etc", "https://", "http://[x"]
)
def test_a_base_url_that_is_none_of_the_web_is_refused_without_showing_it(bucket, models, url):
    message = fail(UsageError, bucket, models, base_url=url)
    assert "secret" not in message
    assert not models.exists()


# Interruptions


def test_the_next_run_goes_on_where_one_gave_up(bucket, models):
    bucket.faults["GET", DATA] = iter([Fault(cut=200_000)] + [Fault(cut=0)] * 20)
    message = fail(NetworkError, bucket, models)
    assert "to resume" in message
    assert len(bucket.ranges(DATA)) == QUICK.tries
    del bucket.faults["GET", DATA]
    bucket.asked.clear()
    fetch(bucket, models)
    assert_whole(bucket, models)
    (wanted,) = bucket.ranges(DATA)
    assert start(wanted) > 100_000
    assert bucket.ranges("124M/encoder.json") == []  # whole already


def test_a_killed_download_is_gone_on_with(bucket, models):
    # The second request for the file tells that the bytes of the first are on the disk.
    bucket.faults["GET", DATA] = iter([Fault(cut=200_000), Fault(stall=100_000)])
    with child(bucket, models) as process:
        assert bucket.stalled.wait(HANG)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert not (models / "124M").exists()
    bucket.asked.clear()
    fetch(bucket, models)
    assert_whole(bucket, models)
    (wanted,) = bucket.ranges(DATA)
    assert start(wanted) > 100_000


def test_a_download_interrupted_while_it_is_verified_is_only_verified(bucket, models):
    def interrupt(folder):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(bucket, models, verify=interrupt)
    bucket.asked.clear()
    fetch(bucket, models)
    assert_whole(bucket, models)
    assert {method for method, _, _ in bucket.asked} == {"HEAD"}


def test_ctrl_c_keeps_what_came_and_says_how_to_go_on(bucket, models):
    bucket.faults["GET", DATA] = iter([Fault(cut=200_000), Fault(stall=100_000)])
    with child(bucket, models) as process:
        assert bucket.stalled.wait(HANG)
        process.send_signal(signal.SIGINT)
        said = process.stdout.read().splitlines()
    assert process.returncode == 130
    assert said[-1] == "during the download: `gpt2bot download 124M` resumes it"
    assert (models / ".124M.part" / DATA_FILE).stat().st_size > 100_000


@pytest.mark.parametrize("left_out", [(), ("ETag",)])
def test_a_file_that_changed_on_the_server_begins_anew(bucket, models, left_out):
    bucket.leave_out = (*left_out, "Content-MD5")
    bucket.faults["GET", DATA] = iter([Fault(cut=200_000)] + [Fault(cut=0)] * 20)
    fail(NetworkError, bucket, models)
    del bucket.faults["GET", DATA]
    bucket.files = contents(seed=1)
    if "ETag" in left_out:
        bucket.last_modified = "Thu, 21 Feb 2019 12:00:00 GMT"
    bucket.asked.clear()
    fetch(bucket, models)
    assert_whole(bucket, models)
    assert bucket.ranges(DATA) == [None]
    assert bucket.ranges("124M/encoder.json") == [None]


# The disk, and other processes


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(bucket, models):
    bucket.faults["HEAD", DATA] = iter([Fault(headers={"Content-Length": str(10**18)})])
    message = fail(ModelError, bucket, models)
    assert "another 1.00EB" in message
    assert "free some space" in message
    assert {method for method, _, _ in bucket.asked} == {"HEAD"}


def test_a_disk_that_takes_no_more_is_told_and_what_came_is_kept(bucket, models):
    with child(bucket, models, largest_file=200_000) as process:
        said = process.stdout.read().splitlines()
    assert process.returncode == ModelError.exit_code
    assert f"cannot write to {models}" in said[-1]
    assert "run `gpt2bot download 124M` to resume" in said[-1]
    bucket.asked.clear()
    fetch(bucket, models)
    assert_whole(bucket, models)
    assert bucket.ranges(DATA) == ["bytes=200000-"]


def test_a_folder_of_models_that_cannot_be_made_is_told(bucket, models):
    models.write_bytes(b"a file")
    assert "cannot write" in fail(ModelError, bucket, models)


def test_two_downloads_of_one_model_do_not_meet(bucket, models):
    bucket.faults["GET", DATA] = iter([Fault(stall=100_000)])
    with child(bucket, models) as process:
        assert bucket.stalled.wait(HANG)
        assert "another process" in fail(LockedError, bucket, models)
        process.kill()
    fetch(bucket, models)
    assert_whole(bucket, models)


# Planning and progress


OLD = RemoteFile("vocab.bpe", length=10, validator='"old"', md5=None)


@pytest.mark.parametrize(
    ("now", "record", "size", "kept"),
    [
        (OLD, [OLD], 4, 4),
        (OLD, [OLD], 10, 10),
        (OLD, [OLD], 0, 0),
        (OLD, [OLD], 11, 0),
        (OLD, [], 4, 0),
        (replace(OLD, validator='"new"'), [OLD], 4, 0),
        (replace(OLD, length=12), [OLD], 4, 0),
        (replace(OLD, md5="00"), [OLD], 4, 0),
        (replace(OLD, validator=None), [replace(OLD, validator=None)], 4, 0),
        (OLD, [replace(OLD, name="encoder.json")], 4, 0),
    ],
)
def test_bytes_are_kept_only_of_the_very_same_file(now, record, size, kept):
    assert plan([now], record, {now.name: size}) == {now.name: kept}


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"name": "x"}]', "5", '["x"]'])
def test_a_damaged_record_only_means_to_begin_anew(bucket, models, text):
    part = models / ".124M.part"
    part.mkdir(parents=True)
    (part / "download.json").write_text(text, encoding="utf-8")
    (part / DATA_FILE).write_bytes(b"no such bytes")
    fetch(bucket, models)
    assert_whole(bucket, models)


def test_progress_is_shown_on_a_terminal_and_nowhere_else(bucket, models):
    with child(bucket, models, stderr=subprocess.PIPE) as process:
        assert process.stderr.read() == ""
        assert "downloading 124M from localhost: 406kB of 406kB\n" in process.stdout
    shutil.rmtree(models)
    terminal, stderr = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    with child(bucket, models, stderr=stderr) as process:
        process.wait()
    os.close(stderr)
    assert f"{DATA_FILE}: 100%" in read_all(terminal)


def test_nothing_heavy_is_imported_to_find_a_model_in_place(bucket, models):
    fetch(bucket, models)
    program = (
        "import sys; from pathlib import Path; from gpt2bot.gpt2.download.fetch import download\n"
        f"download('124M', Path({str(models)!r}))\n"
        "print({'requests', 'tensorflow', 'filelock', 'tqdm', 'urllib3'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("set()\n", "")
