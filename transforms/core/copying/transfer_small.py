"""One object in one piece: read, hashed while in memory, written, and proved by what the destination answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from transforms.core import pacing
from transforms.core.copying.attributes_to_keep import attributes_to_keep
from transforms.core.copying.checksums import Comparison, checksums_of, compare
from transforms.core.copying.transfer_ends import Arrived, check_version, not_left_unchecked, read_back, remove_wrong
from transforms.core.copying.verify import check_read, check_written, lends_md5, names_to_compute
from transforms.core.objects.access import CorruptedError
from transforms.core.objects.details import NO_CHECKSUMS

if TYPE_CHECKING:
    from transforms.core.copying.transfer_ends import Job, Origin
    from transforms.core.objects.details import Attributes, Checksums, ObjectDetails

UNKNOWN: Final = Comparison("uncheckable", "")


def fetch_and_put(job: Job, *, paid: bool = False) -> Arrived:
    """Copies a small object by one request to each side.

    Args:
        job: The copy.
        paid: Whether the process's pace has let these bytes go already.

    Raises:
        CorruptedError: What was read isn't what the source or a manifest tells.
        RemovedError: What arrived was wrong, and was deleted again.
    """
    info = job.planned.source.info
    if not paid:
        pacing.pace().before_bytes(info.size_bytes)
    with job.budget.hold(info.size_bytes):
        data, details = job.stores.source.fetch(info)
        check_version(info, details.info._replace(size_bytes=len(data)))
        return _put(job, data, details)


def read_and_put(job: Job, origin: Origin) -> Arrived:
    """Copies a small object from where it was brought before.

    Raises:
        CorruptedError: What was read isn't what the source or a manifest tells.
        RemovedError: What arrived was wrong, and was deleted again.
    """
    size_bytes = origin.details.info.size_bytes
    with job.budget.hold(size_bytes):
        return _put(job, origin.read(0, size_bytes), origin.details)


def kept_attributes(job: Job, details: ObjectDetails) -> Attributes:
    """What is written beside the bytes; asks for tags where they are wanted.

    Args:
        job: The copy.
        details: Of the source.
    """
    if job.settings.keep_tags and details.info.uri.startswith("s3://"):
        tags = job.stores.source.tags(details.info)
        details = details._replace(attributes=details.attributes._replace(tags=tags))
    return attributes_to_keep(details, job.planned.uri, job.settings)


def _put(job: Job, data: bytes, details: ObjectDetails) -> Arrived:
    planned, verify, store = job.planned, job.settings.verify, job.stores.destination
    scheme = planned.uri.partition(":")[0]
    known = details.checksums
    lent = lends_md5(known, planned.expected, scheme, verify)
    names = names_to_compute(NO_CHECKSUMS if lent else known, planned.expected, scheme, verify)
    sums: Checksums = checksums_of(data, names) if names else NO_CHECKSUMS
    check_read(sums, known, planned.expected, details.info.uri)
    sent = sums._replace(md5=known.md5) if lent else sums
    try:
        answer = store.put(planned.uri, data, kept_attributes(job, details), sent, job.condition)
    except CorruptedError:
        if lent:  # who is to blame, the way here or the way on?
            check_read(checksums_of(data, ("md5",)), known, planned.expected, details.info.uri)
        raise
    with not_left_unchecked(job, answer.info):
        said = compare(known, answer.checksums) if lent else UNKNOWN
        if said.proof == "uncheckable" or (said.proof == "match" and verify == "full"):
            if lent:
                check_read(checksums_of(data, ("md5",)), known, planned.expected, details.info.uri)
            said = check_written(
                data, sums, answer.checksums, verify, lambda: read_back(job, answer.info, 0, len(data))
            )
    if said.proof == "mismatch":
        remove_wrong(job, answer.info, f"{said.name} differs")
    return Arrived(said.proof, said.name, len(data))
