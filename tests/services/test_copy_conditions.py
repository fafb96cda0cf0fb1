"""Every write to GCS is under its condition: free names by generation 0, others by the generation that was listed.

fake-gcs-server looks at conditions of simple uploads only, so a proxy refuses the requests that carry one: a write
that carried none would go through.
"""

import json
import urllib.request

import pytest

from tests.servers.fault_proxy import Fault
from tests.services.copy_ends import PART, bodies, copy

WRITES = [("file", 10, "auto"), ("file", 2 * PART, "auto"), ("gs", 10, "auto"), ("gs", 2 * PART, "traditional")]
REFUSAL = b'{"error": {"code": 412, "errors": [{"reason": "conditionNotMet"}]}}'


@pytest.fixture
def pair(new_end, fault_proxy):
    def make(kind):
        here, there = new_end(kind, "here", fault_proxy.endpoint), new_end("gs", "there", fault_proxy.endpoint)
        fault_proxy.reset(there.server.endpoint)
        return here, there

    return make


def generation(end, key):
    with urllib.request.urlopen(end.server.endpoint + end._path(key), timeout=60) as answer:
        return json.loads(answer.read())["generation"]


@pytest.mark.parametrize(("kind", "size", "mode"), WRITES)
def test_a_free_name_is_asked_for_and_a_refusal_leaves_nothing(pair, fault_proxy, tmp_path, kind, size, mode):
    here, there = pair(kind)
    here.put("k", b"x" * size)
    fault_proxy.add(Fault(method="POST", query="ifGenerationMatch=0", status=412, body=REFUSAL, times=9))
    run = copy(here, there, tmp_path, mode=mode, part_size_mb=5)
    assert (run.summary.exit_code, run.counts, there.keys()) == (1, (0, 0, 1, 0), set())
    assert run.failures["k"]["error"] == "AlreadyThereError"
    assert fault_proxy.pending_faults < 9


@pytest.mark.parametrize(("kind", "size", "mode"), WRITES)
def test_the_listed_generation_is_asked_for_and_a_refusal_leaves_it(pair, fault_proxy, tmp_path, kind, size, mode):
    here, there = pair(kind)
    here.put("k", b"x" * size)
    there.put("k", b"theirs")
    asked = f"ifGenerationMatch={generation(there, 'k')}"
    fault_proxy.add(Fault(method="POST", query=asked, status=412, body=REFUSAL, times=9))
    run = copy(here, there, tmp_path, mode=mode, part_size_mb=5)
    assert (run.summary.exit_code, run.counts, bodies(there)) == (1, (0, 0, 1, 0), {"k": b"theirs"})
    assert run.failures["k"]["error"] == "ConflictError"
