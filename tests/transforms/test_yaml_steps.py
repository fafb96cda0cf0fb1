"""The provider file: the example that stands beside it runs as it stands, and a step that isn't complete fails."""

import shutil
import sqlite3
from pathlib import Path

import pytest
import yaml
from apache_beam.yaml import main, yaml_provider

from transforms import yaml_steps
from transforms.core.errors import ConfigError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "templates" / "yaml"
ENGINE = "--runner=FnApiRunner"
CSV_ONLY = {"filters": {"include": ["*.csv"]}}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


def steps():
    providers = yaml_provider.load_providers(str(FOLDER / "providers.yaml"))
    return {name: provider for provider in providers for name in provider.provided_transforms()}


def test_the_example_copies_and_then_loads(here):
    main.run([f"--yaml_pipeline_file={FOLDER / 'copy_and_load.yaml'}", ENGINE])
    assert sorted(path.name for path in (here / "landed").iterdir()) == sorted(
        path.name for path in (here / "examples").iterdir()
    )
    with sqlite3.connect("shop.sqlite") as database:
        assert database.execute("SELECT count(*) FROM products").fetchone()[0] > 500


def chain(*transforms):
    include = [{"include": str(FOLDER / "providers.yaml")}]
    return yaml.safe_dump({"providers": include, "pipeline": {"type": "chain", "transforms": list(transforms)}})


def step(name, **config):
    return {"type": name, "config": config}


def test_totals_are_rows_that_other_steps_take(here):
    text = chain(
        step(
            "CopyObjects",
            source="examples/",
            destination="landed/",
            settings=CSV_ONLY,
            account="copy",
        ),
        step("VerifyObjects", source="examples/", destination="landed/", settings=CSV_ONLY, account="verify"),
        step("MapToFields", language="python", fields={"told": "f'{done} {failed} {folder[-6:]}'"}),
        step("WriteToText", path="told"),
    )
    main.run([f"--yaml_pipeline={text}", ENGINE])
    assert [path.read_text() for path in here.glob("told*")] == ["2 0 verify\n"]
    assert (here / "copy" / "parts").is_dir()


def test_a_step_that_is_not_complete_ends_the_pipeline(here):
    (here / "other").mkdir()
    with pytest.raises(Exception, match=r"copy not complete: 0 done, 5 failed"):
        main.run([f"--yaml_pipeline={chain(step('VerifyObjects', source='examples/', destination='other/'))}", ENGINE])


def test_every_step_is_described_with_all_that_it_takes():
    found = steps()
    assert found.keys() == {"CopyObjects", "VerifyObjects", "LoadTables"}
    for name, provider in found.items():
        fields = provider.config_schema(name).fields
        assert fields
        assert provider.description(name)
        assert not [field.name for field in fields if not field.description]


@pytest.mark.parametrize(
    ("function", "config", "message"),
    [
        (yaml_steps.copy_objects, {"source_access": {"key": "x"}}, "source_access: unknown 'key'; known: endpoint_url"),
        (yaml_steps.copy_objects, {"settings": {"filters": {"only": 1}}}, "filters: unknown 'only'; known: include"),
        (yaml_steps.verify_objects, {"settings": {"mod": 1}}, "unknown field 'mod'"),
        (yaml_steps.load_tables, {"settings": {"mod": 1}}, "settings: unknown 'mod'; known: mode"),
    ],
)
def test_what_no_step_knows_is_refused(function, config, message):
    ends = {"sources": ["a"], "destination": "sqlite:///x", "table": "t"}
    if function is not yaml_steps.load_tables:
        ends = {"source": "a/", "destination": "b/"}
    with pytest.raises(ConfigError, match=message):
        function(**ends, **config)
