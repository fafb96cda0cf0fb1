"""The `gcloud dataflow flex-template run` command of a launch: settings as parameters, Beam's flags as gcloud's.

Pure: values in, words out.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pipelines.settings_options import options
from pipelines.settings_sources import parse
from transforms.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.settings import PipelineSettings
    from pipelines.settings_options import Option

# Beam's flag and gcloud's; Beam's flags that are not here travel as --additional-pipeline-options.
GCLOUD_FLAGS: Final[dict[str, str]] = {
    "project": "--project",
    "region": "--region",
    "temp_location": "--temp-location",
    "staging_location": "--staging-location",
    "service_account_email": "--service-account-email",
    "num_workers": "--num-workers",
    "max_num_workers": "--max-workers",
    "machine_type": "--worker-machine-type",
    "worker_machine_type": "--worker-machine-type",
    "network": "--network",
    "subnetwork": "--subnetwork",
    "worker_region": "--worker-region",
    "worker_zone": "--worker-zone",
    "dataflow_kms_key": "--dataflow-kms-key",
    "flexrs_goal": "--flexrs-goal",
}
SWITCHES: Final[dict[str, str]] = {
    "no_use_public_ips": "--disable-public-ips",
    "enable_streaming_engine": "--enable-streaming-engine",
}
OURS: Final = ("job_name",)  # the launch's own: it becomes gcloud's first word
REFUSED: Final[dict[str, str]] = {
    "template_location": "the launcher sets it",
    "dataflow_endpoint": "gcloud finds the service (CLOUDSDK_API_ENDPOINT_OVERRIDES_DATAFLOW names another one)",
    "no_auth": "gcloud signs in itself",
    "setup_file": "the template's image brings the package",
    "extra_package": "the template's image brings the package",
    "extra_packages": "the template's image brings the package",
    "requirements_file": "the template's image brings what is needed",
}
DELIMITERS: Final = ("|", ";", "~", "#", "!", "@")


class Launch(NamedTuple):
    """What is to be launched.

    Attributes:
        pipeline: The pipeline's name.
        settings: Its settings.
        template: gs:// address of the template's specification.
        job_name: The job's whole name.
        beam_args: Flags that Beam owns, each as one word.
    """

    pipeline: str
    settings: PipelineSettings
    template: str
    job_name: str
    beam_args: Sequence[str]


def command(launch: Launch) -> list[str]:
    """The words of the command.

    Args:
        launch: Its settings and flags were judged already.

    Raises:
        ConfigError: A setting or a flag that can't travel this way.
    """
    words = ["gcloud", "dataflow", "flex-template", "run", launch.job_name]
    words += [f"--template-file-gcs-location={launch.template}", *_flags(launch.beam_args)]
    given = {"pipeline": launch.pipeline, **parameters(launch.settings)}
    return [*words, "--parameters=" + joined([f"{name}={text}" for name, text in given.items()]), "--format=json"]


def parameters(settings: PipelineSettings) -> dict[str, str]:
    """The settings as a template's parameters; what has its default is left out.

    Raises:
        ConfigError: A value that a parameter's text can't express, or an option that templates don't have.
    """
    given = {}
    for one in options(type(settings)):
        value = getattr(settings, one.field)
        if value == one.default or (not one.template and one.field in LOCAL_ONLY):
            continue
        if not one.template:
            raise ConfigError(f"--{one.name} is for runs on this machine, a template has no such parameter")
        given[one.name] = parameter_text(one, value)
    again = parse(type(settings), [f"--{name}={text}" for name, text in given.items()], {}).settings
    for one in options(type(settings)):
        if one.name in given and getattr(again, one.field) != getattr(settings, one.field):
            raise ConfigError(f"--{one.name}: this value can't be written as a template's parameter: {given[one.name]}")
    return given


LOCAL_ONLY: Final = ("config", "runner", "json_events")  # they shape the command here, not the job


def parameter_text(one: Option, value: Any) -> str:
    """A value as the one text that a parameter is, in the form that our command line reads back.

    | kind                         | text                                  |
    |------------------------------|---------------------------------------|
    | boolean                      | true, false                           |
    | list, its values hold commas | one value a line                      |
    | any other list               | CSV: a value with a comma is in quotes |
    | anything else                | the value                             |

    Args:
        one: The option.
        value: Its value.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if one.kind != "list":
        return "" if value is None else str(value)
    if one.repeat_only:
        return "\n".join(value)
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(value)
    return line.getvalue()


def joined(words: Sequence[str]) -> str:
    """A list in gcloud's own syntax: `a,b`, or `^|^a,1|b` with a delimiter that no word holds.

    Args:
        words: None is empty.
    """
    text = "".join(words)
    if "," not in text and not text.startswith("^"):
        return ",".join(words)
    delimiter = next((one for one in DELIMITERS if one not in text), "")
    number = 0
    while not delimiter or delimiter in text:
        delimiter = f"--{number}--"
        number += 1
    return f"^{delimiter}^{delimiter.join(words)}"


def _flags(beam_args: Sequence[str]) -> list[str]:
    words: list[str] = []
    rest: list[str] = []
    for arg in beam_args:
        name, equals, value = arg.removeprefix("--").partition("=")
        if name in REFUSED:
            raise ConfigError(f"--{name} has no place in a launch from a template: {REFUSED[name]}")
        if name in GCLOUD_FLAGS:
            words.append(f"{GCLOUD_FLAGS[name]}={value}")
        elif name in SWITCHES and value.lower() in {"", "true"}:
            words.append(SWITCHES[name])
        elif name not in OURS:
            rest.append(f"{name}={value}" if equals else name)
    if rest:
        words.append(f"--additional-pipeline-options={joined(rest)}")
    return words
