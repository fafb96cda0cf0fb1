"""What can't work on Dataflow, whose workers are other machines: decided from settings and flags, before anything runs.

Shared by `--runner dataflow` and `hornbeam launch`. No Beam, no I/O.
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelines.settings_options import options
from pipelines.stream_settings import StreamSettings
from transforms.core.scrubbing import scrub

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipelines.settings import PipelineSettings
    from pipelines.settings_options import Option

ONE_PROCESS = ("duckdb", "sqlite")
_SCHEME = re.compile(r"(?:parquet(?:\+|:))?(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://")


class DataflowFlags(NamedTuple):
    """Beam's flags that decide where a job runs; "" where they are not given.

    Attributes:
        project: The Google Cloud project.
        region: Where the job runs.
        temp_location: gs:// folder for what the job leaves behind while it runs.
        staging_location: gs:// folder for the graph and the package.
        job_name: The job's name.
        template_location: Where a launcher wants the job's description in place of a job.
        sdk_container_image: The workers' image.
    """

    project: str = ""
    region: str = ""
    temp_location: str = ""
    staging_location: str = ""
    job_name: str = ""
    template_location: str = ""
    sdk_container_image: str = ""


def flags_of(beam_args: Sequence[str]) -> DataflowFlags:
    """Picks them out of the flags that Beam owns.

    Args:
        beam_args: Each as one word, `--name=value`.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    for name in DataflowFlags._fields:
        parser.add_argument(f"--{name}", default="")
    return DataflowFlags(**vars(parser.parse_known_args(list(beam_args))[0]))


def flag_findings(flags: DataflowFlags) -> list[str]:
    """What Dataflow needs and was not told.

    | flag                 | taken  | refused          |
    |----------------------|--------|------------------|
    | --project, --region  | a name | nothing          |
    | --temp_location      | gs://  | nothing, a path  |
    | --staging_location   | gs://, nothing | a path   |
    """
    found = [f"--{name} is required on Dataflow" for name in ("project", "region") if not getattr(flags, name)]
    if not flags.temp_location.startswith("gs://"):
        shown = f"{flags.temp_location!r} is not one" if flags.temp_location else "it is required on Dataflow"
        found.append(f"--temp_location takes a gs:// folder for the job's temporary files: {shown}")
    if flags.staging_location and not flags.staging_location.startswith("gs://"):
        found.append(f"--staging_location takes a gs:// folder: {flags.staging_location!r} is not one")
    return found


def settings_findings(settings: PipelineSettings) -> list[str]:
    """What the settings ask for that workers on other machines can't do.

    | setting      | taken                                           | refused                                    |
    |--------------|-------------------------------------------------|--------------------------------------------|
    | an address   | s3, gs, http(s), a database on the network      | a path, file:, parquet: on disk, DuckDB,   |
    |              |                                                 | SQLite                                     |
    | --output     | s3, gs                                          | a path, nothing                            |
    | a secret     | secret://projects/P/secrets/S/versions/V        | env:, file: (a password in an address too) |
    | an idle end  | with --watch                                    | with --subscription                        |

    Args:
        settings: The run's.

    Returns:
        One sentence each, with the remedy.
    """
    found = (
        [] if settings.output else ["--output is required on Dataflow: its workers write there; give a gs:// folder"]
    )
    for one in options(type(settings)):
        value = getattr(settings, one.field)
        if one.secret and value and not value.startswith("secret://"):
            found.append(_secret(one, value))
        elif one.address and one.template:
            found += [finding for text in _texts(value) if (finding := _address(one, text))]
    return [*found, *_idle_end(settings)]


def _idle_end(settings: PipelineSettings) -> list[str]:
    """Beam's own reader of a subscription never ends, and none of many workers knows what the others were told."""
    if not isinstance(settings, StreamSettings) or settings.head != "subscription":
        return []
    if not settings.stop_after_idle_seconds:
        return []
    told = (
        f"--stop_after_idle_seconds={settings.stop_after_idle_seconds:g}: with --subscription a job on Dataflow goes on"
        " until it is drained: leave the option out, and end the job by Ctrl-C here or `gcloud dataflow jobs drain`;"
        " or give --watch in the place of --subscription"
    )
    return [told]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        yield from value


def _secret(one: Option, value: str) -> str:
    return (
        f"--{one.name}={value.partition(':')[0]}:…: Dataflow's workers see no environment and no file of this machine."
        f" Put it into Secret Manager (gcloud secrets create NAME --data-file=FILE) and give"
        f" --{one.name}=secret://projects/PROJECT/secrets/NAME/versions/latest"
    )


def _address(one: Option, text: str) -> str:
    match = _SCHEME.match(text)
    scheme = match["scheme"].lower() if match else "file"
    if scheme in ONE_PROCESS:
        remedy = "load into postgresql://, bigquery:// or parquet:gs://"
        return f"--{one.name}={scrub(text)}: {scheme} is a file that one process writes, Dataflow has many: {remedy}"
    if scheme == "file":
        remedy = "put it into a bucket and give its gs:// or s3:// address"
        return f"--{one.name}={scrub(text)}: Dataflow's workers see no path of this machine: {remedy}"
    return ""
