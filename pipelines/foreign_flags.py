"""Flags that are not ours: Beam's own, asked from Beam itself when one is met, and Flink's, listed here.

Python's Beam doesn't know Flink's (the job server describes them), so the list is the rule.
"""

from __future__ import annotations

from functools import cache
from typing import Any

FLINK_FLAGS = frozenset(
    """
    allow_non_restored_state attached_mode auto_balance_write_files_sharding_enabled auto_watermark_interval
    checkpoint_timeout_millis checkpointing_interval checkpointing_mode disable_metrics enable_stable_input_drain
    execution_mode_for_batch execution_retry_delay externalized_checkpoints_enabled fail_on_checkpointing_errors
    faster_copy file_input_split_max_size_m_b files_to_stage finish_bundle_before_checkpointing flink_conf_dir
    flink_master force_slot_sharing_group force_unaligned_checkpoint_enabled job_check_interval_in_secs
    latency_tracking_interval max_bundle_size max_bundle_time_mills max_parallelism min_pause_between_checkpoints
    num_concurrent_checkpoints number_of_execution_retries object_reuse operator_chaining parallelism
    re_iterable_group_by_key_result report_checkpoint_duration retain_externalized_checkpoints_on_cancellation
    savepoint_path shutdown_sources_after_idle_ms state_backend state_backend_factory state_backend_storage_path
    tolerable_checkpoint_failure_number unaligned_checkpoint_enabled use_data_stream_for_batch
    """.split()  # noqa: SIM905 - a paragraph of names reads better than 43 lines
)


def takes_value(name: str) -> bool | None:
    """Whether a flag of Beam or Flink is followed by a value.

    Args:
        name: The flag, without dashes before it and with underscores in it.

    Returns:
        True or False, or None when neither owns it. Asking for one that Flink doesn't own imports Beam.
    """
    if name in FLINK_FLAGS:
        return True
    action = beam_actions().get(f"--{name}")
    return None if action is None else action.nargs != 0


def names() -> frozenset[str]:
    """The names of all foreign flags, without dashes."""
    return FLINK_FLAGS | {name.removeprefix("--") for name in beam_actions()}


@cache
def beam_actions() -> dict[str, Any]:
    """Beam's flags and their argparse actions, without the options of programs (ours too) built on Beam."""
    from apache_beam.options.pipeline_options import PipelineOptions, _BeamArgumentParser

    parser = _BeamArgumentParser(allow_abbrev=False, add_help=False)
    classes = {str(one): one for one in PipelineOptions.__subclasses__() if one.__module__.startswith("apache_beam.")}
    for one in classes.values():
        one._add_argparse_args(parser)  # noqa: SLF001 - Beam offers no other list of its flags
    return dict(parser._option_string_actions)  # noqa: SLF001
