"""Imports Beam without what a run on this machine can't use: its own ways to clouds and to MongoDB, and pandas.

Ours go by no Beam, and our rows by no pandas. With everything that is installed the imports take 0.8 s and 182 MiB,
without these 0.37 s and 112 MiB. Beam bears that they are missing, as it does where they aren't installed; afterwards
they can be imported as ever.
"""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# With the first, `apache_beam.io` gives up its Pub/Sub and the rest of its Google part too.
LEFT_OUT: Final = (
    "apache_beam.io.gcp.bigquery",
    "apache_beam.io.gcp.gcsfilesystem",
    "apache_beam.io.aws.s3filesystem",
    "apache_beam.io.azure.blobstoragefilesystem",
    "apitools.base.py.exceptions",  # which errors of clouds Beam would try again
    "google.cloud.dataflow",
    "pymongo",
    "pandas",
)
_WARNS = "apache_beam.io.mongodbio"  # that pymongo is missing


def may_be_lean(engine: str, head: str) -> bool:
    """Whether a run needs none of Beam's own ways to clouds.

    | engine  | head         | lean | Beam reaches a cloud        |
    |---------|--------------|------|-----------------------------|
    | direct  | bounded      | yes  |                             |
    | direct  | watch        | yes  |                             |
    | direct  | subscription | no   | Pub/Sub                     |
    | another | any          | no   | to stage what it runs       |

    Args:
        engine: A key of `launch.ENGINES`.
        head: Where the graph's elements come from.
    """
    return engine == "direct" and head != "subscription"


class _Absent:
    """Finds nothing where these modules are asked for, as if they weren't installed."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        if name in LEFT_OUT:
            raise ModuleNotFoundError(f"No module named {name!r}: left out of this run", name=name)


@contextmanager
def left_out() -> Iterator[None]:
    """What is imported first while the block runs finds these modules missing."""
    logger = logging.getLogger(_WARNS)
    level = logger.level
    logger.setLevel(logging.ERROR)
    sys.meta_path.insert(0, _Absent)  # a class, as the system's own finders are
    try:
        yield
        _settle_pyarrow()
    finally:
        sys.meta_path.remove(_Absent)
        logger.setLevel(level)


def _settle_pyarrow() -> None:
    """Lets pyarrow look for pandas now: it does so at the first Python values it meets, and keeps the answer."""
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None:
        pyarrow.array([0])
