"""This package as a wheel, made of the very files that run here: what Dataflow's workers install.

Not `setup.py sdist`: an installed package has no setup.py, and a build may ask the network for its tools.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from transforms.core.errors import ConfigError

PACKAGES: Final = ("pipelines", "transforms")
EXTRAS: Final = ("aws", "gcp")
_EXTRA = re.compile(r"""\s*(?:;|\band\b)\s*extra\s*==\s*["']([^"']+)["']""")
_TIME: Final = (1980, 1, 1, 0, 0, 0)  # a wheel of the same files is the same wheel


def write_wheel(folder: str | Path) -> Path:
    """Writes the wheel.

    Args:
        folder: Where.

    Returns:
        The wheel; the same files give the same bytes.

    Raises:
        ConfigError: The package isn't installed, so that nothing tells what it needs.
    """
    try:
        installed = metadata.distribution("hornbeam")
    except metadata.PackageNotFoundError as e:
        raise ConfigError(
            "hornbeam is not installed, so what Dataflow's workers need is unknown: pip install -e . in its folder, "
            "or give --sdk_container_image an image that brings it"
        ) from e
    place = f"hornbeam-{installed.version}.dist-info"
    files = _modules() | {
        f"{place}/METADATA": _metadata(installed).encode(),
        f"{place}/WHEEL": b"Wheel-Version: 1.0\nGenerator: hornbeam\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{place}/RECORD"] = _record(files, f"{place}/RECORD").encode()
    target = Path(folder) / f"hornbeam-{installed.version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as wheel:
        for name, content in files.items():
            wheel.writestr(zipfile.ZipInfo(name, _TIME), content, zipfile.ZIP_DEFLATED)
    return target


def requirements(installed: metadata.Distribution) -> list[str]:
    """What workers need: the package's requirements and those of the clouds' extras, without their markers.

    Args:
        installed: The package.
    """
    found = []
    for text in installed.requires or ():
        extra = _EXTRA.search(text)
        if extra is None:
            found.append(text)
        elif extra[1] in EXTRAS:
            found.append(_EXTRA.sub("", text))
    return found


def _modules() -> dict[str, bytes]:
    found = {}
    for package in PACKAGES:
        spec = find_spec(package)
        assert spec is not None
        for root in spec.submodule_search_locations or ():
            top = Path(root)
            paths = (path for path in top.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
            for path in sorted(paths):
                found[f"{package}/{path.relative_to(top).as_posix()}"] = path.read_bytes()
    return found


def _metadata(installed: metadata.Distribution) -> str:
    head = ["Metadata-Version: 2.1", "Name: hornbeam", f"Version: {installed.version}"]
    return "\n".join([*head, *(f"Requires-Dist: {text}" for text in requirements(installed))]) + "\n"


def _record(files: dict[str, bytes], itself: str) -> str:
    lines = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}")
    return "\n".join([*lines, f"{itself},,"]) + "\n"
