"""What ended a run is named without traceback and without secrets, however the engine wraps it."""

import pytest

from pipelines.run_errors import describe
from transforms.core.scrubbing import remember
from transforms.core.summary import RunError

WORKER = """Traceback (most recent call last):
  File "a.py", line 1, in f
    raise ValueError("first")
ValueError: first

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2, in g
transforms.core.errors.PermanentError: the table is gone: create it [while running 'Load']
"""

CASES = [
    (ValueError("bad row"), RunError("ValueError", "bad row")),
    (ValueError("bad row [while running 'Load/ParDo(X)']"), RunError("ValueError", "bad row")),
    (KeyError(), RunError("KeyError", "KeyError")),
    (RuntimeError(WORKER), RunError("PermanentError", "the table is gone: create it")),
    (RuntimeError("two\nlines"), RunError("RuntimeError", "two\nlines")),
    (OSError("postgresql://me:s3cret@host/db refused"), RunError("OSError", "postgresql://me:***@host/db refused")),
]


@pytest.mark.parametrize(("error", "expected"), CASES)
def test_the_error_that_counts_is_named(error, expected):
    assert describe(error) == expected


def test_known_secrets_are_taken_out():
    remember("open-sesame-7")
    assert "open-sesame-7" not in describe(ValueError("login with open-sesame-7 failed")).message
