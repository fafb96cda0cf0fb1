"""Every mover's three: a second run does nothing, only what is new is copied, one bad item harms no other."""

from __future__ import annotations

import json

import pytest

from pipelines.__main__ import console
from tests.pipelines.copy_jobs import BUCKET, Job, between, bodies, client_of, outcomes, tree, writes
from tests.servers.fault_proxy import Fault
from transforms.core.errors import ConfigError
from transforms.core.summary import Counts

TREE = tree()
TREE_BYTES = sum(map(len, TREE.values()))
N = len(TREE)


@between("disk", "to s3", "from s3", "within", "s5cmd")
def test_a_second_run_writes_nothing_and_reads_no_object(copy_job: Job, fault_proxy):
    copy_job.source.put(TREE)
    copy_job.through(fault_proxy)
    first = copy_job.run()
    assert (first.summary.status, first.summary.items) == ("completed", Counts(N, N, 0, 0, 0))
    files = {path: path.stat() for path in copy_job.destination.path.rglob("*")}
    fault_proxy.reset()
    again = copy_job.run(max_concurrent=2, batch_size=3, part_size_mb=7)
    assert (again.summary.status, again.summary.exit_code) == ("completed", 0)
    assert (again.summary.items, again.summary.bytes) == (
        Counts(N, 0, N, 0, 0),
        Counts(TREE_BYTES, 0, TREE_BYTES, 0, 0),
    )
    assert set(outcomes(again).values()) == {"skipped"}
    assert (writes(fault_proxy), bodies(fault_proxy)) == ([], [])
    assert {path: path.stat().st_ctime_ns for path in copy_job.destination.path.rglob("*")} == {
        path: status.st_ctime_ns for path, status in files.items()
    }


@between("disk", "to s3", "from s3", "within", "s5cmd")
def test_only_what_is_new_or_changed_is_copied(copy_job: Job, fault_proxy):
    copy_job.source.put(TREE)
    copy_job.through(fault_proxy)
    copy_job.run()
    changed = {"new": b"new", "one byte": b"another size"}
    copy_job.source.put(changed)
    copy_job.destination.delete("large.bin")
    missing = {"large.bin": TREE["large.bin"]} | changed
    run = copy_job.run()
    assert run.summary.items == Counts(N + 1, 3, N - 2, 0, 0)
    assert run.summary.bytes.done == sum(map(len, missing.values()))
    told = outcomes(run)
    assert {key for key in (TREE | changed) if told[copy_job.destination.uri + key] == "done"} == set(missing)
    assert copy_job.destination.objects() == TREE | changed


BAD = {
    "forbidden": Fault(times=1000, path="dir 1/é0001.bin", status=403),
    "vanished": Fault(times=1000, path="dir 1/é0001.bin", status=404),
}


@pytest.mark.parametrize("name", BAD)
@between("from s3")
def test_one_bad_object_among_good_ones_fails_alone_and_is_retried_alone(copy_job: Job, fault_proxy, name):
    key = BAD[name].path
    copy_job.source.put(TREE)
    copy_job.through(fault_proxy)
    fault_proxy.add(BAD[name])
    run = copy_job.run()
    good = {one: data for one, data in TREE.items() if one != key}
    assert (run.summary.status, run.summary.exit_code) == ("failed", 1)
    assert run.summary.items == Counts(N, N - 1, 0, 1, 0)
    assert run.summary.bytes == Counts(TREE_BYTES, TREE_BYTES - len(TREE[key]), 0, len(TREE[key]), 0)
    [failure] = run.lines("failures.jsonl")
    assert failure["item"] == copy_job.source.uri + key
    assert key in failure["message"]
    assert copy_job.destination.objects() == good
    fault_proxy.reset()
    retried = copy_job.run(retry=str(run.folder))
    assert (retried.summary.exit_code, retried.summary.items) == (0, Counts(1, 1, 0, 0, 0))
    assert outcomes(retried) == {copy_job.destination.uri + key: "done"}
    assert copy_job.destination.objects() == TREE
    with pytest.raises(ConfigError, match="nothing failed"):
        copy_job.run(retry=str(retried.folder))


@between("from s3")
def test_names_that_a_disk_cannot_take_fail_alone_and_a_retry_copies_the_others(copy_job: Job, fault_proxy):
    names = ["folder/", "folder/.hornbeam-0123456789abcdef0123456789abcdef.tmp"]
    copy_job.source.put(TREE | dict.fromkeys([*names, "folder/a"], b""))
    copy_job.through(fault_proxy)
    fault_proxy.add(Fault(times=1000, path="folder/a", status=403))
    run = copy_job.run()
    assert (run.summary.exit_code, run.summary.items) == (1, Counts(N + 3, N, 0, 3, 0))
    assert copy_job.destination.objects() == TREE
    fault_proxy.reset()
    again = copy_job.run(retry=str(run.folder))
    assert (again.summary.exit_code, again.summary.items) == (1, Counts(3, 1, 0, 2, 0))
    assert {line["item"] for line in again.lines("failures.jsonl")} == {copy_job.source.uri + name for name in names}
    assert copy_job.destination.objects() == TREE | {"folder/a": b""}


def test_a_retry_of_a_run_in_which_nothing_failed_or_of_no_run_ends_with_2(copy_job: Job, capsys):
    copy_job.source.put(TREE)
    run = copy_job.run()
    for retry, told in ((run.folder, "nothing failed"), (copy_job.folder / "none", "no outcomes.jsonl")):
        assert console(copy_job.command(copy_job.folder / "retry", retry=retry)) == 2
        assert told in capsys.readouterr().err
    assert not (copy_job.folder / "retry" / "summary.json").exists()


def test_a_retry_still_demands_what_the_manifest_demands(copy_job: Job):
    copy_job.source.put({"a": b"a", "b": b"b", "c": b"c"})
    manifest = copy_job.folder / "list.csv"
    uri = copy_job.source.uri
    wrong = "0" * 32
    manifest.write_text(
        f"source,destination,md5\n{uri}a,a,0cc175b9c0f1b6a831c399e269772661\n{uri}b,b,{wrong}\n{uri}c,c,{wrong}\n"
    )
    job = Job(
        copy_job.source, copy_job.destination, copy_job.folder, always={"source": None, "manifest": str(manifest)}
    )
    run = job.run()
    assert (run.summary.exit_code, run.summary.items) == (1, Counts(3, 1, 0, 2, 0))
    again = job.run(retry=str(run.folder))
    assert (again.summary.exit_code, again.summary.items) == (1, Counts(2, 0, 0, 2, 0))
    assert copy_job.destination.objects() == {"a": b"a"}
    # The manifest was wrong: with the right sums the same retry copies them.
    text = manifest.read_text().replace(f"b,{wrong}", "b,92eb5ffee6ae2fec3ad71c777531578f")
    manifest.write_text(text.replace(f"c,{wrong}", "c,4a8a08f09d37b73795649038408b5f33"))
    again = job.run(retry=str(run.folder))
    assert (again.summary.exit_code, again.summary.items) == (0, Counts(2, 2, 0, 0, 0))
    assert copy_job.destination.objects() == {"a": b"a", "b": b"b", "c": b"c"}


@between("disk", "to s3", "from s3", "within")
def test_a_dry_run_writes_nothing_but_its_own_folder_and_tells_what_would_go(copy_job: Job, fault_proxy):
    copy_job.source.put(TREE)
    extras = {"extra/1": b"12345", "extra/2": b""}
    copy_job.destination.put(extras | {"one byte": b"1"})
    copy_job.through(fault_proxy)
    before = {path: path.stat().st_ctime_ns for path in copy_job.folder.rglob("*")}
    run = copy_job.run(dry_run=True, delete=True, max_delete="100%")
    assert (run.summary.status, run.summary.exit_code) == ("planned", 0)
    told = outcomes(run)
    assert told.pop(copy_job.destination.uri + "one byte") in ("skipped", "planned")
    assert told == {copy_job.destination.uri + key: "planned" for key in {**TREE, **extras} if key != "one byte"}
    assert run.summary.items.planned == N + 2 == run.summary.items.not_started + run.summary.items.skipped
    assert run.summary.details["deletion"]["extras"] == 2
    gone = [line["item"] for line in run.lines("outcomes.jsonl") if "would be deleted" in line["detail"]]
    assert gone == [copy_job.destination.uri + key for key in sorted(extras)]
    assert (writes(fault_proxy), bodies(fault_proxy)) == ([], [])
    left = {path: path.stat().st_ctime_ns for path in copy_job.folder.rglob("*")}
    assert {path: when for path, when in left.items() if run.folder not in (path, *path.parents)} == before
    # What it planned is done by the run that follows.
    done = copy_job.run(delete=True, max_delete="100%")
    assert done.summary.exit_code == 0
    assert done.summary.details["deletion"]["deleted"] == 2
    assert copy_job.destination.objects() == TREE


def test_what_could_not_be_deleted_is_not_copied_by_a_retry(copy_job: Job, monkeypatch):
    copy_job.source.put({"a": b"a"})
    copy_job.destination.put({"extra": b"x"})
    monkeypatch.setattr(
        "transforms.core.objects.local.LocalStore.delete_all", lambda _self, infos: [(one, "no") for one in infos]
    )
    run = copy_job.run(delete=True, max_delete="100%")
    assert (run.summary.exit_code, run.summary.items) == (1, Counts(2, 1, 0, 1, 0))
    with pytest.raises(ConfigError, match="run the whole command again"):
        copy_job.run(retry=str(run.folder))


@between("to s3", "from s3")
def test_a_run_folder_in_a_bucket_takes_the_same_account_and_can_be_retried(copy_job: Job, fault_proxy, monkeypatch):
    server = copy_job.destination.server or copy_job.source.server
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint)
    copy_job.source.put(TREE)
    copy_job.through(fault_proxy)  # where the run folder isn't: its endpoint is the environment's
    bad = "dir 1/é0001.bin"
    for method in ("GET", "PUT"):
        fault_proxy.add(Fault(times=1000, path=bad, method=method, status=403))
    folder = f"s3://{BUCKET}/{copy_job.folder.name}/run"
    run = copy_job.run(output=folder)
    assert (run.summary.exit_code, run.summary.items) == (1, Counts(N, N - 1, 0, 1, 0))

    def stored(name: str, where: str = folder) -> str:
        key = f"{where.removeprefix(f's3://{BUCKET}/')}/{name}"
        return client_of(server).get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()

    assert json.loads(stored("summary.json"))["items"] == run.summary.items._asdict()
    lines = [json.loads(line) for line in stored("outcomes.jsonl").splitlines()]
    assert sorted(line["item"] for line in lines) == sorted(copy_job.source.uri + key for key in TREE)
    assert bad in stored("failures.jsonl")
    fault_proxy.reset()
    again = copy_job.run(output=f"{folder} again", retry=folder)
    assert (again.summary.exit_code, again.summary.items) == (0, Counts(1, 1, 0, 0, 0))
    assert copy_job.destination.objects() == TREE
    assert fault_proxy.total_requests(copy_job.folder.name) == 0, "the run's folder has an endpoint of its own"


def test_one_object_by_its_name_that_failed_is_retried(copy_job: Job):
    copy_job.source.put({"a": b"a"})
    copy_job.destination.put({"b/in the way": b""})
    always = {"source": f"{copy_job.source.uri}a", "destination": f"{copy_job.destination.uri}b/in the way/c"}
    job = Job(copy_job.source, copy_job.destination, copy_job.folder, always=always)
    run = job.run()
    assert (run.summary.exit_code, run.summary.items) == (1, Counts(1, 0, 0, 1, 0))
    copy_job.destination.delete("b/in the way")
    again = job.run(retry=str(run.folder))
    assert (again.summary.exit_code, again.summary.items) == (0, Counts(1, 1, 0, 0, 0))
    assert copy_job.destination.objects() == {"b/in the way/c": b"a"}


@between("to s3")
def test_a_store_that_hides_unfinished_uploads_is_told_of_and_no_failure(copy_job: Job, fault_proxy):
    copy_job.source.put(TREE)
    copy_job.through(fault_proxy)
    fault_proxy.add(Fault(times=10, status=403, query="uploads="))
    run = copy_job.run()
    assert (run.summary.exit_code, run.summary.items) == (0, Counts(N, N, 0, 0, 0))
    [note] = run.summary.details["notes"]
    assert note.startswith("what killed runs left unfinished below s3://")
    assert copy_job.run(dry_run=True).summary.details.get("leftovers_removed") is None


def test_a_program_that_asks_for_json_gets_events_that_add_up(copy_job: Job, capsys):
    copy_job.source.put(TREE)
    assert console(copy_job.command(copy_job.folder / "run", json=True)) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["started", "finished"]
    assert {event["event"] for event in events[1:-1]} <= {"progress"}
    assert events[-1]["exit_code"] == 0
    assert events[-1]["summary"]["items"] == Counts(N, N, 0, 0, 0)._asdict()
    assert events[-1]["summary"]["bytes"] == Counts(TREE_BYTES, TREE_BYTES, 0, 0, 0)._asdict()


def test_the_summary_on_disk_is_the_one_that_is_returned(copy_job: Job):
    copy_job.source.put(TREE)
    run = copy_job.run()
    stored = json.loads((run.folder / "summary.json").read_text())
    assert stored["items"] == run.summary.items._asdict()
    assert stored["details"]["modes"] == {"hybrid": N}
    assert stored["details"]["proofs"] == {"match": N}
