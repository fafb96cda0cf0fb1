"""When a message may be let go: not before the batches that it went into are worked."""

import pytest

from transforms.core.errors import ConfigError
from transforms.core.streams.subscription import Subscription, Unfinished

# Each case: what was taken before a look, the batches open at it, what is finished at it.
CASES = [
    ("nothing taken", [("", "", "")]),
    ("no batch took it up", [("a", "", "a")]),
    ("its batch is open, then closed", [("a", "1", ""), ("", "1", ""), ("", "", "a")]),
    ("another batch opened meanwhile", [("a", "1", ""), ("b", "12", ""), ("", "2", "a"), ("", "", "b")]),
    ("batches never end", [("a", "1", ""), ("b", "2", "a"), ("c", "3", "b"), ("", "4", "c")]),
    ("one of its batches is still open", [("ab", "12", ""), ("", "2", ""), ("", "3", "ab")]),
    ("a batch of the same shard, later", [("a", "1", ""), ("", "", "a"), ("b", "1", ""), ("", "", "b")]),
]


@pytest.mark.parametrize("looks", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_messages_are_finished_when_the_batches_are_closed_that_were_open_after_them(looks):
    unfinished = Unfinished()
    found = []
    for taken, open_batches, _ in looks:
        unfinished.taken(list(taken))
        found.append("".join(unfinished.finished(frozenset(open_batches))))
    assert found == [finished for *_, finished in looks]


def test_what_is_left_is_finished_at_the_end():
    unfinished = Unfinished()
    unfinished.taken(["a"])
    assert unfinished.finished(frozenset({"1"})) == []
    unfinished.taken(["b"])
    assert unfinished.finished(frozenset()) == ["a", "b"]
    assert unfinished.finished(frozenset()) == []


def test_a_machine_without_credentials_is_told_what_to_do(monkeypatch, tmp_path):
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "PUBSUB_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    subscription = Subscription("projects/some-project/subscriptions/objects")
    with pytest.raises(ConfigError, match="no credentials for Pub/Sub: run `gcloud auth"):
        subscription.open()
    subscription.close()
