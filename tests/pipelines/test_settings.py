"""Settings built in Python: frozen, picklable, JSON there and back, and never holding a password."""

import logging
import pickle
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from pipelines.settings import PipelineSettings, option
from pipelines.settings_options import by_group, options
from tests.pipelines.sample_settings import SampleSettings
from transforms.core.errors import ConfigError
from transforms.core.secret import resolve


def test_python_values_are_taken_as_one_would_write_them():
    settings = SampleSettings(project="a", words=[Path("b"), "c"], name_file=Path("d"), codec="zstd")
    assert (settings.project, settings.words, settings.name_file) == (("a",), ("b", "c"), "d")
    assert SampleSettings(project=["a"], words=["b", "c"], name_file="d", codec="zstd") == settings
    assert hash(settings) == hash(SampleSettings.from_json(settings.to_json()))


def test_settings_are_frozen_and_know_no_other_names():
    settings = SampleSettings(project="a")
    with pytest.raises(ValidationError, match="frozen"):
        settings.keep = True
    with pytest.raises(ValidationError, match="Extra inputs"):
        SampleSettings(project="a", kept=True)


def test_json_and_pickle_give_the_same_settings_back():
    settings = SampleSettings(project=["a", "b"], batch_size=3, keep=True, database="postgresql://u:pw-json-1@h/db")
    assert SampleSettings.from_json(settings.to_json()) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_no_form_of_the_settings_shows_a_password_and_its_reference_still_finds_it():
    settings = SampleSettings(
        project="https://h/x?X-Amz-Signature=sig-2", database="postgresql://u:pw-form-2@h/db?sslmode=require"
    )
    forms = [repr(settings), str(settings), settings.to_json(), repr(settings.model_dump()), str(settings.shown())]
    assert not any("pw-form-2" in form for form in forms)
    assert not any("sig-2" in form for form in (repr(settings), str(settings), str(settings.shown())))
    assert settings.database == "postgresql://u@h/db?sslmode=require"
    assert resolve(settings.database_key) == "pw-form-2"


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"codec": "x"}, {"nothing": 1}, {"database_key": "env:OTHER"}, {"project": []}]
)
def test_no_error_shows_a_password(wrong):
    with pytest.raises((ValidationError, ConfigError)) as caught:
        SampleSettings(**{"project": "a", "database": "postgresql://u:pw-error-3@h/db", **wrong})
    assert "pw-error-3" not in str(caught.value)
    assert "pw-error-3" not in repr(getattr(caught.value, "errors", list)())


def test_a_plain_password_in_the_place_of_a_reference_is_refused_without_showing_it():
    with pytest.raises(ConfigError, match="takes a reference") as caught:
        SampleSettings(project="a", database_key="pw-plain-4")
    assert "pw-plain-4" not in str(caught.value)


def test_the_options_own_groups_come_first_and_common_ones_after_them():
    groups = list(by_group(SampleSettings))
    assert groups == ["Sample", "Run", "Console and log", "Concurrency and memory"]
    assert {one.name for one in options(PipelineSettings)} == {
        "config", "output", "dry_run", "rate_from", "workers", "retry", "runner", "json", "log_level", "log_file",
        "log_max_mb", "log_backups", "max_concurrent", "memory_threshold_mb", "shared_disk",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "kind", "values", "default_text", "unit"),
    [
        ("project", "list", "addresses", "required", ""),
        ("words", "list", "words", "none", ""),
        ("batch_size", "integer", "1 to 1000", "100", ""),
        ("wait_seconds", "number", "0 to 60 s", "1.5 s", "s"),
        ("codec", "choice", "gzip or zstd", "gzip", ""),
        ("keep", "boolean", "true or false", "false", ""),
        ("name_file", "text", "any text", "none", ""),
        ("log_max_mb", "integer", "1 to 10000 MiB", "10 MiB", "MiB"),
    ],
)
def test_an_option_tells_kind_range_default_and_unit(field, kind, values, default_text, unit):
    one = next(one for one in options(SampleSettings) if one.field == field)
    assert (one.kind, one.values, one.default_text, one.unit) == (kind, values, default_text, unit)


def test_a_setting_without_a_range_or_of_an_unknown_type_is_refused_when_it_is_declared():
    class Unbounded(PipelineSettings):
        count: int = option("Things.", group="G", default=1)

    class Odd(PipelineSettings):
        table: dict[str, int] = option("Things.", group="G", default={}, values="things")

    with pytest.raises(TypeError, match="needs its bounds"):
        options(Unbounded)
    with pytest.raises(TypeError, match="can't have the type"):
        options(Odd)


def test_log_levels_are_those_of_logging():
    levels = get_args(PipelineSettings.model_fields["log_level"].annotation)
    assert all(isinstance(logging.getLevelName(level), int) for level in levels)
