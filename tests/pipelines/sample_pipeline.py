"""A pipeline module in the form that the command line expects, for the tests of the command line."""

import sys

from pipelines.launch import choose_runner
from pipelines.settings_sources import parse
from pipelines.validate import Finding
from tests.pipelines.sample_settings import SampleSettings
from transforms.core.errors import ConfigError


def check(settings):
    if "unreachable" in settings.project:
        return [Finding("--project", "postgresql://u:found-pw-1@h can't be reached: start it")]
    return []


def choose(settings, beam_args):
    return choose_runner(settings, beam_args)


def run(settings, beam_args=()):
    if settings.batch_size == 14:
        raise KeyboardInterrupt
    if settings.batch_size == 13:
        raise ConfigError("13 of them?\nTake 12 (postgresql://u:run-pw-1@h).")
    return settings.batch_size, list(beam_args)


def main(argv):
    settings, beam_args = parse(SampleSettings, argv)
    sys.stdout.write(f"ran {run(settings, beam_args)}\n")
    return 1 if settings.keep else 0
