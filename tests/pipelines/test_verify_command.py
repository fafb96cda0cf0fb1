"""`hornbeam verify` as a whole command: what matches, what doesn't, what no checksum tells, and nothing is written."""

import hashlib
import json
import os
from collections import Counter

import google_crc32c
import pytest

from tests.services.copy_ends import PART, bodies, verify

LARGE = os.urandom(2 * PART + 1)


@pytest.fixture
def two(new_end):
    """Ends that agree on `same`, and differ in every other way."""

    def make(source: str, destination: str):
        here, there = new_end(source), new_end(destination, "there")
        for key, ours, theirs in [
            ("same", b"12345", b"12345"),
            ("content", b"12345", b"12346"),
            ("size", b"12345", b"1234"),
            ("empty there", b"12345", b""),
        ]:
            here.put(key, ours)
            there.put(key, theirs)
        here.put("missing", b"x")
        there.put("extra", b"x")
        return here, there

    return make


@pytest.mark.parametrize("mode", ["auto", "full"])
@pytest.mark.parametrize(
    ("source", "destination"), [("file", "file"), ("file", "s3"), ("s3", "file"), ("s3", "gs"), ("gs", "gs")]
)
def test_verify_tells_match_mismatch_missing_and_extra_apart(two, tmp_path, source, destination, mode):
    here, there = two(source, destination)
    before = bodies(here), bodies(there)
    run = verify(here, there, tmp_path, verify=mode)
    assert (run.summary.exit_code, run.counts) == (1, (1, 0, 5, 0))
    assert {key: failure["error"] for key, failure in run.failures.items()} == {
        "content": "MismatchError",
        "size": "MismatchError",
        "empty there": "MismatchError",
        "missing": "MissingError",
        "extra": "ExtraError",
    }
    words = {"content": "mismatch", "size": "by its size", "missing": "missing", "extra": "extra"}
    assert all(word in run.failures[key]["message"] for key, word in words.items())
    assert run.outcomes["same"]["proof"] == "match"
    assert run.outcomes["same"]["proved_by"]
    assert run.summary.details["proofs"] == {"match": 1, "mismatch": 3, "missing": 1, "extra": 1}
    assert (bodies(here), bodies(there)) == before


def test_verify_by_metadata_calls_uncheckable_what_no_checksum_tells(two, tmp_path):
    here, there = two("file", "file")
    run = verify(here, there, tmp_path, verify="metadata")
    assert run.summary.exit_code == 1
    assert {key: failure["error"] for key, failure in run.failures.items()} == {
        "same": "UncheckableError",
        "content": "UncheckableError",
        "size": "MismatchError",
        "empty there": "MismatchError",
        "missing": "MissingError",
        "extra": "ExtraError",
    }
    assert "uncheckable" in run.failures["same"]["message"]
    assert run.summary.details["proofs"] == {"uncheckable": 2, "mismatch": 2, "missing": 1, "extra": 1}


def test_verify_by_metadata_ends_with_0_only_if_checksums_tell_of_every_object(new_end, tmp_path):
    here, there, apart = new_end("file"), new_end("file", "there"), new_end("s3")
    for end in (here, there, apart):
        end.put("same", b"same")
    unproved = verify(here, there, tmp_path, verify="metadata")
    assert (unproved.summary.exit_code, unproved.counts) == (1, (0, 0, 1, 0))
    assert unproved.failures["same"]["error"] == "UncheckableError"
    again = new_end("s3")
    again.put("same", b"same")
    proved = verify(apart, again, tmp_path, verify="metadata")
    assert (proved.summary.exit_code, proved.summary.details["proofs"]) == (0, {"match": 1})


def test_verify_ends_with_0_only_if_all_match(new_end, tmp_path):
    here, there = new_end("file"), new_end("s3")
    for end in (here, there):
        end.put("a/1", b"one")
        end.put("a/2", LARGE)
    run = verify(here, there, tmp_path)
    assert (run.summary.exit_code, run.counts, run.summary.details["proofs"]) == (0, (2, 0, 0, 0), {"match": 2})
    there.put("b", b"")
    assert verify(here, there, tmp_path).summary.exit_code == 1
    assert verify(here, there, tmp_path, exclude=("b",)).summary.exit_code == 0


def test_verify_compares_what_a_manifest_names(two, tmp_path):
    here, there = two("file", "s3")
    rows = [{"source": f"{here.root}{key}"} for key in ("same", "content", "missing")]
    (tmp_path / "list.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = verify(None, there, tmp_path, manifest=str(tmp_path / "list.jsonl"))
    assert (run.summary.exit_code, run.counts) == (1, (1, 0, 2, 0))


CRC = google_crc32c.Checksum(b"12345").digest().hex()
SHA = hashlib.sha256(b"12345").hexdigest()
OTHER_SHA = {"sha256": "0" * 64}
# (store, verify, (demanded, found, what the failure says) for each row)
DEMANDED = [
    ("s3", "metadata", [
        ({"size": "5", "md5": hashlib.md5(b"12345").hexdigest()}, "match", ""),
        ({"size": "6"}, "mismatch", "its size is 5 bytes, the manifest (line 2) says 6"),
        ({"md5": "0" * 32}, "mismatch", f"the manifest (line 3) demands {'0' * 32}"),
        ({"sha256": SHA, "size": "5"}, "uncheckable", "neither side tells its sha256"),
    ]),
    ("s3", "auto", [({"sha256": SHA}, "match", ""), (OTHER_SHA, "mismatch", f"its sha256 is {SHA}, the manifest")]),
    ("s3", "full", [({"sha256": SHA}, "match", ""), (OTHER_SHA, "mismatch", f"its sha256 is {SHA}, the manifest")]),
    ("file", "auto", [({"crc32c": CRC}, "match", ""), ({"crc32c": CRC, **OTHER_SHA}, "mismatch", "its sha256 is")]),
    ("gs", "auto", [({"crc32c": CRC}, "match", ""), ({"crc32c": "00000000"}, "mismatch", f"its crc32c is {CRC}")]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "how", "rows"), DEMANDED)
def test_verify_holds_both_sides_against_what_a_manifest_demands(new_end, tmp_path, kind, how, rows):
    here, there = new_end(kind, "here"), new_end(kind, "there")
    lines = []
    for number, (demands, *_) in enumerate(rows):
        for end in (here, there):
            end.put(str(number), b"12345")
        lines.append(json.dumps({"source": f"{here.root}{number}", **demands}) + "\n")
    (tmp_path / "list.jsonl").write_text("".join(lines))
    given = {"manifest": str(tmp_path / "list.jsonl"), "verify": how} | here.options("source")
    run = verify(None, there, tmp_path, **given)
    found = {line["destination"][-1]: (line["proof"], line["detail"]) for line in run.lines("outcomes.jsonl")}
    for number, (_, word, told) in enumerate(rows):
        assert found[str(number)][0] == word
        assert told in found[str(number)][1]
    assert run.summary.exit_code == 1
    assert run.summary.details["proofs"] == Counter(word for _, word, _ in rows)


def test_a_dry_run_of_verify_holds_nothing_against_a_manifest(two, tmp_path):
    here, there = two("file", "file")
    (tmp_path / "list.jsonl").write_text(json.dumps({"source": f"{here.root}same", "size": 6}) + "\n")
    run = verify(None, there, tmp_path, manifest=str(tmp_path / "list.jsonl"), dry_run=True)
    assert (run.summary.exit_code, run.counts) == (0, (0, 0, 0, 1))


def test_verify_asks_and_writes_nothing(two, fault_proxy, tmp_path):
    here, there = two("file", "s3")
    fault_proxy.reset(there.server.endpoint)
    verify(here, there, tmp_path, destination_endpoint_url=fault_proxy.endpoint)
    assert {method for method, *_ in fault_proxy.log} <= {"GET", "HEAD"}
