"""What a comparison of two stored objects says of them, and of what a manifest's row demands; nothing is written.

How two objects are compared stands in verify_stored.py; what a finding means for the run in compare_work.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from transforms.core.copying.demands import contradicted, contradiction
from transforms.core.copying.named_objects import lets_through
from transforms.core.copying.sync_plan import as_listed
from transforms.core.copying.verify import demanded
from transforms.core.copying.verify_stored import BLOCK_BYTES, check_object, read_checksums
from transforms.core.errors import HornbeamError, InterruptedRunError
from transforms.core.objects.access import MissingError
from transforms.core.objects.uri import shown
from transforms.core.outcome import ObjectInfo

if TYPE_CHECKING:
    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.manifest_rows import ManifestRow
    from transforms.core.copying.transfer_ends import Stores
    from transforms.core.copying.workshop import Workshop
    from transforms.core.objects.details import Listed, ObjectDetails


class Finding(NamedTuple):
    """What a comparison said.

    Attributes:
        info: The source as it was found.
        word: match, mismatch, uncheckable, not_checked, missing, planned or filtered; "" where it couldn't be made.
        name: The checksum, `size`, `re-read`, or "".
        error: Why it couldn't be made; None when it was.
        why: What differs, or can't be told, where a manifest's row demands it; "" where the two objects say all.
    """

    info: ObjectInfo
    word: str
    name: str = ""
    error: HornbeamError | None = None
    why: str = ""


def compared(source: Listed, existing: Listed, settings: CopySettings, stores: Stores, shop: Workshop) -> Finding:
    """Compares two objects that are there; a dry run looks into none.

    Args:
        source: One.
        existing: The other.
        settings: `verify` and `dry_run` count.
        stores: Where they live.
        shop: The process's.

    Raises:
        InterruptedRunError: The run was asked to stop.
    """
    if settings.dry_run:
        return Finding(source.info, "planned")
    try:
        word, name = check_object(source, existing, settings, stores, shop.budget)
    except InterruptedRunError:
        raise
    except HornbeamError as error:
        return Finding(source.info, "", "", error)
    return Finding(source.info, word, name)


def compared_row(row: ManifestRow, settings: CopySettings, stores: Stores, shop: Workshop) -> Finding:
    """Compares what a row names with what stands under the name that it takes, and both with what it demands.

    | the two objects | what is demanded                     | finding |
    |-----------------|--------------------------------------|---------|
    | any             | a size or checksum, and one of them tells another | mismatch, and why |
    | differ          | -                                    | mismatch |
    | the same        | nothing, or what their stores tell   | match |
    | the same        | a checksum that neither tells        | as `_as_demanded` says |

    Args:
        row: Names and demands.
        settings: The comparison's.
        stores: Where they live.
        shop: The process's.

    Raises:
        InterruptedRunError: The run was asked to stop.
    """
    info = ObjectInfo(row.source, -1, "", 0.0)
    try:
        ours = stores.source.details(row.source)
        info = ours.info
        if not lets_through(ours, row, settings):
            return Finding(info, "filtered")
        try:
            theirs = stores.destination.details(row.uri)
        except MissingError:
            return Finding(info, "missing")
        for found in (ours, theirs) if not settings.dry_run else ():
            if why := contradiction(found, row):
                return Finding(info, "mismatch", why=f"{shown(found.info.uri)}: {why}")
        finding = compared(as_listed(ours), as_listed(theirs), settings, stores, shop)
        return (
            _as_demanded(finding, row, (ours, theirs), settings, stores, shop) if finding.word == "match" else finding
        )
    except InterruptedRunError:
        raise
    except HornbeamError as error:
        return Finding(info, "", "", error)


def _as_demanded(
    finding: Finding,
    row: ManifestRow,
    both: tuple[ObjectDetails, ObjectDetails],
    settings: CopySettings,
    stores: Stores,
    shop: Workshop,
) -> Finding:
    """Two objects that are the same, held against the checksums that a row demands.

    | verify   | neither store tells a demanded one | they tell all |
    |----------|------------------------------------|---------------|
    | auto     | the destination is read for it     | match         |
    | full     | the destination is read            | likewise read |
    | metadata | uncheckable                        | match         |
    """
    every = demanded(row.expected)
    untold = tuple(name for name in every if not any(getattr(one.checksums, name) for one in both))
    names = every if settings.verify == "full" else untold
    if not names:
        return finding
    if settings.verify == "metadata":
        why = f"neither side tells its {', '.join(names)}, which the manifest (line {row.line}) demands"
        return finding._replace(word="uncheckable", name="", why=why)
    with shop.budget.hold(BLOCK_BYTES):
        read = read_checksums(stores.destination, both[1].info, names)
    if wrong := contradicted(read, row.expected):
        told, wanted = getattr(read, wrong), getattr(row.expected, wrong)
        why = f"{shown(row.uri)}: its {wrong} is {told}, the manifest (line {row.line}) demands {wanted}"
        return finding._replace(word="mismatch", name=wrong, why=why)
    return finding
