"""What can't work on Flink, and what may not go well there: decided from settings and flags. No Beam, no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from transforms.core.errors import ConfigError

if TYPE_CHECKING:
    from pipelines.engines.choice import Asked

EMBEDDED: Final = ("", "[local]", "[auto]")


def is_embedded(flags: Any) -> bool:
    """Whether no cluster is named.

    Args:
        flags: Those of the command.
    """
    return flags.flink_master in EMBEDDED


def is_loopback(flags: Any) -> bool:
    """Whether this process is the worker.

    Args:
        flags: Those of the command.
    """
    return flags.environment_type.upper() in {"", "LOOPBACK"}


def refuse_unfit(asked: Asked) -> None:
    """Makes sure that the workers see what they are to read and write.

    Args:
        asked: By the command.

    Raises:
        ConfigError: The destination bears one process only, local paths without `--shared_disk`, or a cluster without
            workers.
    """
    if asked.single_process_reason:
        raise ConfigError(
            f"--runner={asked.word}: {asked.single_process_reason}, and Flink has many."
            " Use --runner=direct, or load into PostgreSQL, Parquet or BigQuery"
        )
    if asked.local and not asked.settings.shared_disk:
        raise ConfigError(
            f"--runner={asked.word}: {', '.join(asked.local)}: on this machine's disk, which Flink's workers may not"
            " see. Give s3:// or gs:// addresses, or --shared_disk if all of them see the same folders"
        )
    if is_loopback(asked.flags) and not is_embedded(asked.flags):
        raise ConfigError(
            f"--flink_master={asked.flags.flink_master}: a cluster's workers are not this process; give"
            " --environment_type=EXTERNAL --environment_config=localhost:PORT, the worker pool beside each TaskManager"
        )


def refuse_endless(asked: Asked, *, drains: bool) -> None:
    """Makes sure that a job which doesn't end by itself can be ended: a job server leaves it on its cluster.

    | --job_endpoint | --flink_master | the job                         |         |
    |----------------|----------------|---------------------------------|---------|
    | no             |                |                                 | taken   |
    | yes            | a cluster      |                                 | taken   |
    | yes            | none           | bounded, its workers drain      | taken   |
    | yes            | none           | a stream, or can't be drained   | refused |

    Args:
        asked: By the command.
        drains: Whether its workers learn of a signal.

    Raises:
        ConfigError: It can't.
    """
    flags = asked.flags
    if not flags.job_endpoint or not is_embedded(flags) or (drains and asked.settings.head == "bounded"):
        return
    raise ConfigError(
        f"--job_endpoint={flags.job_endpoint}: a job server can't end a stream's job, or cancel any, on its cluster, so"
        " the cluster is asked itself: give --flink_master=HOST:PORT too, its web service, with its workers"
        " (--environment_type=EXTERNAL), or leave --job_endpoint away"
    )


def warning_of(asked: Asked) -> str:
    """What a person should know of a stream's checkpoints before they grow.

    | place    | --state_backend and its storage path | --state_backend_factory | what is said         |
    |----------|--------------------------------------|-------------------------|----------------------|
    | embedded |                                      |                         | nothing: the run's   |
    | cluster  | both                                 |                         | nothing              |
    | cluster  |                                      | given                   | nothing              |
    | cluster  | one of them (Flink takes both), none | not given               | who decides, and how |

    Args:
        asked: By the command.

    Returns:
        One sentence, with the remedy; "" where there is nothing to say.
    """
    flags = asked.flags
    is_kept = (flags.state_backend and flags.state_backend_storage_path) or flags.state_backend_factory
    if asked.settings.head == "bounded" or is_embedded(flags) or is_kept:
        return ""
    return (
        f"checkpoints are where the configuration of Flink at {flags.flink_master} says (state.checkpoints.dir); if it"
        " says nothing, in its JobManager's memory, which is too small for those of some thousand objects: give"
        " --state_backend=filesystem --state_backend_storage_path=URI, a place that all its machines reach"
    )
