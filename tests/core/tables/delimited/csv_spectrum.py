"""Fetches csv-spectrum, the CSV cases that parsers share, from the npm index into the checkout; checked by its hash.

Version and hash stand where npm's own do: tests/data/package.json and package-lock.json.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

LOCKED = json.loads((Path(__file__).parents[3] / "data" / "package-lock.json").read_text())["packages"]
VERSION = LOCKED["node_modules/csv-spectrum"]["version"]
INTEGRITY = LOCKED["node_modules/csv-spectrum"]["integrity"]
KEPT = Path(__file__).parents[4] / ".engines" / f"csv-spectrum-{VERSION}.tgz"


class UnavailableError(Exception):
    """The cases can't be had here; the message says why and what helps."""


def cases() -> dict[str, tuple[bytes, bytes]]:
    """Each case's CSV and the JSON that it means, by name.

    Raises:
        UnavailableError: They are not kept and can't be fetched.
        ValueError: What is kept or was fetched is something else.
    """
    if not KEPT.exists():
        _fetch()
    found = "sha512-" + base64.b64encode(hashlib.sha512(KEPT.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        raise ValueError(f"{KEPT} is not csv-spectrum {VERSION}: its integrity is {found}; remove it")
    with tarfile.open(KEPT) as archive:
        opened = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        files = {name: file.read() for name, file in opened.items() if file}
    names = sorted(Path(name).stem for name in files if name.startswith("package/csvs/"))
    return {name: (files[f"package/csvs/{name}.csv"], files[f"package/json/{name}.json"]) for name in names}


def _fetch() -> None:
    """`npm pack` into a temporary folder, npm's own cache there too, then into place."""
    npm = shutil.which("npm")
    if npm is None:
        raise UnavailableError(
            f"{KEPT} is not there and npm isn't installed: install Node.js, then run the tests again"
        )
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"csv-spectrum@{VERSION}", "--ignore-scripts", "--cache", f"{folder}/cache"]
        packed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        found = list(Path(folder).glob("*.tgz"))
        if packed.returncode or not found:
            raise UnavailableError(f"npm pack csv-spectrum@{VERSION} failed (no network?): {packed.stderr[-500:]}")
        KEPT.parent.mkdir(exist_ok=True)
        shutil.copy(found[0], KEPT.with_suffix(".part"))
    KEPT.with_suffix(".part").replace(KEPT)
