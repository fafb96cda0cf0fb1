"""What a dry run ends with: how much there is to do, and how long it takes at the rate of an earlier run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from transforms.core.errors import ConfigError
from transforms.core.objects.expansion import absolute
from transforms.core.run_folder import RunFolder
from transforms.core.units import human_bytes, human_count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.run_account import Collected
    from pipelines.settings import PipelineSettings


class Rate(NamedTuple):
    """What an earlier run did, and how long it took.

    Attributes:
        items: Items done.
        size_bytes: Their bytes.
        rows: Rows loaded; 0 where there are none.
        seconds: How long, without start-up.
    """

    items: int
    size_bytes: int
    rows: int
    seconds: float

    def seconds_for(self, items: int, size_bytes: int, rows: int) -> float:
        """How long so much would have taken there: by that of the three of which there is relatively most.

        Args:
            items: Items to do.
            size_bytes: Their bytes.
            rows: Their rows; 0 where there are none.
        """
        asked, done = (items, size_bytes, rows), (self.items, self.size_bytes, self.rows)
        return self.seconds * max(most / there for most, there in zip(asked, done, strict=True) if there)


def read_rate(pipeline: str, run: str) -> Rate:
    """The rate of an earlier run.

    Args:
        pipeline: The pipeline's name: the run must be one of it.
        run: The run's folder.

    Raises:
        ConfigError: There is no such run, or nothing was done in it.
    """
    place = f"--rate_from {run}"
    text = RunFolder(absolute(run).rstrip("/"), "").read("summary.json")
    if text is None:
        raise ConfigError(f"{place}: no summary.json there; name the folder of a run that has ended")
    plain = json.loads(text)
    if plain["pipeline"] != pipeline:
        raise ConfigError(f"{place}: a run of {plain['pipeline']}; name one of {pipeline}")
    if not plain["items"]["done"] or not plain["seconds"]:
        raise ConfigError(f"{place}: nothing was done in that run; name one that did what is to be estimated")
    rows = (plain["rows"] or {}).get("loaded", 0)
    return Rate(plain["items"]["done"], plain["bytes"]["done"], rows, plain["seconds"])


def estimate(collected: Collected, pipeline: str, settings: PipelineSettings) -> dict[str, Any]:
    """How much there is to do, from the details' `work`, and how long it takes.

    Args:
        collected: Its account.
        pipeline: The pipeline's name.
        settings: Its settings.

    Raises:
        ConfigError: As `read_rate`.
    """
    work = collected.details.get("work", {})
    items, size_bytes = collected.items.not_started, collected.bytes.not_started
    found: dict[str, Any] = {"items": items, "bytes": size_bytes, **work}
    if settings.rate_from:
        rate = read_rate(pipeline, settings.rate_from)
        seconds = rate.seconds_for(items, size_bytes, work.get("rows", 0)) / settings.workers
        found |= {"hours": round(seconds / 3600, 4), "workers": settings.workers, "rate_from": settings.rate_from}
    return found


def estimate_line(found: Mapping[str, Any]) -> str:
    """The estimate as one line.

    Args:
        found: As it stands in the summary's details.
    """
    parts = [f"{human_count(found['items'])} items, {human_bytes(found['bytes'])}"]
    if "rows" in found:
        parts.append(f"{human_count(found['rows'])} rows")
    if "elements" in found:
        parts.append(f"{human_count(found['elements'])} elements, batches: about {human_count(found['batches'])}")
    if "hours" in found:
        workers = f"{human_count(found['workers'])} worker{'s' if found['workers'] > 1 else ''}"
        parts.append(f"{found['hours']:,.4g} hours for {workers}, each as fast as {found['rate_from']}")
    return f"estimate: {'; '.join(parts)}"
