"""What a template's image runs: the launcher's words as our command line's, `--pipeline` as its first word."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from pipelines import foreign_flags, registry
from pipelines.__main__ import console
from pipelines.settings_options import options
from transforms.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

IMAGE = "HORNBEAM_IMAGE"  # set when the image is built: workers use the image that the launcher runs in


def main(argv: Sequence[str]) -> int:
    """Runs the pipeline that `--pipeline` names; returns its exit code.

    Args:
        argv: The launcher's words: the template's parameters and Beam's flags, each `--name=value`.
    """
    try:
        words = command_words(argv, os.environ)
    except ConfigError as error:
        sys.stderr.write(f"hornbeam: {error}\n")
        return 2
    return console(words)


def command_words(argv: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """The launcher's words as `hornbeam` takes them.

    A word that neither the pipeline nor Beam knows is the launcher's own business (the service has judged the
    parameters): it is said and left out.

    Args:
        argv: The launcher's.
        environ: May name the image.

    Raises:
        ConfigError: No pipeline, or an unknown one.
    """
    named = [word.partition("=")[2] for word in argv if word.startswith("--pipeline=")]
    if not named:
        known = ", ".join(registry.PIPELINES)
        raise ConfigError(f"the template's parameter `pipeline` is missing: give pipeline=NAME, one of {known}")
    ours = {one.name for one in options(registry.settings_class(named[-1]))}
    words = list(_known([word for word in argv if not word.startswith("--pipeline=")], ours))
    on_dataflow = any(word.lower() in {"--runner=dataflowrunner", "--runner=dataflow"} for word in words)
    image = environ.get(IMAGE, "")
    if on_dataflow and image and not any(word.startswith("--sdk_container_image=") for word in words):
        words.append(f"--sdk_container_image={image}")
    return [named[-1], *words]


def _known(words: Sequence[str], ours: set[str]) -> Iterator[str]:
    for word in words:
        name = word.removeprefix("--").partition("=")[0]
        if name in ours or foreign_flags.takes_value(name) is not None:
            yield word
        else:
            sys.stderr.write(f"hornbeam: --{name} is nothing that Beam or this pipeline knows; left out\n")
