"""Help fits a terminal of 80 columns and tells default, range and unit of every option."""

import pytest

from pipelines.registry import COMMANDS, PIPELINES, settings_class
from pipelines.settings_help import main_help, option_help, pipeline_help
from pipelines.settings_options import by_group, options


@pytest.mark.parametrize("name", PIPELINES)
def test_every_option_tells_its_default_and_range_within_80_columns(name):
    text = pipeline_help(settings_class(name))
    assert max(len(line) for line in text.splitlines()) < 80
    for one in options(settings_class(name)):
        told = " ".join(" ".join(option_help(one)).split())
        assert f"--{one.name}" in told
        assert one.sentence in told
        assert f"Takes {one.values}" in told
        assert told.endswith("Required." if one.required else f"Default: {one.default_text}.")
        assert all(line in text for line in option_help(one))


@pytest.mark.parametrize("name", PIPELINES)
def test_options_stand_under_their_groups(name):
    text = pipeline_help(settings_class(name))
    places = [text.index(f"\n{group}:\n") for group in by_group(settings_class(name))]
    assert places == sorted(places)


def test_the_main_help_has_one_line_for_each_pipeline_and_command():
    lines = main_help().splitlines()
    assert max(len(line) for line in lines) < 80
    for name, entry in {**PIPELINES, **COMMANDS}.items():
        assert [line for line in lines if line.split()[:1] == [name] and entry.line in line]
