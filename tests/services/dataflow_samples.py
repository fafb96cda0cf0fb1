"""What each pipeline runs on Dataflow: words for the command line, made anew for a bucket and a run's name.

A pipeline of the registry without a sample here fails the tests.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import pyarrow.parquet

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.services.dataflow_jobs import Cloud

ROWS = b"id,name\n" + b"".join(f"{n},n{n}\n".encode() for n in range(1000))


def ingest(cloud: Cloud, name: str) -> list[str]:
    """A thousand rows and one that is no row: one and the same object for every run."""
    source = f"gs://{cloud.bucket}/in/a.csv"
    if not cloud.names("in/"):
        cloud.put("in/a.csv", ROWS + b"1,too,many\n")
    return [f"--source={source}", f"--destination=parquet:gs://{cloud.bucket}/{name}", "--table=t", "--max_rejects=1"]


def _objects(cloud: Cloud, folder: str) -> str:
    for n in range(20):
        cloud.put(f"{folder}/{n}", b"x" * n)
    return f"gs://{cloud.bucket}/{folder}/"


def copy(cloud: Cloud, name: str) -> list[str]:
    """Twenty objects into an empty prefix."""
    return [f"--source={_objects(cloud, 'from')}", f"--destination=gs://{cloud.bucket}/{name}/"]


def verify(cloud: Cloud, name: str) -> list[str]:
    """Twenty objects beside the same ones."""
    return [f"--source={_objects(cloud, 'from')}", f"--destination={_objects(cloud, name)}"]


SAMPLES: dict[str, Callable[[Cloud, str], list[str]]] = {"ingest": ingest, "copy": copy, "verify": verify}


def found(cloud: Cloud, name: str) -> Any:
    """What a run left at its destination: a table's rows, or the objects."""
    names = [one for one in cloud.names(f"{name}/") if "/_hornbeam/" not in one]
    tables = [pyarrow.parquet.read_table(BytesIO(cloud.read(one))) for one in names if one.endswith(".parquet")]
    if tables:
        return sorted(tuple(row.values()) for table in tables for row in table.to_pylist())
    return {one.removeprefix(f"{name}/"): cloud.read(one) for one in names}


def copied_stream(cloud: Cloud) -> list[str]:
    """A prefix into another."""
    source = cloud.put("in/a.csv", ROWS)
    return [f"--source={source.rpartition('/')[0]}/", f"--destination=gs://{cloud.bucket}/to/"]


def ingested_stream(cloud: Cloud) -> list[str]:
    """Files into a table."""
    source = cloud.put("in/a.csv", ROWS)
    schema = cloud.put("schema.json", b'{"fields": [{"name": "id", "type": "integer"}]}')
    words = [f"--source={source}", f"--destination=parquet:gs://{cloud.bucket}/table", "--table=t"]
    return [*words, f"--schema={schema}"]


# The pipelines with heads: what each takes beside its head.
STREAMS: dict[str, Callable[[Cloud], list[str]]] = {"ingest": ingested_stream, "copy": copied_stream}
