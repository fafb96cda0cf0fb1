"""`--if_exists`: what becomes of destination objects found different, and of nothing else."""

from __future__ import annotations

import pytest

from tests.services.copy_ends import bodies, copy

OURS, THEIRS = b"ours", b"theirs, and longer"
RULES = [
    ("overwrite", 0, (2, 1, 0, 0), "done", OURS),
    ("skip", 0, (1, 2, 0, 0), "skipped", THEIRS),
    ("fail", 1, (1, 1, 1, 0), "failed", THEIRS),
]


@pytest.mark.parametrize(("source", "destination"), [("file", "s3"), ("s3", "s3"), ("gs", "file")])
def test_what_differs_is_replaced_kept_or_a_failure_and_the_rest_goes_its_way(new_end, tmp_path, source, destination):
    for rule, code, counts, status, left in RULES:
        here, there = new_end(source, f"here {rule}"), new_end(destination, f"there {rule}")
        for key in ("differs", "missing", "same"):
            here.put(key, OURS)
        there.put("differs", THEIRS)
        there.put("extra", THEIRS)
        assert copy(here, there, tmp_path, include=("same",)).counts == (1, 0, 0, 0)
        run = copy(here, there, tmp_path, if_exists=rule)
        assert (run.summary.exit_code, run.counts) == (code, counts), rule
        assert run.statuses() == {"differs": status, "missing": "done", "same": "skipped"}
        assert bodies(there) == {"differs": left, "extra": THEIRS, "missing": OURS, "same": OURS}
        assert list(run.failures) == (["differs"] if rule == "fail" else [])
        if rule == "fail":
            assert run.failures["differs"]["error"] == "AlreadyThereError"
            assert "--if_exists overwrite replaces it" in run.failures["differs"]["message"]


@pytest.mark.parametrize(
    ("rule", "code", "left"), [("skip", 0, THEIRS[:4]), ("fail", 1, THEIRS[:4]), ("overwrite", 0, OURS)]
)
def test_what_differs_by_its_bytes_alone_is_under_the_same_rule(new_end, tmp_path, rule, code, left):
    here, there = new_end("s3"), new_end("s3")
    here.put("k", OURS)
    there.put("k", THEIRS[:4])
    run = copy(here, there, tmp_path, if_exists=rule)
    assert (run.summary.exit_code, bodies(there)) == (code, {"k": left})
    forced = copy(here, there, tmp_path, if_exists=rule, incremental=False)
    assert forced.summary.exit_code == code
    assert bodies(there) == {"k": left}
