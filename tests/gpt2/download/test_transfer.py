from __future__ import annotations

import gzip
import hashlib
import itertools
import socket
import ssl
from dataclasses import replace

import pytest
import trustme

from gpt2bot.errors import CheckpointError, ModelMissingError, NetworkError
from gpt2bot.gpt2.download.registry import DATA_FILE
from gpt2bot.gpt2.download.transfer import RetryPolicy
from tests.fakes.bucket import Bucket, Fault
from tests.fakes.downloads import DATA, QUICK, SIZE, assert_whole, contents, fail, fetch, start
from tests.fakes.waiting import longer_and_longer

# Interruptions


def test_a_broken_connection_is_gone_on_with_where_it_broke(bucket, models, messages):
    bucket.faults["GET", DATA] = iter([Fault(cut=200_000)])
    fetch(bucket, models)
    assert_whole(bucket, models)
    first, second = bucket.ranges(DATA)
    assert first is None
    assert 100_000 < start(second) <= 200_000
    assert any("broke; trying again" in message for message in messages)


def test_a_stalled_connection_is_gone_on_with_where_it_stalled(bucket, models):
    for timeout in longer_and_longer():
        bucket.faults["GET", DATA] = iter([Fault(stall=200_000)])
        bucket.asked.clear()
        policy = replace(QUICK, timeout=timeout, tries=100)
        fetch(bucket, models / f"{timeout}", retry_policy=policy)
        assert_whole(bucket, models / f"{timeout}")
        if start(bucket.ranges(DATA)[1]) > 0:
            break  # else not even the first bytes have come in time
    assert start(bucket.ranges(DATA)[1]) > 100_000


def test_a_server_that_does_not_answer_is_given_up(bucket, models):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_bucket = Bucket({}, url=f"http://localhost:{silent.getsockname()[1]}")
        patience = replace(QUICK, timeout=0.2, tries=2)
        message = fail(NetworkError, silent_bucket, models, retry_policy=patience)
    assert "no answer from localhost in 0.2 s" in message


def test_any_number_of_interruptions_is_borne_while_each_connection_brings_something(
    bucket, models
):
    bucket.faults["GET", DATA] = iter([Fault(cut=70_000)] * 5)
    fetch(bucket, models, retry_policy=replace(QUICK, tries=2))
    assert_whole(bucket, models)
    assert len(bucket.ranges(DATA)) == 6


@pytest.mark.parametrize("has_if_range", [True, False])
@pytest.mark.parametrize("length", [SIZE, 100])
def test_a_file_that_changes_while_it_is_fetched_is_not_mixed(
    bucket, models, has_if_range, length, messages
):
    bucket.has_if_range, bucket.leave_out = has_if_range, ("Content-MD5",)
    new = contents(seed=1)[DATA][:length]

    def change():
        yield Fault(cut=200_000)
        bucket.files[DATA] = new
        yield None

    bucket.faults["GET", DATA] = change()
    fetch(bucket, models)
    assert_whole(bucket, models)
    # The whole of another version, of the same length, is as good as the first.
    is_good_at_once = has_if_range and length == SIZE
    assert any("arrived damaged" in message for message in messages) is not is_good_at_once
    messages.clear()
    fetch(bucket, models)
    assert "already downloaded" in messages[0]


@pytest.mark.parametrize(
    ("abilities", "goes_on"),
    [
        ({"leave_out": ["ETag"]}, True),
        ({"leave_out": ["ETag", "Last-Modified"]}, False),
        ({"leave_out": ["ETag", "Last-Modified"], "has_if_range": False}, False),
        ({"has_range": False}, False),
    ],
)
def test_what_cannot_be_gone_on_with_safely_begins_anew(models, abilities, goes_on):
    with Bucket(contents(), **abilities).serve() as bucket:
        bucket.faults["GET", DATA] = iter([Fault(cut=200_000)])
        fetch(bucket, models)
    assert_whole(bucket, models)
    sent = sum(size for path, size in bucket.sent if path == DATA)
    assert (sent < SIZE + 200_000) is goes_on


def test_a_server_that_never_gets_further_is_given_up(bucket, models):
    bucket.has_range = False
    bucket.faults["GET", DATA] = iter([Fault(cut=200_000)] * 20)
    fail(NetworkError, bucket, models)
    assert len(bucket.ranges(DATA)) == QUICK.tries


# Damage


def flipped(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def test_a_file_that_comes_corrupted_is_fetched_once_more(bucket, models, messages):
    bucket.faults["GET", DATA] = iter([Fault(body=flipped(bucket.files[DATA]))])
    fetch(bucket, models)
    assert_whole(bucket, models)
    assert any("downloading it again" in message for message in messages)


def test_corruption_before_an_interruption_is_found_after_it(bucket, models):
    bucket.faults["GET", DATA] = iter([Fault(body=flipped(bucket.files[DATA]), cut=200_000)])
    fetch(bucket, models)
    assert_whole(bucket, models)
    assert [wanted is None for wanted in bucket.ranges(DATA)] == [True, False, True]


def test_a_file_that_comes_corrupted_twice_is_deleted_and_both_digests_are_told(bucket, models):
    bad = flipped(bucket.files[DATA])
    bucket.faults["GET", DATA] = itertools.repeat(Fault(body=bad))
    message = fail(CheckpointError, bucket, models)
    for content in (bad, bucket.files[DATA]):
        assert hashlib.md5(content).hexdigest() in message
    assert DATA_FILE in message
    assert "deleted" in message
    assert "again" in message
    assert not (models / ".124M.part" / DATA_FILE).exists()
    assert len(bucket.ranges(DATA)) == 2


@pytest.mark.parametrize("md5", ["", "not base64!", None])
def test_what_the_server_has_no_digest_of_is_left_to_the_verification(bucket, models, md5):
    def verify(folder):
        raise CheckpointError("h0/attn/c_attn/w is damaged")

    for path in bucket.files:
        bucket.faults["HEAD", path] = itertools.repeat(Fault(headers={"Content-MD5": md5}))
    message = fail(CheckpointError, bucket, models, verify=verify)
    assert "h0/attn/c_attn/w is damaged" in message
    assert "run `gpt2bot download 124M` again" in message
    assert not (models / ".124M.part").exists()
    fetch(bucket, models)
    assert_whole(bucket, models)


LIES = {
    "the answer to HEAD is too long": ("HEAD", Fault(headers={"Content-Length": str(SIZE + 10)})),
    "the answer to HEAD is too short": ("HEAD", Fault(headers={"Content-Length": str(SIZE - 10)})),
    "the file is too short": ("GET", Fault(body=b"short")),
    "the file is too long": ("GET", Fault(body=bytes(SIZE + 10))),
    "more is promised than comes": ("GET", Fault(headers={"Content-Length": str(SIZE + 10)})),
    "less is promised than comes": ("GET", Fault(headers={"Content-Length": str(SIZE - 10)})),
    "no length is told": ("GET", Fault(headers={"Content-Length": None})),
    "no content": ("GET", Fault(status=204)),
    "another part": (
        "GET",
        Fault(
            status=206,
            headers={"Content-Range": f"bytes 5-{SIZE - 1}/{SIZE}"},
            body=bytes(SIZE),
        ),
    ),
}


@pytest.mark.parametrize(("method", "lie"), LIES.values(), ids=LIES)
def test_a_server_that_lies_about_length_is_not_believed(bucket, models, method, lie):
    bucket.leave_out = ("Content-MD5",)
    bucket.faults[method, DATA] = itertools.repeat(lie)
    message = fail(CheckpointError, bucket, models)
    assert "expected" in message
    assert not (models / ".124M.part" / DATA_FILE).exists()
    bucket.faults[method, DATA] = iter([lie])
    fetch(bucket, models)
    assert_whole(bucket, models)


def test_a_length_that_is_a_lie_from_first_to_last_is_found_out(bucket, models):
    lie = itertools.repeat(Fault(headers={"Content-Length": str(SIZE + 10)}))
    bucket.leave_out = ("Content-MD5",)
    bucket.faults = {("HEAD", DATA): lie, ("GET", DATA): lie}
    assert "expected" in fail(CheckpointError, bucket, models)


def test_a_file_that_comes_compressed_against_our_will_is_not_taken_for_whole(bucket, models):
    packed = Fault(body=gzip.compress(bytes(SIZE)), headers={"Content-Encoding": "gzip"})
    bucket.leave_out = ("Content-MD5",)
    bucket.faults = {(method, DATA): itertools.repeat(packed) for method in ("HEAD", "GET")}
    assert f"has {SIZE} bytes, expected" in fail(CheckpointError, bucket, models)


@pytest.mark.parametrize(
    "lie",
    [
        Fault(headers={"Content-Length": None}),
        Fault(headers={"Content-Length": "0"}),
        Fault(headers={"Content-Length": "many"}),
        Fault(status=204),
    ],
)
def test_a_length_must_be_told(bucket, models, lie):
    bucket.faults["HEAD", DATA] = itertools.repeat(lie)
    assert "does not state the length" in fail(NetworkError, bucket, models)


PAGE = b"<!DOCTYPE html><title>Please log in</title>"
HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.mark.parametrize("name", ["hparams.json", "vocab.bpe", DATA_FILE])
@pytest.mark.parametrize(
    "page",
    [
        Fault(body=PAGE, headers=HTML),
        Fault(body=b"no page at all", headers=HTML),
        Fault(body=PAGE),
        Fault(body=b"\n <?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"),
        Fault(body=b"<Error/>", headers={"Content-Type": "application/xml"}),
    ],
)
@pytest.mark.parametrize("is_for_head_too", [True, False])
def test_a_web_page_is_never_taken_for_a_file(bucket, models, name, page, is_for_head_too):
    path = f"124M/{name}"
    if is_for_head_too:
        bucket.faults["HEAD", path] = itertools.repeat(page)
    else:
        page = replace(page, body=page.body.ljust(len(bucket.files[path])))
    bucket.faults["GET", path] = itertools.repeat(page)
    message = fail(NetworkError, bucket, models)
    assert f"a web page instead of {name}" in message
    assert not (models / ".124M.part" / name).exists()


# Refusals


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_what_the_server_does_not_give_is_not_asked_for_again(bucket, models, method, status):
    bucket.faults[method, DATA] = itertools.repeat(Fault(status=status))
    message = fail(ModelMissingError, bucket, models)
    assert f"localhost answered {status}" in message
    assert [path for asked, path, _ in bucket.asked if asked == method].count(DATA) == 1


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_in_trouble_is_asked_again(bucket, models, method, status):
    bucket.faults[method, DATA] = iter([Fault(status=status)] * 2)
    fetch(bucket, models)
    assert_whole(bucket, models)


def test_a_server_that_stays_in_trouble_is_given_up(bucket, models):
    bucket.faults["HEAD", DATA] = itertools.repeat(Fault(status=503))
    assert "503" in fail(NetworkError, bucket, models)
    assert [path for _, path, _ in bucket.asked].count(DATA) == QUICK.tries


@pytest.mark.parametrize("moment", ["0", "Wed, 20 Feb 2019 12:00:00 GMT"])
def test_the_time_that_a_server_asks_for_is_waited_and_no_other(bucket, models, moment):
    bucket.faults["HEAD", DATA] = iter([Fault(status=429, headers={"Retry-After": moment})])
    fetch(bucket, models, retry_policy=RetryPolicy(first_wait=1e6, longest_wait=1e6))
    assert_whole(bucket, models)


def test_a_wait_that_is_too_long_is_left_to_the_user(bucket, models):
    bucket.faults["HEAD", DATA] = iter([Fault(status=429, headers={"Retry-After": "4000"})])
    message = fail(NetworkError, bucket, models)
    assert "429" in message
    assert "4000 s" in message


def test_no_network_is_said_in_one_line(models):
    with Bucket({}).serve() as closed:
        pass
    message = fail(NetworkError, closed, models)
    assert "cannot connect to localhost" in message
    assert "to resume" in message


@pytest.fixture
def authority(tmp_path, monkeypatch):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    return authority


@pytest.fixture
def secure_bucket(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with Bucket(contents()).serve(context) as secure_bucket:
        yield secure_bucket


def test_a_model_is_fetched_over_tls(secure_bucket, models):
    fetch(secure_bucket, models)
    assert_whole(secure_bucket, models)


def test_a_certificate_that_is_not_trusted_is_refused(secure_bucket, models, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    assert "certificate" in fail(NetworkError, secure_bucket, models)
    assert secure_bucket.asked == []


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_redirect_out_of_tls_is_refused(secure_bucket, bucket, models, method):
    away = Fault(status=302, headers={"Location": f"{bucket.url}/{DATA}"})
    secure_bucket.faults[method, DATA] = itertools.repeat(away)
    assert "insecure" in fail(NetworkError, secure_bucket, models)
    assert bucket.asked == []


def test_a_redirect_within_tls_is_followed(secure_bucket, models):
    secure_bucket.files["elsewhere"] = secure_bucket.files[DATA]
    away = Fault(status=302, headers={"Location": "/elsewhere"})
    for method in ("HEAD", "GET"):
        secure_bucket.faults[method, DATA] = itertools.repeat(away)
    fetch(secure_bucket, models)
    assert (models / DATA).read_bytes() == secure_bucket.files[DATA]
