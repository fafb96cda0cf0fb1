"""Where engines lie that `make engines` built: `.engines/` of the checkout, or HORNBEAM_ENGINES."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

VARIABLE: Final = "HORNBEAM_ENGINES"
REMEDY: Final = f"build it by `make engines` in the checkout, and name its .engines folder by {VARIABLE} elsewhere"


def engines_folder() -> Path:
    """The folder; it need not be there."""
    return Path(os.environ.get(VARIABLE) or Path(__file__).parents[2] / ".engines")
