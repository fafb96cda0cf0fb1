"""What tests need of the machine besides Python: left out with the reason where it lacks, or a failure.

HORNBEAM_REQUIRE_ENGINES=1 says that everything must be there, as `.ci/run` does.
"""

from __future__ import annotations

import os

import pytest

VARIABLE = "HORNBEAM_REQUIRE_ENGINES"


def demand(missing: str) -> None:
    """Leaves a test out, or fails it.

    Args:
        missing: What isn't here and how to get it; "" when everything is.
    """
    if missing and os.environ.get(VARIABLE) == "1":
        pytest.fail(f"{VARIABLE}=1, but {missing}")
    if missing:
        pytest.skip(f"left out: {missing}")
