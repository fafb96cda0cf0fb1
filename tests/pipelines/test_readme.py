"""README.md: its marked examples run as they stand, in order, in a copy of the checkout's examples; its tables hold."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import registry
from pipelines.template_metadata import readme_text
from transforms.core.tables.databases.registry import DATABASES

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"<!-- tested -->\n```(sh|python)\n(.*?)```", README, re.DOTALL)
POSTGRES = "postgresql://me@db.example.com:5432/shop"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a folder with a space")
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


def environment(**more):
    folders = [str(Path(sys.executable).parent), os.environ["PATH"]]
    return {**os.environ, "PATH": os.pathsep.join(folders), "PYTHONPATH": str(ROOT), **more}


def test_there_are_examples_of_both_languages():
    assert {language for language, _ in BLOCKS} == {"sh", "python"}
    assert len(BLOCKS) >= 8


@pytest.mark.parametrize("number", range(len(BLOCKS)), ids=lambda number: f"{number}-{BLOCKS[number][0]}")
def test_a_marked_example_runs_as_it_stands(place, number, request):
    language, text = BLOCKS[number]
    secrets = {}
    if POSTGRES in text:
        server = request.getfixturevalue("postgres")
        text = text.replace(POSTGRES, server.uri(server.new_database()))
        secrets = {"SHOP_PASSWORD": server.password}
    command = ["bash", "-euo", "pipefail", "-c", text] if language == "sh" else [sys.executable, "-c", text]
    done = subprocess.run(command, cwd=place, env=environment(**secrets), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout + done.stderr
    if "hornbeam ingest" in text:
        assert "0 failed" in printed
    if "status" in text:
        assert "completed" in done.stdout
        assert "0 done + 4 skipped" in printed
    if language == "python":
        assert done.stdout.splitlines()[-1].isdecimal()


def test_the_option_tables_are_those_of_the_settings():
    assert readme_text(README) == README


def test_every_command_and_destination_is_told():
    for name in [*registry.PIPELINES, *registry.COMMANDS]:
        assert f"hornbeam {name}" in README
    for scheme in DATABASES.keys() - {"postgres"}:
        assert f"`{scheme}:" in README


def test_nothing_in_it_is_left_to_be_written():
    assert not re.search(r"TODO|TBD|XXX|coming soon|lorem", README, re.IGNORECASE)


def test_it_says_what_each_run_file_is():
    for name in ("summary.json", "outcomes.jsonl", "failures.jsonl", "rejects.jsonl", "hornbeam.log", "report.html"):
        assert f"`{name}`" in README
