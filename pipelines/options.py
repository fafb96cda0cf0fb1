"""What the engine sees of Hornbeam's settings: one option with one JSON text, without secrets, for all pipelines.

Only one subclass of PipelineOptions may exist: two that define the same flag break every `get_all_options`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apache_beam.options.pipeline_options import PipelineOptions

if TYPE_CHECKING:
    import argparse


class HornbeamOptions(PipelineOptions):  # type: ignore[misc]
    """Carries the settings, so that they show in a job's page."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--hornbeam_settings", default="{}", help="The run's settings as JSON, without secrets.")
