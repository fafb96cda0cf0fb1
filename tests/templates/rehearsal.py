"""What the tests of the templates' image share: the script as a module, and packages lent to a quick rehearsal."""

from __future__ import annotations

import importlib.util
import site
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

CHECKOUT = Path(__file__).parents[2]
FOLDER = CHECKOUT / "templates"


def module(name: str) -> ModuleType:
    """A script of templates/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"templates_{name}", FOLDER / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


def packages_of_this_environment(venv: Path) -> None:
    """Lends a virtual environment the packages of this one, in place of the minute that installing the lock takes."""
    place = next(venv.glob("lib/python*/site-packages"))
    place.joinpath("lent.pth").write_text("\n".join(site.getsitepackages()) + "\n")
