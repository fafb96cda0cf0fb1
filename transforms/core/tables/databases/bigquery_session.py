"""A connection to BigQuery: queries, and jobs that run once. google-cloud-bigquery: Google's own client, REST only.

BigQuery runs a job of one id once, and keeps ids for half a year: a job with an id that follows from what it does is
done once, whoever sends it how often.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
from typing import TYPE_CHECKING, Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from transforms.core.errors import ConfigError, PermanentError, TransientError
from transforms.core.tables.databases.bigquery_errors import JobTakenError, NotThereError, translated
from transforms.core.tables.loads.destination import BadRowsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from transforms.core.objects.store import StoreAccess
    from transforms.core.tables.databases.bigquery_types import TableId
Rows = list[tuple[Any, ...]]
TIMEOUT_SECONDS = 120.0
OPEN_SECONDS = 30.0


class Session:
    """One project's jobs, in the place where a dataset lives.

    Args:
        project: Who pays and where the dataset is.
        dataset: Its name.
        access: Endpoint, and whether requests are anonymous. A plain http endpoint never gets credentials.
        count: Called once for each API call.
    """

    def __init__(self, project: str, dataset: str, access: StoreAccess, count: Callable[[], None]) -> None:
        self._project = project
        self._dataset = dataset
        self._access = access
        self._count = count
        self._client: Any = None
        self._place = hashlib.blake2s(f"{project}.{dataset}".encode(), digest_size=4).hexdigest()

    def open(self) -> None:
        """Connects and finds out where the dataset lives.

        Raises:
            ConfigError: No credentials, no such dataset, or we may not look.
        """
        if self._client is not None:
            return
        try:
            with translated(f"dataset {self._project}.{self._dataset}"):
                with self._connected(None) as client:
                    self._count()
                    retry = DEFAULT_RETRY.with_timeout(OPEN_SECONDS)
                    found = client.get_dataset(self._dataset, retry=retry, timeout=OPEN_SECONDS)
                self._client = self._connected(found.location)
        except NotThereError as e:
            raise ConfigError(f"{e}; make the dataset: bq mk --dataset {self._project}:{self._dataset}") from e
        except (PermanentError, TransientError) as e:
            raise ConfigError(str(e)) from e

    def close(self) -> None:
        """Lets the connection go."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None, *, dry: bool = False) -> Rows:
        """Runs a query or a script, and returns the rows of its last statement."""
        with translated("query"):
            self._count()
            job = self._opened().query(sql, job_config=_config(parameters, dry=dry), timeout=TIMEOUT_SECONDS)
            return [] if dry else [tuple(row.values()) for row in job.result()]

    def run_once(
        self,
        what: str,
        sql: Callable[[str], str],
        done: Callable[[], bool],
        parameters: Mapping[str, Any] | None = None,
    ) -> Rows | None:
        """Runs a script that must not be run twice.

        Args:
            what: Names it, for all processes alike.
            sql: Makes the script from the job's id.
            done: Whether its effect is there, asked when a job of this name has ended well.
            parameters: Of the script.

        Returns:
            The rows of its last statement; None when an earlier or another process's job has done it.
        """

        def start(job_id: str) -> Any:
            return self._opened().query(
                sql(job_id), job_id=job_id, job_config=_config(parameters), job_retry=None, timeout=TIMEOUT_SECONDS
            )

        job = self._once(what, start, done)
        return None if job is None else [tuple(row.values()) for row in job]

    def load_once(self, what: str, data: bytes, table: TableId, schema: Sequence[tuple[Any, ...]]) -> None:
        """Loads Parquet bytes into a table of their own, unless that was done and the table is still there.

        Args:
            what: Names it, for all processes alike.
            data: A Parquet file.
            table: Made or replaced.
            schema: Name, type, precision, scale of each column.
        """
        fields = [
            bigquery.SchemaField(name, kind, precision=precision, scale=scale)
            for name, kind, precision, scale in schema
        ]
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            schema=fields,
        )

        def start(job_id: str) -> Any:
            return self._opened().load_table_from_file(
                io.BytesIO(data), str(table), size=len(data), job_id=job_id, job_config=config, timeout=TIMEOUT_SECONDS
            )

        self._once(what, start, lambda: self.table(table) is not None)

    def table(self, table: TableId) -> Any | None:
        """What the API says about a table, or None."""
        try:
            with translated(f"table {table}"):
                self._count()
                return self._opened().get_table(str(table), timeout=TIMEOUT_SECONDS)
        except NotThereError:
            return None

    def drop(self, table: TableId) -> None:
        """Drops a table; it may be gone."""
        with translated(f"table {table}"):
            self._count()
            self._opened().delete_table(str(table), not_found_ok=True, timeout=TIMEOUT_SECONDS)

    def names(self, prefix: str) -> list[str]:
        """The tables of the dataset whose names begin so."""
        with translated(f"dataset {self._dataset}"):
            self._count()
            found = self._opened().list_tables(self._dataset, timeout=TIMEOUT_SECONDS)
            return [item.table_id for item in found if item.table_id.startswith(prefix)]

    def _once(self, what: str, start: Callable[[str], Any], done: Callable[[], bool]) -> Any | None:
        for number in itertools.count():
            job_id = f"hornbeam-{self._place}-{what}-{number}"
            self._count()
            try:
                with translated(what):
                    return start(job_id).result()
            except JobTakenError:
                if self._ended_well(job_id) and done():
                    return None
        raise AssertionError  # count() has no end

    def _ended_well(self, job_id: str) -> bool:
        """Waits for a job that somebody else sent."""
        with translated(f"job {job_id}"):
            self._count()
            job = self._opened().get_job(job_id, timeout=TIMEOUT_SECONDS)
        try:
            with translated(f"job {job_id}"):
                job.result()
        except (PermanentError, TransientError, BadRowsError):
            return False
        return True

    def _connected(self, location: str | None) -> Any:
        endpoint = self._access.endpoint_url or os.environ.get("BIGQUERY_EMULATOR_HOST", "")
        endpoint = endpoint if "://" in endpoint or not endpoint else f"http://{endpoint}"
        anonymous = self._access.anonymous or endpoint.startswith("http://")
        return bigquery.Client(
            project=self._project,
            credentials=AnonymousCredentials() if anonymous else None,
            client_options={"api_endpoint": endpoint} if endpoint else None,
            location=location,
        )

    def _opened(self) -> Any:
        self.open()
        return self._client


def _config(parameters: Mapping[str, Any] | None, *, dry: bool = False) -> Any:
    values = [
        bigquery.ScalarQueryParameter(name, "INT64" if isinstance(value, int) else "STRING", value)
        for name, value in (parameters or {}).items()
    ]
    return bigquery.QueryJobConfig(query_parameters=values, dry_run=dry, use_query_cache=False)
