"""The rules around s5cmd, each as the table that its docstring states."""

from __future__ import annotations

import json
import shlex

import pytest

from transforms.core.copying import s5cmd_lines
from transforms.core.copying.copy_settings import CopySettings, Side
from transforms.core.copying.planned_copy import PlannedCopy
from transforms.core.copying.s5cmd_lines import LineResult, as_error, command_line, name_of, read_answers, results
from transforms.core.errors import InterruptedRunError, PermanentError, TransientError
from transforms.core.objects.access import (
    AlreadyThereError,
    ForbiddenError,
    MissingError,
    StoreAccess,
    UnsupportedError,
)
from transforms.core.objects.details import NO_CHECKSUMS, Listed
from transforms.core.outcome import ObjectInfo

SETTINGS = CopySettings(Side("s3://a/"), Side("s3://b/"))


def plan(key: str = "k", *, to: str | None = None, size: int = 1, existing: Listed | None = None) -> PlannedCopy:
    listed = Listed(ObjectInfo(f"s3://a/{key}", size, "e", 0.0))
    return PlannedCopy(listed, f"s3://b/{key if to is None else to}", existing, "missing", NO_CHECKSUMS)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        (SETTINGS, ""),
        (SETTINGS._replace(source=Side("gs://a/")), "from S3 to S3"),
        (SETTINGS._replace(destination=Side("file:///b/")), "from S3 to S3"),
        (SETTINGS._replace(source=Side("s3://a/", StoreAccess(endpoint_url="http://x"))), "endpoints"),
        (SETTINGS._replace(source=Side("s3://a/", StoreAccess(profile="x"))), "profiles"),
        (SETTINGS._replace(source=Side("s3://a/", StoreAccess(anonymous=True))), "anonymous"),
        (SETTINGS._replace(source=Side("s3://a/", StoreAccess(region="eu-west-1"))), ""),
        (SETTINGS._replace(storage_class="STANDARD_IA"), "storage class"),
        (SETTINGS._replace(keep_tags=True), "tags"),
        (SETTINGS._replace(requests_per_second=5), "limit"),
        (SETTINGS._replace(bytes_per_second=5), ""),
        (SETTINGS._replace(max_concurrent=1), "two objects at once"),
        (SETTINGS._replace(max_concurrent=2), ""),
    ],
)
def test_what_keeps_a_whole_copy_from_going_by_s5cmd(settings: CopySettings, part: str):
    why = s5cmd_lines.why_none(settings)
    assert part in why
    assert bool(why) == bool(part)


@pytest.mark.parametrize(
    ("planned", "part"),
    [
        (plan(), ""),
        (plan(existing=Listed(ObjectInfo("s3://b/k", 1, "e", 0.0))), "conditional"),
        (plan(size=5 << 30), ""),
        (plan(size=(5 << 30) + 1), "5 GiB"),
        (plan(""), "prefix"),
        (plan("k", to=""), "prefix"),
        (plan("folder/"), "prefix"),
        (plan("k", to="folder/"), "prefix"),
        (plan("a b"), "space"),
        (plan("a", to="a b"), ""),
        (plan("a\nb"), "newline"),
        (plan("a", to="a\nb"), "newline"),
        (plan("a\0b"), "newline"),
        (plan("a\udc80b"), "UTF-8"),
        (plan("'" * 9000), "too long"),
        (plan("x" * 1024), ""),
        (plan("a", to="é" * 513), "1,024"),
        *((plan(key), "") for key in ("*", "?", "[a]", "'", '"', "\\", "#", "a//b", "-n", "a/../b", "ü", "a\rb", "\t")),
    ],
)
def test_what_keeps_an_object_from_going_by_s5cmd(planned: PlannedCopy, part: str):
    why = s5cmd_lines.why_not(planned)
    assert part in why
    assert bool(why) == bool(part)


@pytest.mark.parametrize(
    "key", ["plain", "it's", 'a"b', "a\\b", "-n", "--raw", "#x", "$HOME", "`x`", "*?[a]", "日本", ";&"]
)
def test_a_line_splits_into_the_words_that_were_meant(key: str):
    line = command_line(plan(key), SETTINGS, no_clobber=False)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    words = ["cp", "--raw", "--metadata-directive", "COPY", f"s3://a/{key}", f"s3://b/{key}"]
    assert shlex.split(line, comments=False) == words


def test_regions_and_no_clobber_are_flags_of_the_line():
    source, destination = StoreAccess(region="eu-west-1"), StoreAccess(region="eu-west-2")
    settings = CopySettings(Side("s3://a/", source), Side("s3://b/", destination))
    words = shlex.split(command_line(plan(), settings, no_clobber=True))
    assert words[4:] == [
        *("--no-clobber", "--source-region", "eu-west-1", "--destination-region", "eu-west-2"),
        *("s3://a/k", "s3://b/k"),
    ]


def answer(**values: object) -> bytes:
    return json.dumps({"operation": "cp", **values}).encode()


def test_errors_skips_and_silence_are_three_different_words():
    good, refused, taken, silent = (plan(key) for key in ("good", "re fused", "taken", "silent"))
    answers = read_answers(
        [
            answer(success=True, source="s3://a/good", destination="s3://b/good", object={"key": "s3://b/good"}),
            answer(command=name_of(refused), error="AccessDenied: no status code: 403, request id: 1"),
            answer(job=name_of(taken), error="object already exists"),
            b"Incorrect Usage: flag provided but not defined: -raw",
            b"Usage:",
            b"",
        ]
    )
    found = results([good, refused, taken, silent], answers, "")
    assert [one.word for one in found] == ["copied", "failed", "skipped", "unanswered"]
    assert found[1].reason.startswith("AccessDenied")
    assert "-raw" in found[3].reason


@pytest.mark.parametrize(
    ("line", "slower"),
    [
        (answer(command="cp s3://a/k s3://b/k", error="SlowDown: slower. status code: 503, request id: 1"), True),
        (answer(command="cp s3://a/k s3://b/k", error="SlowDown: slower status code: 400, request id: 1"), True),
        (b'{"error":"retryable error: SlowDown: x\\n\\tstatus code: 400, request id: , host id: "}', True),
        (b'{"error":"retryable error: TooManyRequests: x\\n\\tstatus code: 429, request id: , host id: "}', True),
        (b'{"error":"retryable error: ServiceUnavailable: x\\n\\tstatus code: 503, request id: , host id: "}', True),
        (b'{"error":"retryable error: InternalError: x\\n\\tstatus code: 500, request id: , host id: "}', False),
        (answer(command="cp s3://a/SlowDown: s3://b/k", error="NoSuchKey: x status code: 404, request id: 1"), False),
        (answer(success=True, source="s3://a/status code: 503", destination="s3://b/SlowDown:"), False),
        (b"Unsolicited response SlowDown: status code: 503", False),
    ],
)
def test_which_lines_tell_that_the_server_wants_fewer_requests(line: bytes, slower: bool):
    assert s5cmd_lines.asks_to_slow_down(line) is slower


@pytest.mark.parametrize(
    ("word", "reason", "why"),
    [
        ("failed", "AccessDenied: no\n\tstatus code: 403, request id: 1", "s5cmd: AccessDenied: no status code: 403"),
        ("unanswered", "s5cmd ended without a word about it", "s5cmd ended without a word about it"),
        ("cant", "/bin/s5cmd can't be started", "s5cmd: /bin/s5cmd can't be started"),
        ("copied", "", "s5cmd: it told of a copy, and nothing was there"),
    ],
)
def test_why_another_way_is_taken_is_the_same_for_objects_with_the_same_trouble(word: str, reason: str, why: str):
    assert s5cmd_lines.why_instead(LineResult(plan(), word, reason)) == why  # type: ignore[arg-type]


def test_what_an_ended_program_didn_t_tell_is_not_started():
    answers = read_answers([answer(success=True, source="s3://a/1", destination="s3://b/1")])
    found = results([plan("1"), plan("2")], answers, "stopped by SIGINT")
    assert [(one.word, one.reason) for one in found] == [("copied", ""), ("not_started", "stopped by SIGINT")]


def test_a_line_that_was_cut_in_two_is_no_answer():
    whole = answer(success=True, source="s3://a/1", destination="s3://b/1")
    found = results([plan("1")], read_answers([whole[:40], whole[40:]]), "")
    assert found[0].word == "unanswered"


def test_objects_whose_names_can_t_be_told_apart_are_not_counted_as_copied():
    one, other = plan("x s3://b/x", to="y"), plan("x", to="x s3://b/y")
    assert name_of(one) == name_of(other)
    answers = read_answers([answer(success=True, source="s3://a/x", destination="s3://b/x s3://b/y")])
    assert [found.word for found in results([one, other], answers, "")] == ["unanswered", "unanswered"]


def test_json_that_isn_t_an_answer_is_no_answer():
    assert read_answers([b"[1]", b"7", b'{"success": true}', b'{"command": 1, "error": "x"}']).told == {}


@pytest.mark.parametrize(
    ("word", "reason", "kind"),
    [
        ("failed", "NoSuchKey: not there. status code: 404, request id: 1", MissingError),
        ("failed", "AccessDenied: no. status code: 403, request id: 1", ForbiddenError),
        ("failed", "SlowDown: slower. status code: 503, request id: 1", TransientError),
        ("failed", "Whatever: x status code: 502, request id: 1", TransientError),
        ("failed", "Whatever: x status code: 404, request id: 1", MissingError),
        ("failed", "InvalidObjectState: archived status code: 400, request id: 1", PermanentError),
        ("failed", "something else", PermanentError),
        ("skipped", "object already exists", AlreadyThereError),
        ("not_started", "stopped by SIGINT", InterruptedRunError),
        ("unanswered", "", UnsupportedError),
        ("cant", "over 5 GiB", UnsupportedError),
    ],
)
def test_each_word_is_the_error_that_a_store_would_raise(word: str, reason: str, kind: type[Exception]):
    error = as_error(LineResult(plan(), word, reason))  # type: ignore[arg-type]
    assert type(error) is kind
    assert "s3://b/k" in str(error)
