"""The generated files are what Google's own type takes, and as the settings say."""

import json
import re

import pytest

from pipelines import template_metadata
from pipelines.registry import PIPELINES, settings_class
from pipelines.settings_options import options
from pipelines.settings_tables import option_table, with_table
from tests.pipelines.sample_settings import SampleSettings
from transforms.core.errors import ConfigError


@pytest.mark.parametrize("name", PIPELINES)
def test_google_s_own_type_takes_the_metadata_without_an_unknown_field(name):
    dataflow = pytest.importorskip("google.cloud.dataflow_v1beta3")
    text = template_metadata.metadata_text(name)
    parsed = dataflow.TemplateMetadata.from_json(text, ignore_unknown_fields=False)
    assert len(parsed.parameters) == len(json.loads(text)["parameters"]) > 20


@pytest.mark.parametrize("name", PIPELINES)
def test_each_parameter_is_an_option_with_a_default_that_its_own_regex_takes(name):
    known = {one.name: one for one in options(settings_class(name))}
    first, *parameters = template_metadata.metadata(name)["parameters"]
    assert (first["name"], first["isOptional"], first["regexes"]) == ("pipeline", False, [f"^{name}$"])
    for parameter in parameters:
        one = known[parameter["name"]]
        assert parameter["isOptional"] is not one.required
        assert parameter["helpText"].startswith(one.sentence)
        assert parameter["label"]
        if "defaultValue" in parameter:
            assert all(re.fullmatch(regex, parameter["defaultValue"]) for regex in parameter.get("regexes", []))
        assert [choice["value"] for choice in parameter.get("enumOptions", [])] == list(one.choices)


def test_a_template_has_no_option_for_the_launching_console_and_refuses_a_password_in_an_address():
    parameters = {one["name"]: one for one in template_metadata.metadata("ingest")["parameters"]}
    assert not {"runner", "config", "json", "log_file"} & set(parameters)
    (regex,) = parameters["destination"]["regexes"]
    assert re.fullmatch(regex, "postgresql://u@h/db")
    assert not re.fullmatch(regex, "postgresql://u:pw@h/db")


def test_a_table_has_a_row_for_each_option_and_nothing_that_markdown_takes_for_markup():
    table = option_table(SampleSettings)
    assert table.count("| `--") == len(options(SampleSettings))
    assert "| `--batch_size` | 100 | 1 to 1000 | Items of a batch. |" in table
    for row in option_table(settings_class("ingest")).splitlines():
        if row.startswith("| `--"):
            assert len(re.findall(r"(?<!\\)\|", row)) == 5, row


def test_the_table_is_put_between_its_markers_and_nothing_else_moves():
    readme = (
        "# A\n\n<!-- options:sample -->\nold\n<!-- /options -->\n\ntext\n<!-- options:x -->\ny\n<!-- /options -->\n"
    )
    once = with_table(readme, "sample", SampleSettings)
    assert with_table(once, "sample", SampleSettings) == once
    assert once.startswith("# A\n\n<!-- options:sample -->\n")
    assert once.endswith("<!-- /options -->\n\ntext\n<!-- options:x -->\ny\n<!-- /options -->\n")
    assert "\nold\n" not in once


def test_a_readme_without_markers_is_an_error_that_names_them():
    with pytest.raises(ConfigError, match="<!-- options:sample -->"):
        with_table("# A\n", "sample", SampleSettings)
