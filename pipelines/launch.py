"""Picks the runner, says which and why, and refuses what can't work before anything runs; each engine has its module.

With them (pipelines/engines/) the only code that knows runners. The default, `direct`, works in this process.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from pipelines import launch_dataflow
from pipelines.engines import direct, flink, prism
from pipelines.engines.choice import RunnerChoice, asked_of, refuse_head
from pipelines.engines.lean_import import left_out, may_be_lean
from transforms.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipelines.settings import PipelineSettings

__all__ = ["ENGINES", "RunnerChoice", "choose_runner", "launch", "start_up", "start_up_for_good"]

# Each has NAMES, MODULES, choose(asked), serving(choice, flags, temp_dir) and running(choice, options, endpoint).
ENGINES: Final[dict[str, Any]] = {"direct": direct, "prism": prism, "flink": flink, "dataflow": launch_dataflow}
_BY_NAME: Final = {name.lower(): engine for engine in ENGINES.values() for name in engine.NAMES}
REFUSED: Final = {
    "portablerunner": "PortableRunner says not what runs at --job_endpoint: name that engine, prism or flink",
}


def choose_runner(
    settings: PipelineSettings, beam_args: Sequence[str], single_process_reason: str = ""
) -> RunnerChoice:
    """Picks the engine, without importing Beam.

    Args:
        settings: The run's.
        beam_args: Flags that Beam owns.
        single_process_reason: Why only one process may write (`DuckDB locks its file`); "" when several may.

    Raises:
        ConfigError: An unknown runner, one that is not there, or one on which this command can't work.
    """
    asked = asked_of(settings, beam_args, single_process_reason)
    engine = _BY_NAME.get(asked.word.lower())
    if engine is None:
        why = REFUSED.get(asked.word.lower(), "there is no such runner")
        raise ConfigError(f"--runner={asked.word}: {why}. Use one of: {', '.join([*ENGINES, *_beam_names()])}")
    if engine is launch_dataflow:
        launch_dataflow.refuse_unfit(settings, beam_args)
    name = next(name for name, one in ENGINES.items() if one is engine)
    refuse_head(name, settings.head, asked.flags)
    choice: RunnerChoice = engine.choose(asked)
    return choice._replace(head=settings.head)


@contextmanager
def start_up(
    choice: RunnerChoice, settings: PipelineSettings, beam_args: Sequence[str], temp_dir: str
) -> Iterator[str]:
    """Imports Beam and starts the engine: what every run pays before its first work. Ends the engine afterwards.

    Args:
        choice: What `choose_runner` picked.
        settings: The run's.
        beam_args: Flags that Beam owns.
        temp_dir: The run's, on this machine.

    Yields:
        Where the engine takes jobs; "" when it is in this process.

    Raises:
        ConfigError: The engine didn't come up.
        InterruptedRunError: The run was asked to stop before it had.
    """
    engine = ENGINES[choice.engine]
    with engine.serving(choice, asked_of(settings, beam_args, "").flags, temp_dir) as endpoint:
        _import(engine.MODULES if choice.name != "BundleBasedDirectRunner" else ())
        yield endpoint


def start_up_for_good(settings: PipelineSettings, beam_args: Sequence[str]) -> None:
    """`start_up`'s imports for a process that ends with its run: what is imported is never collected (0.6 s of 2.5).

    What the run can't need is not imported either.

    Call it before a destination's driver is imported: of that, whatever stays uncollected is reported at exit as a leak
    (DuckDB's, dozens of lines). For the same reason never in a program of others.

    Args:
        settings: The run's.
        beam_args: Flags that Beam owns.
    """
    engine = _BY_NAME.get(asked_of(settings, beam_args, "").word.lower())
    lean = may_be_lean("direct" if engine is direct else "", settings.head)
    collects = gc.isenabled()
    gc.disable()  # an import only makes objects that stay
    try:
        with left_out() if lean else nullcontext():
            _import(direct.MODULES)
        gc.freeze()
    finally:
        if collects:
            gc.enable()


def _import(modules: Sequence[str]) -> None:
    for module in ("apache_beam", *modules):
        import_module(module)


def launch(
    build: Callable[[Any], None],
    choice: RunnerChoice,
    settings: PipelineSettings,
    beam_args: Sequence[str],
    endpoint: str = "",
) -> None:
    """Builds the graph and runs it to its end.

    Args:
        build: Called with the empty pipeline; adds the graph.
        choice: What `choose_runner` picked.
        settings: Carried as JSON, without secrets.
        beam_args: Passed through to Beam.
        endpoint: What `start_up` said.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions, TypeOptions

    from pipelines.options import HornbeamOptions

    options = PipelineOptions([arg for arg in beam_args if arg])
    if choice.streams:
        options.view_as(StandardOptions).streaming = True
    options.view_as(HornbeamOptions).hornbeam_settings = settings.to_json()
    options.view_as(TypeOptions).pipeline_type_check = False  # 0.1 s a run; tests/transforms check each graph's types
    with (
        ENGINES[choice.engine].running(choice, options, endpoint) as runner,
        beam.Pipeline(runner=runner, options=options) as pipeline,
    ):
        build(pipeline)


def _beam_names() -> list[str]:
    return sorted(name for engine in ENGINES.values() for name in engine.NAMES if name.endswith("Runner"))
