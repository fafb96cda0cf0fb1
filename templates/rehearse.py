"""Replays the image's Dockerfile without Docker: its COPY, ENV and RUN steps, in a folder and a virtual environment.

`python templates/rehearse.py FOLDER`: files go below FOLDER/root, packages into FOLDER/venv, the environment that the
image would have into FOLDER/environment.json. Left out: what comes from other images (two programs of Dataflow's).
"""  # noqa: INP001 - a script

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
DOCKERFILE = HERE / "Dockerfile"
FOR_IMAGES_ONLY = ("PIP_NO_CACHE_DIR",)  # an image is smaller without pip's cache, a rehearsal is quicker with it
VENV, ENVIRONMENT = "venv", "environment.json"


class Step(NamedTuple):
    """One instruction: `RUN`, and the rest of its line."""

    word: str
    text: str


def steps(dockerfile: str) -> list[Step]:
    """A Dockerfile's instructions, in order; lines that end in a backslash go on.

    Args:
        dockerfile: Its text.
    """
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Step(*line.strip().split(None, 1)) for line in whole.splitlines() if line.strip()]


class Rehearsal:
    """A folder that becomes what the image would be.

    Args:
        folder: Empty, or not there yet.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self.venv = folder / VENV
        self.place = "/"
        self.arguments: dict[str, str] = {}
        self.variables: dict[str, str] = {}

    def replay(self, all_steps: list[Step], prepared: Callable[[Path], None] = lambda _: None) -> None:
        """Takes every step.

        Args:
            all_steps: The Dockerfile's.
            prepared: Called with the new virtual environment before the first step.

        Raises:
            KeyError: An instruction that this can't replay.
        """
        known = {"ARG": self._arg, "FROM": self._from, "COPY": self._copy, "ENV": self._env, "RUN": self._run}
        known |= {"WORKDIR": self._workdir, "ENTRYPOINT": self._entry_point}
        if unknown := [step.word for step in all_steps if step.word not in known]:
            raise KeyError(f"{unknown[0]}: this replays {', '.join(known)}")
        self.root.mkdir(parents=True)
        venv.create(self.venv, with_pip=True)
        prepared(self.venv)
        for step in all_steps:
            sys.stdout.write(f"{step.word} {step.text}\n")
            sys.stdout.flush()
            known[step.word](self._filled(step.text))

    def environment(self) -> dict[str, str]:
        """What a process in the image would find: the image's variables, and the path with its Python first."""
        variables = {name: self._here(value) for name, value in self.variables.items() if name not in FOR_IMAGES_ONLY}
        return variables | {"PATH": f"{self.venv}/bin:/usr/bin:/bin", "HOME": str(self.root), "LANG": "C.UTF-8"}

    def _filled(self, text: str) -> str:
        values = self.arguments | self.variables
        return re.sub(r"\$\{(\w+)\}", lambda match: values.get(match[1], ""), text)

    def _here(self, path: str) -> str:
        """A path of the image as one of this machine, when it is one that the steps made."""
        inside = self.root / path.lstrip("/")
        return str(inside) if path.startswith("/") and inside.exists() else path

    def _arg(self, text: str) -> None:
        name, _, default = text.partition("=")
        self.arguments.setdefault(name, default)

    def _from(self, text: str) -> None:
        wanted = re.search(r"(?:^|/)python:(\d+\.\d+)", text)
        running = f"{sys.version_info.major}.{sys.version_info.minor}"
        if wanted and wanted[1] != running:
            raise SystemExit(f"the image has Python {wanted[1]}, this is {running}: start the rehearsal with that one")

    def _workdir(self, text: str) -> None:
        self.place = text
        (self.root / text.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _env(self, text: str) -> None:
        self.variables |= dict(word.split("=", 1) for word in shlex.split(text))

    def _copy(self, text: str) -> None:
        if text.startswith("--from="):
            sys.stdout.write("  left out: it comes from another image\n")
            return
        *sources, target = text.split()
        place = self.root / self.place.lstrip("/")
        for name in sources:
            there = place / target / Path(name).name if target.endswith("/") else place / target
            if (CHECKOUT / name).is_dir():
                shutil.copytree(CHECKOUT / name, there, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(CHECKOUT / name, there)

    def _entry_point(self, text: str) -> None:
        """One of the programs from another image: not started."""

    def _run(self, text: str) -> None:
        of_pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        environ = of_pip | self.environment() | {"HOME": os.environ.get("HOME", "/")}
        subprocess.run(["/bin/sh", "-c", text], cwd=self.root / self.place.lstrip("/"), env=environ, check=True)


def main(folder: Path) -> int:
    """Replays the Dockerfile into a folder.

    Args:
        folder: Empty, or not there yet.
    """
    rehearsal = Rehearsal(folder.resolve())
    rehearsal.replay(steps(DOCKERFILE.read_text(encoding="utf-8")))
    (folder / ENVIRONMENT).write_text(json.dumps(rehearsal.environment(), indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python templates/rehearse.py FOLDER")
    sys.exit(main(Path(sys.argv[1])))
