"""`--retry RUN` of a copy or a comparison: what failed then, as a manifest in the new run's folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from transforms.core.copying.copy_tasks import is_object
from transforms.core.copying.manifest import checked_tasks, open_manifest, task_rows
from transforms.core.copying.outcome_lines import told
from transforms.core.errors import ConfigError
from transforms.core.objects.expansion import absolute
from transforms.core.run_folder import RunFolder, parse_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.manifest_rows import ManifestRow

NAME = "retry.jsonl"
Pair = tuple[str, str]


def failed_pairs(run: str) -> list[Pair]:
    """What failed in an earlier run: sources, and the names that they take.

    Args:
        run: Its folder.

    Raises:
        ConfigError: There is no such run, nothing failed in it, or something that a copy of single objects can't mend.
    """
    text = RunFolder(absolute(run).rstrip("/"), "").read("outcomes.jsonl")
    if text is None:
        raise ConfigError(f"--retry {run}: no outcomes.jsonl there; name the folder of a run that has ended")
    failed = [(line["item"], line.get("destination", "")) for line in parse_lines(text) if line["status"] == "failed"]
    if not failed:
        raise ConfigError(f"--retry {run}: nothing failed in that run")
    if any(not destination for _, destination in failed):
        raise ConfigError(f"--retry {run}: a whole key range failed there; run the whole command again instead")
    if any(source == destination for source, destination in failed):
        raise ConfigError(
            f"--retry {run}: among what failed there are destination objects without a source; "
            "run the whole command again instead"
        )
    return failed


def with_retry(wanted: CopySettings, retry: str | None, folder: RunFolder) -> CopySettings:
    """With `--retry`, only what failed then, as a manifest in the new run's folder.

    Args:
        wanted: The whole copy; with a manifest, what that demands of its rows is demanded again.
        retry: The earlier run's folder, or None.
        folder: The new run's.

    Raises:
        ConfigError: As `failed_pairs`; or the manifest names nothing of it any more.
    """
    if not retry:
        return wanted
    pairs = failed_pairs(retry)
    if not wanted.manifest and is_object(wanted):
        return wanted  # the one object is what failed
    rows: list[dict[str, Any]] = [{"source": source, "destination": destination} for source, destination in pairs]
    if wanted.manifest:
        rows = [_plain(row) for row in _named(wanted, frozenset(pairs))]
        if not rows:
            raise ConfigError(f"--retry {retry}: the manifest names nothing of what failed there any more")
        if any(told(row["source"]) != row["source"] for row in rows):
            raise ConfigError(
                f"--retry {retry}: signed addresses failed there, which no run folder may hold: give those rows as a "
                "--manifest of their own, or run the whole command again"
            )
    folder.write(NAME, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return wanted._replace(manifest=f"{folder.uri}/{NAME}", manifest_access=folder.access, retried=True)


def _named(wanted: CopySettings, pairs: frozenset[Pair]) -> Iterator[ManifestRow]:
    manifest = open_manifest(wanted.manifest, wanted.destination.uri, wanted.folder, wanted.source.access)
    for task in checked_tasks(manifest):
        yield from (row for row in task_rows(manifest, task) if (told(row.source), row.uri) in pairs)


def _plain(row: ManifestRow) -> dict[str, Any]:
    sums = {name: value for name, value in row.expected._asdict().items() if value}
    size = {"size": row.size_bytes} if row.size_bytes >= 0 else {}
    return {"source": row.source, "destination": row.uri, **size, **sums}
