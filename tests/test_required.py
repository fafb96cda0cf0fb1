"""What a machine lacks is left out and named, and is a failure where everything is required."""

import pytest

from tests.required import VARIABLE, demand


@pytest.mark.parametrize(
    ("value", "outcome", "message"),
    [
        ("", pytest.skip.Exception, "left out: no gcloud: install it"),
        ("0", pytest.skip.Exception, "left out: no gcloud: install it"),
        ("1", pytest.fail.Exception, "HORNBEAM_REQUIRE_ENGINES=1, but no gcloud: install it"),
    ],
)
def test_what_is_missing_is_named_and_fails_only_where_it_is_required(monkeypatch, value, outcome, message):
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(outcome) as caught:
        demand("no gcloud: install it")
    assert str(caught.value) == message
    demand("")
