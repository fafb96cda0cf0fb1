"""The graph of `LoadTables`: its types fit, which a run no longer checks itself; what crosses a shuffle is coded."""

from __future__ import annotations

import apache_beam as beam
import pytest
from apache_beam import coders
from apache_beam.options.pipeline_options import PipelineOptions, TypeOptions

from transforms.core.run_folder import RunFolder
from transforms.core.tables.loads.load_chunks import LoadTask
from transforms.core.tables.loads.load_settings import LoadSettings
from transforms.core.tables.loads.load_steps import FileTask, LoadResult, PlanMessage, ScanTask
from transforms.core.tables.loads.scan_parts import ScanResult
from transforms.pooled import PoolLimits
from transforms.tables import LoadTables


def test_the_types_of_the_graph_fit(tmp_path):
    options = PipelineOptions()
    assert options.view_as(TypeOptions).pipeline_type_check
    pipeline = beam.Pipeline(options=options)
    settings = LoadSettings(("a.csv",), "duckdb:///x.duckdb", "t")
    pipeline | LoadTables(settings, RunFolder(f"file://{tmp_path}", "r"), PoolLimits())
    pipeline.to_runner_api()


@pytest.mark.parametrize(
    "element",
    [
        FileTask("load", 1, "{}"),
        ScanTask("load", "{}", 0, 1 << 40),
        ScanResult("{}", -1, "", "PermanentError: é"),
        LoadTask("load", 3, 0, 9, 1 << 40),
        LoadResult(7, 1, "", ""),
        PlanMessage("load", "{}", "[]", "", "ConfigError", "no", 3, 4),
    ],
    ids=lambda element: type(element).__name__,
)
def test_what_crosses_a_shuffle_is_coded_as_a_row_and_comes_back(element):
    coder = coders.registry.get_coder(type(element))
    assert isinstance(coder, coders.RowCoder)
    assert coder.decode(coder.encode(element)) == element
