"""The whole transforms as steps of Beam YAML, named by templates/yaml/providers.yaml; what isn't complete fails.

Annotations are evaluated here: Beam YAML makes each step's schema from them, and its documentation from the docstring.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import apache_beam as beam

from transforms.core.errors import ConfigError
from transforms.objects import (
    CopyObjects,
    CopySettings,
    CopyTotals,
    Filters,
    StoreAccess,
    VerifyObjects,
    copy_between,
)
from transforms.tables import LoadSettings, LoadTables, LoadTotals

__all__ = ["copy_objects", "load_tables", "verify_objects"]

OWN_FIELDS: Final = ("sources", "destination", "table", "source_access", "destination_access", "schema_text")
Step = TypeVar("Step", bound=Callable[..., beam.PTransform])


class Completed(beam.PTransform):
    """A whole transform, and the check that it did everything; its element is a row. Bounded, else as the transform."""

    def __init__(self, transform: beam.PTransform, totals: type) -> None:
        super().__init__()
        self.transform, self.totals = transform, totals

    def expand(self, begin: Any) -> beam.PCollection[Any]:
        """The transform, then the check."""
        done = begin | type(self.transform).__name__ >> self.transform
        return done | "Complete" >> beam.Map(self.totals.complete).with_output_types(self.totals)  # type: ignore[attr-defined]


def _first_step(step: Step) -> Step:
    """Marks what may stand at the beginning of a pipeline, without an input."""
    step._yaml_requires_inputs = False  # type: ignore[attr-defined]  # noqa: SLF001 - Beam YAML's name for it
    return step


def _access(given: Mapping[str, Any] | None, name: str) -> StoreAccess:
    if unknown := (given or {}).keys() - set(StoreAccess._fields):
        raise ConfigError(f"{name}: unknown {min(unknown)!r}; known: {', '.join(StoreAccess._fields)}")
    return StoreAccess(**(given or {}))


def _between(
    source: str,
    destination: str,
    access: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None],
    settings: Mapping[str, Any] | None,
) -> CopySettings:
    more = dict(settings or {})
    filters = {name: _frozen(one) for name, one in more.pop("filters", {}).items()}
    if unknown := filters.keys() - set(Filters._fields):
        raise ConfigError(f"filters: unknown {min(unknown)!r}; known: {', '.join(Filters._fields)}")
    return copy_between(
        source,
        destination,
        source_access=_access(access[0], "source_access"),
        destination_access=_access(access[1], "destination_access"),
        filters=Filters(**filters),
        **more,
    )


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@_first_step
def copy_objects(
    source: str,
    destination: str,
    source_access: Mapping[str, Any] | None = None,
    destination_access: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    account: str | None = None,
) -> beam.PTransform:
    """Copies everything below a prefix (or one object) to another place, verified.

    Args:
        source: Path or address that ends in /, or one object's.
        destination: Likewise.
        source_access: How the source is reached: endpoint_url, region, profile, anonymous, requester_pays.
        destination_access: How the destination is reached, likewise.
        settings: Further settings of a copy: verify, mode, delete, max_delete, filters, …
        account: Folder for the account; the default is below runs/.
    """
    wanted = _between(source, destination, (source_access, destination_access), settings)
    return Completed(CopyObjects(wanted, account), CopyTotals)


@_first_step
def verify_objects(
    source: str,
    destination: str,
    source_access: Mapping[str, Any] | None = None,
    destination_access: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    account: str | None = None,
) -> beam.PTransform:
    """Compares everything below a prefix (or one object) with another place; writes nothing there.

    Args:
        source: Path or address that ends in /, or one object's.
        destination: Likewise.
        source_access: How the source is reached: endpoint_url, region, profile, anonymous, requester_pays.
        destination_access: How the destination is reached, likewise.
        settings: Further settings of a comparison: verify, filters, …
        account: Folder for the account; the default is below runs/.
    """
    wanted = _between(source, destination, (source_access, destination_access), settings)
    return Completed(VerifyObjects(wanted, account), CopyTotals)


@_first_step
def load_tables(
    sources: Sequence[str],
    destination: str,
    table: str,
    source_access: Mapping[str, Any] | None = None,
    destination_access: Mapping[str, Any] | None = None,
    schema: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    account: str | None = None,
) -> beam.PTransform:
    """Loads CSV and Excel files into one table, exactly once.

    Args:
        sources: Paths and addresses, with or without wildcards.
        destination: The database's address, without a password (settings: password, a reference).
        table: The table.
        source_access: How the sources are reached: endpoint_url, region, profile, anonymous, requester_pays.
        destination_access: How the destination's store is reached, likewise.
        schema: A Frictionless Table Schema.
        settings: Further settings of a load: mode, key, columns, max_rejects, provenance, …
        account: Folder for the account; the default is below runs/.
    """
    more = {name: _frozen(one) for name, one in (settings or {}).items()}
    known = [name for name in LoadSettings._fields if name not in OWN_FIELDS]
    if unknown := more.keys() - set(known):
        raise ConfigError(f"settings: unknown {min(unknown)!r}; known: {', '.join(known)}")
    wanted = LoadSettings(
        tuple(sources),
        destination,
        table,
        source_access=_access(source_access, "source_access"),
        destination_access=_access(destination_access, "destination_access"),
        schema_text=json.dumps(schema) if schema else "",
        **more,
    )
    return Completed(LoadTables(wanted, account), LoadTotals)
