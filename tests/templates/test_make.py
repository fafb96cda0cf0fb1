"""`make template-image` and `make template-build` print and run these commands; docker and gcloud only write them down.

The real gcloud runs in tests/services/test_flex_launch.py.
"""

import os
import shlex
import subprocess
from typing import NamedTuple

import pytest

from pipelines.registry import PIPELINES
from tests.templates.rehearsal import CHECKOUT

IMAGE = "europe-docker.pkg.dev/p/r/hornbeam:1"
AT = "gs://bucket/templates"
BUILD = ["docker", "build", "-f", "templates/Dockerfile", "--build-arg", f"IMAGE={IMAGE}", "-t", IMAGE, "."]
PUSH = ["docker", "push", IMAGE]
RECORD = """#!/bin/sh
{ printf '%s' "${0##*/}"; printf '\\t%s' "$@"; echo; } >> "$RECORD"
[ "$PWD $1" != "$CHECKOUT $REFUSED" ]
"""


class Made(NamedTuple):
    code: int
    printed: list[list[str]]
    said: str
    ran: list[list[str]]


@pytest.fixture
def make(tmp_path):
    """Runs make with a docker and a gcloud that do nothing else than to write down how they were called."""
    record = tmp_path / "record"
    for name in ("docker", "gcloud"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(RECORD)
        program.chmod(0o755)

    def run(*words, refused=""):
        ours = ("MAKE", "MFLAGS", "IMAGE", "TEMPLATES")  # `make test` hands down what it was given
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        more = {"RECORD": str(record), "CHECKOUT": str(CHECKOUT), "REFUSED": refused}
        environ = kept | more | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
        done = subprocess.run(
            ["make", *words], cwd=CHECKOUT, env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        ran = [line.split("\t") for line in record.read_text().splitlines()] if record.exists() else []
        return Made(done.returncode, [shlex.split(line) for line in done.stdout.splitlines()], done.stderr, ran)

    return run


def test_the_image_is_built_from_the_dockerfile_and_pushed(make):
    made = make("template-image", f"IMAGE={IMAGE}")
    assert made == Made(0, [BUILD, PUSH], "", [BUILD, PUSH])


def test_an_image_that_was_not_built_is_not_pushed(make):
    made = make("template-image", f"IMAGE={IMAGE}", refused="build")
    assert (made.code, made.ran) == (2, [BUILD])


def test_each_pipeline_s_template_is_built_with_its_own_metadata(make):
    made = make("template-build", f"IMAGE={IMAGE}", f"TEMPLATES_AT={AT}")
    expected = [
        [
            "gcloud", "dataflow", "flex-template", "build", f"{AT}/{name}.json", f"--image={IMAGE}",
            "--sdk-language=PYTHON", f"--metadata-file=templates/{name}.json",
        ]
        for name in sorted(PIPELINES)
    ]  # fmt: skip
    assert made.code == 0, made.said
    assert sorted(made.ran) == sorted(made.printed) == expected


LACKING = [
    ("template-image", (), "give IMAGE=REGION-docker.pkg.dev/PROJECT/REPOSITORY/hornbeam:TAG"),
    ("template-image", ("IMAGE=",), "give IMAGE="),
    ("template-build", (), "give IMAGE=… and TEMPLATES_AT=gs://BUCKET/FOLDER"),
    ("template-build", (f"IMAGE={IMAGE}",), "give IMAGE=… and TEMPLATES_AT="),
    ("template-build", (f"TEMPLATES_AT={AT}",), "give IMAGE=… and TEMPLATES_AT="),
]


@pytest.mark.parametrize(("target", "words", "message"), LACKING)
def test_without_its_names_nothing_runs_and_they_are_asked_for(make, target, words, message):
    made = make(target, *words)
    assert (made.code, made.ran) == (2, [])
    assert message in made.said
