"""`--delete`: extras go at the very end, all or none, never more than allowed, never when something went wrong."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from tests.servers.fault_proxy import Fault
from tests.services.copy_ends import copy
from transforms.core.errors import ConfigError

DENIED = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
KINDS = ("file", "s3", "gs")


@pytest.fixture
def pair(new_end):
    """A source with ten objects, and a destination with these and some extras."""

    def make(source="file", destination="s3", extras=1, read_from="", write_to=""):
        here = new_end(source, "here", read_from)
        there = new_end(destination, "there", write_to)
        for number in range(10):
            here.put(f"a/{number}", b"kept")
        for number in range(extras):
            there.put(f"a/extra {number}", b"extra")
        return here, there

    return make


def extras_of(end):
    return {key for key in sorted(end.keys()) if "extra" in key}


@pytest.mark.parametrize("destination", KINDS)
@pytest.mark.parametrize("source", KINDS)
def test_extras_are_deleted_when_all_went_well(pair, tmp_path, source, destination):
    here, there = pair(source, destination, extras=2)
    run = copy(here, there, tmp_path, delete=True, max_delete="2")
    assert (run.summary.exit_code, run.counts) == (0, (12, 0, 0, 0))
    assert there.keys() == here.keys()
    assert {key for key, line in run.outcomes.items() if line["detail"].startswith("deleted")} == {
        "a/extra 0",
        "a/extra 1",
    }
    assert run.summary.details["deletion"]["deleted"] == 2
    again = copy(here, there, tmp_path, delete=True)
    assert (again.summary.exit_code, again.counts) == (0, (0, 10, 0, 0))


def test_without_delete_extras_stay(pair, tmp_path):
    here, there = pair()
    run = copy(here, there, tmp_path)
    assert (run.summary.exit_code, run.counts, extras_of(there)) == (0, (10, 0, 0, 0), {"a/extra 0"})
    assert "deletion" not in run.summary.details


LIMITS = [
    ("3", 3, True),
    ("2", 3, False),
    ("0", 1, False),
    ("10%", 1, False),  # of the eleven there: one
    ("30%", 5, False),  # of the fifteen there: four
    ("34%", 5, True),
    ("100%", 5, True),
]


@pytest.mark.parametrize(("limit", "extras", "allowed"), LIMITS)
def test_no_more_than_max_delete_go_or_none(pair, tmp_path, limit, extras, allowed):
    here, there = pair("file", "file", extras)
    assert copy(here, there, tmp_path).summary.exit_code == 0
    if limit == "10%":
        (here.path / "a/9").unlink()
        there.put("a/9", b"extra")
    before = extras_of(there)
    run = copy(here, there, tmp_path, delete=True, max_delete=limit)
    assert extras_of(there) == (set() if allowed else before)
    assert run.summary.exit_code == (0 if allowed else 1)
    if not allowed:
        assert run.summary.status == "failed"
        assert run.summary.error.type == "ExtrasKeptError"
        assert "--max_delete" in run.summary.error.message
        assert f"{run.summary.details['deletion']['extras']} extra objects" in run.summary.error.message


@pytest.mark.parametrize("fault", ["read", "write"])
def test_a_failed_object_keeps_every_extra(pair, fault_proxy, tmp_path, fault):
    side = {"read": "read_from", "write": "write_to"}[fault]
    here, there = pair("s3", "s3", **{side: fault_proxy.endpoint})
    fault_proxy.reset(here.server.endpoint)
    path = f"{(here if fault == 'read' else there).prefix}a/3"
    fault_proxy.add(Fault(path=path, method="GET" if fault == "read" else "PUT", status=403, body=DENIED, times=9))
    run = copy(here, there, tmp_path, delete=True, max_delete="100%")
    assert (run.summary.exit_code, run.counts) == (1, (9, 0, 1, 0))
    assert extras_of(there) == {"a/extra 0"}
    assert "1 objects failed" in run.summary.error.message


def test_a_copy_without_proof_keeps_every_extra(pair, tmp_path):
    here, there = pair()
    run = copy(here, there, tmp_path, delete=True, max_delete="100%", verify="none")
    assert (run.summary.exit_code, run.counts, extras_of(there)) == (1, (10, 0, 0, 0), {"a/extra 0"})
    assert "without proof" in run.summary.error.message


@pytest.mark.parametrize("side", ["read_from", "write_to"])
def test_a_listing_that_fails_keeps_every_extra(pair, fault_proxy, tmp_path, side):
    here, there = pair("s3", "s3", **{side: fault_proxy.endpoint})
    fault_proxy.reset(here.server.endpoint)
    listing = f"/{here.bucket}"
    assert copy(here, there, tmp_path).summary.exit_code == 0
    watched = Fault(path=listing, query="list-type=2", times=99)  # not the uploads that are under way
    fault_proxy.add(watched)
    assert copy(here, there, tmp_path, delete=True, max_delete="0").summary.error.type == "ExtrasKeptError"
    listings = 99 - watched.times
    fault_proxy.reset()
    fault_proxy.add(replace(watched, times=listings - 1))  # the last one is the task's
    fault_proxy.add(replace(watched, status=403, body=DENIED, times=99))
    run = copy(here, there, tmp_path, delete=True, max_delete="100%")
    fault_proxy.reset()
    assert (run.summary.exit_code, run.summary.status, extras_of(there)) == (1, "failed", {"a/extra 0"})
    told = run.summary.details["deletion"]
    assert (told["deleted"], told["reason"]) == (
        0,
        "nothing was deleted: 1 of 1 key ranges weren't listed to their end; run the command again",
    )


def test_an_empty_source_is_refused_before_extras_are_looked_at(new_end, tmp_path):
    here, there = new_end("file", "here"), new_end("file", "there")
    there.put("a", b"kept")
    with pytest.raises(ConfigError, match="holds nothing"):
        copy(here, there, tmp_path, delete=True, max_delete="100%")
    assert there.keys() == {"a"}


def test_a_dry_run_tells_what_would_go_and_deletes_nothing(pair, tmp_path):
    here, there = pair(extras=2)
    run = copy(here, there, tmp_path, delete=True, max_delete="2", dry_run=True)
    assert (run.summary.exit_code, run.summary.status, run.counts) == (0, "planned", (0, 0, 0, 12))
    assert extras_of(there) == there.keys() == {"a/extra 0", "a/extra 1"}
    planned = {key: (line["status"], line["detail"]) for key, line in run.outcomes.items()}
    assert planned["a/extra 0"] == ("planned", "no source: would be deleted")
    refused = copy(here, there, tmp_path, delete=True, max_delete="1", dry_run=True)
    assert (refused.summary.exit_code, extras_of(there)) == (1, {"a/extra 0", "a/extra 1"})
    assert "--max_delete" in refused.summary.error.message


FILTERS = [
    {"exclude": ("a/extra*",)},
    {"include": ("a/[0-9]*",)},
    {"max_size": "4"},
    {"older_than": "2001-01-01"},
]


@pytest.mark.parametrize("filters", FILTERS)
def test_what_filters_keep_from_being_copied_is_never_deleted(pair, tmp_path, filters):
    here, there = pair("file", "file", extras=1)
    run = copy(here, there, tmp_path, delete=True, max_delete="100%", **filters)
    assert run.summary.exit_code == 0
    assert extras_of(there) == {"a/extra 0"}


@pytest.mark.parametrize(("filters", "there_are"), [({}, 34), ({"include": ("a/**",)}, 4), ({"exclude": ("b/",)}, 4)])
def test_a_share_is_of_what_the_filters_let_through(new_end, tmp_path, filters, there_are):
    here, there = new_end("file", "here"), new_end("file", "there")
    for end in (here, there):
        for key in ("a/kept", *(f"b/{number}" for number in range(30))):
            end.put(key, b"kept")
    for number in range(3):
        there.put(f"a/extra {number}", b"extra")
    run = copy(here, there, tmp_path, delete=True, **filters)
    allowed = there_are == 34  # 10 %: three
    assert (run.summary.exit_code, len(extras_of(there))) == ((0, 0) if allowed else (1, 3))
    if not allowed:
        assert "they are 75.0 % of the 4 there, and --max_delete lets 0 go" in run.summary.error.message


def test_an_excluded_source_object_keeps_its_copy(pair, tmp_path):
    here, there = pair("file", "file", extras=0)
    assert copy(here, there, tmp_path).summary.exit_code == 0
    run = copy(here, there, tmp_path, delete=True, max_delete="100%", exclude=("a/3",))
    assert (run.summary.exit_code, there.keys()) == (0, here.keys())


def test_an_extra_that_changed_since_it_was_listed_stays(pair, fault_proxy, tmp_path):
    here, there = pair("file", "gs", write_to=fault_proxy.endpoint)
    fault_proxy.reset(there.server.endpoint)
    fault_proxy.add(Fault(path="a/extra 0", method="DELETE", status=412, body=b'{"error": {"code": 412}}', times=9))
    run = copy(here, there, tmp_path, delete=True, max_delete="100%")
    assert (run.summary.exit_code, run.counts, extras_of(there)) == (1, (10, 0, 1, 0), {"a/extra 0"})
    assert "can't be deleted" in run.failures["a/extra 0"]["message"]


def test_delete_and_a_manifest_contradict_each_other(pair, tmp_path):
    here, there = pair()
    (tmp_path / "list.csv").write_text(f"source\n{here.root}a/1\n")
    with pytest.raises(ValidationError, match="--delete needs --source"):
        copy(None, there, tmp_path, manifest=str(tmp_path / "list.csv"), delete=True, max_delete="100%")
    assert extras_of(there) == {"a/extra 0"}
