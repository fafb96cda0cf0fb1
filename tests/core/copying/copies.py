"""What the tests of copying share: a plan made from what is really there, and the call."""

from transforms.core.copying.buffer_budget import BufferBudget
from transforms.core.copying.copy_settings import CopySettings, Side
from transforms.core.copying.planned_copy import PlannedCopy
from transforms.core.copying.transfer import Stores, copy_object
from transforms.core.errors import PermanentError
from transforms.core.objects.access import MissingError, StoreAccess
from transforms.core.objects.details import NO_CHECKSUMS, Listed
from transforms.core.objects.store import open_copy_store

MIB = 1 << 20


def settings_for(source, destination, **more):
    """Settings between two prefixes; `source_access` and `destination_access` reach them."""
    sides = [Side(uri, more.pop(f"{name}_access", StoreAccess())) for name, uri in
             (("source", source), ("destination", destination))]  # fmt: skip
    return CopySettings(*sides, **more)


def stores_of(settings):
    return Stores(*(open_copy_store(side.uri, side.access) for side in (settings.source, settings.destination)))


def listed(store, uri):
    """One object as a listing tells of it; None when there is none."""
    prefix, _, name = uri.rpartition("/")
    return next((item for item in store.list_range(f"{prefix}/", name, "", limit=1) if item.info.uri == uri), None)


def plan(settings, name, expected=NO_CHECKSUMS):
    """What copying `name` from one prefix to the other takes, as things stand now."""
    stores = stores_of(settings)
    uri = settings.destination.uri + name
    source = listed(stores.source, settings.source.uri + name)
    assert source is not None, name
    return PlannedCopy(source, uri, existing(stores.destination, uri), "missing", expected)


def existing(store, uri):
    try:
        return Listed(store.details(uri).info)
    except MissingError:
        return None


def copy(settings, name, planned=None, budget=None, expected=NO_CHECKSUMS):
    budget = budget or BufferBudget(settings.buffer_bytes)
    planned = planned or plan(settings, name, expected)
    try:
        return copy_object(planned, settings, stores_of(settings), budget)
    finally:
        assert budget.held_bytes == 0


def error_of(settings, name, planned=None):
    try:
        copied = copy(settings, name, planned)
    except PermanentError as error:
        return error
    raise AssertionError(f"it was copied: {copied}")
