"""The server-side way, one object at a time: its bytes never come here, so both sides' own words are the proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.copying.checksums import Comparison, compare
from transforms.core.copying.transfer_ends import Arrived, not_left_unchecked, remove_wrong, source_origin
from transforms.core.copying.transfer_small import kept_attributes
from transforms.core.copying.verify import demanded
from transforms.core.copying.verify_stored import compare_stored, read_checksums
from transforms.core.objects.details import Attributes, ObjectDetails

if TYPE_CHECKING:
    from transforms.core.copying.transfer_ends import Job


def copy_on_server(job: Job) -> Arrived:
    """Copies an object by its server.

    Raises:
        ForbiddenError: The server doesn't let us; another way may work.
        UnsupportedError: The server can't; another way may work.
        RemovedError: What arrived was wrong, and was deleted again.
    """
    bare = _as_listed(job)
    source = bare or source_origin(job).details
    wanted = Attributes(storage_class=job.settings.storage_class) if bare else kept_attributes(job, source)
    answer = job.stores.destination.copy_within(source, job.planned.uri, wanted, job.condition)
    with not_left_unchecked(job, answer.info):
        wrong = _differs_from_demanded(job, answer)
        said = _checked(job, source, answer, bare=bare is not None) if not wrong else Comparison("mismatch", "")
    if said.proof == "mismatch":
        remove_wrong(job, answer.info, wrong or f"{said.name} differs")
    return Arrived(said.proof, said.name, 0)


def _as_listed(job: Job) -> ObjectDetails | None:
    """The source as its listing tells of it, where that is enough: S3 keeps what it has beside the bytes by itself.

    That spares the HEAD: one request an object, not two.
    """
    source, settings = job.planned.source, job.settings
    enough = source.info.uri.startswith("s3:") and source.info.etag and settings.storage_class != "keep"
    if not enough or not 0 <= source.info.size_bytes <= job.stores.destination.limits.max_copy_bytes:
        return None
    return ObjectDetails(source.info, checksums=source.checksums)


def _checked(job: Job, source: ObjectDetails, answer: ObjectDetails, *, bare: bool) -> Comparison:
    verify = job.settings.verify
    if verify == "none":
        return Comparison("not_checked", "")
    if bare:
        said = compare(source.checksums, answer.checksums)
        if said.proof == "match" and verify != "full":
            return said
        source = source_origin(job).details
    said = _compared(job, source, answer, "metadata")
    if said.proof == "uncheckable" and not answer.info.uri.startswith("file:"):
        answer = job.stores.destination.details(answer.info.uri)
    return said if said.proof == "mismatch" else _compared(job, source, answer, verify)


def _compared(job: Job, source: ObjectDetails, answer: ObjectDetails, verify: str) -> Comparison:
    return compare_stored(source, answer, verify, job.stores, job.budget)


def _differs_from_demanded(job: Job, answer: ObjectDetails) -> str:
    """What a manifest demands and the destination doesn't tell is read, whatever `verify` says: it was asked for."""
    expected, told = job.planned.expected, answer.checksums
    names = demanded(expected)
    unknown = tuple(name for name in names if not getattr(told, name))
    if unknown:
        read = read_checksums(job.stores.destination, answer.info, unknown)
        told = told._replace(**{name: getattr(read, name) for name in unknown})
    for name in names:
        if getattr(told, name) != getattr(expected, name):
            return f"its {name} is {getattr(told, name)}, the manifest demands {getattr(expected, name)}"
    return ""
