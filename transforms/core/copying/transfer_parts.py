"""One large object by parts: ranged reads into a multipart write, several parts at once, hashed as they pass.

CRCs are computed a part and put together; md5 and sha only when nothing else could prove the source, in order, which
bounds one object to 0.5 to 1.7 GB/s. What was read is checked before the object becomes visible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from transforms.core import interrupt
from transforms.core.copying.checksums import ChecksumStream, Comparison, checksums_of, compare
from transforms.core.copying.part_checksums import combined, composite, multipart_etag
from transforms.core.copying.part_sizes import MIB, plan_parts
from transforms.core.copying.transfer_ends import Arrived, not_left_unchecked, read_back, remove_wrong
from transforms.core.copying.transfer_small import kept_attributes
from transforms.core.copying.transfer_spans import Turns, each_span
from transforms.core.copying.verify import RE_READ, cheapest, check_read, demanded, needs_rereading
from transforms.core.errors import PermanentError, TransientError
from transforms.core.objects.access import UnsupportedError
from transforms.core.objects.details import Checksums, Part
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.copying.part_sizes import PartPlan
    from transforms.core.copying.transfer_ends import Job, Origin
    from transforms.core.objects.details import ObjectDetails, Upload

_CRCS = ("crc32c", "crc64nvme")
_DISK_PART_BYTES = 16 * MIB  # a file keeps no trace of its parts, so they may be as small as is quick


class Hashing(NamedTuple):
    """Which checksums of a large object are computed.

    Attributes:
        by_part: Of each part, in any order.
        in_order: Of the whole, one part after the other.
    """

    by_part: tuple[str, ...]
    in_order: tuple[str, ...]


def part_plan(source: ObjectDetails, destination: str, job: Job) -> PartPlan:
    """The parts of an object: the source's own where they alone can prove it and fit, else those asked for.

    Args:
        source: Of known size.
        destination: Its address there.
        job: The copy.
    """
    limits, wanted, size_bytes = job.stores.destination.limits, job.settings.part_bytes, source.info.size_bytes
    theirs, step = source.part_bytes, 1 if destination.startswith("s3:") else limits.min_part_bytes
    fits = 0 < limits.min_part_bytes <= theirs <= min(limits.max_part_bytes, job.budget.total_bytes)
    if not limits.max_parts:
        raise UnsupportedError(f"{shown(destination)} can't be written: name a folder, an s3:// or a gs:// prefix")
    needed = not cheapest(source.checksums) and job.settings.verify != "none"
    if needed and fits and theirs % step == 0 and theirs < size_bytes <= theirs * limits.max_parts:
        return plan_parts(size_bytes, limits, theirs)
    return plan_parts(size_bytes, limits, min(wanted, _DISK_PART_BYTES) if destination.startswith("file:") else wanted)


def hashing_of(known: Checksums, expected: Checksums, verify: str, *, etags: bool) -> Hashing:
    """Which checksums are computed of a large object as it passes.

    | | of each part | of the whole, in order |
    |---|---|---|
    | verify none, no manifest | nothing | nothing |
    | any other | crc32c; md5 where multipart ETags may tell; crc64nvme where it is the source's cheapest | - |
    | the source knows no CRC but md5, sha1 or sha256 | - | the cheapest of them |
    | a manifest demands md5 or sha256 | - | those |

    Args:
        known: What the source tells of itself.
        expected: What a manifest demands.
        verify: auto, metadata, full or none.
        etags: Whether the destination may know its parts by md5 alone (an S3 that isn't AWS), or the source, in the
            same parts, does.
    """
    wanted = set(demanded(expected)) | (set(cheapest(known)) if verify != "none" else set())
    by_part = {name for name in wanted if name in _CRCS}
    if verify != "none":
        by_part.add("crc32c")
        if etags:
            by_part.add("md5")
    return Hashing(tuple(sorted(by_part)), tuple(sorted(wanted - by_part - set(_CRCS) | (wanted & {"md5"}))))


def whole_checksums(hashing: Hashing, parts: Sequence[Part], in_order: Checksums) -> Checksums:
    """What is known of a whole object once all its parts have passed.

    Args:
        hashing: What was computed.
        parts: All of them, with their checksums.
        in_order: Of the whole, as far as it was computed in order.
    """
    whole = in_order._asdict()
    for name in _CRCS:
        if name in hashing.by_part:
            whole[name] = combined(name, [(getattr(part.checksums, name), part.size_bytes) for part in parts])
    if "md5" in hashing.by_part:
        whole["multipart_etag"] = multipart_etag([part.checksums.md5 for part in parts])
    return Checksums(**whole)


def send_parts(job: Job, origin: Origin, plan: PartPlan) -> Arrived:
    """Copies a large object.

    Args:
        job: The copy.
        origin: Where its bytes come from.
        plan: Its parts.

    Raises:
        CorruptedError: What was read isn't what the source or a manifest tells: nothing became visible.
        RemovedError: What arrived was wrong, and was deleted again.
        InterruptedRunError: The run was asked to stop: nothing became visible.
    """
    planned, store, source = job.planned, job.stores.destination, origin.details
    by_parts = source.part_bytes == plan.part_bytes
    etags = _may_know_by_etag(job) or (by_parts and bool(source.checksums.multipart_etag))
    hashing = hashing_of(source.checksums, planned.expected, job.settings.verify, etags=etags)
    attributes = kept_attributes(job, source)
    upload = store.begin(planned.uri, attributes, job.condition, source.info.size_bytes)
    try:
        parts, whole = _parts(job, origin, plan, upload, hashing)
        interrupt.check()
        theirs = with_composite(whole, source.checksums, parts) if by_parts else whole
        part_bytes = plan.part_bytes if by_parts else 0
        check_read(theirs, source.checksums, planned.expected, source.info.uri, part_bytes)
        answer = store.complete(upload, parts, whole)
    except BaseException as e:
        _abort(job, upload, e)
        raise
    with not_left_unchecked(job, answer.info):
        said = _checked(job, answer, whole, parts, plan)
    if said.proof == "mismatch":
        remove_wrong(job, answer.info, f"{said.name} differs")
    return Arrived(said.proof, said.name, source.info.size_bytes)


def _may_know_by_etag(job: Job) -> bool:
    """AWS tells a CRC32C of every object; other servers may know only md5s of parts."""
    return job.planned.uri.startswith("s3:") and bool(job.settings.destination.access.endpoint_url)


def _parts(job: Job, origin: Origin, plan: PartPlan, upload: Upload, hashing: Hashing) -> tuple[list[Part], Checksums]:
    store, turns, stream = job.stores.destination, Turns(), ChecksumStream(hashing.in_order)
    in_any_order = store.limits.parallel_parts

    def one(number: int, start: int, stop: int) -> Part:
        data = origin.read(start, stop)
        sums = checksums_of(data, hashing.by_part)
        sent: list[Part] = []

        def send() -> None:
            sent.append(store.put_part(upload, number + 1, start, data, sums))

        def in_turn() -> None:
            if not in_any_order:
                send()
            stream.update(data)

        if in_any_order:
            send()
        if not in_any_order or hashing.in_order:
            turns.take(number, in_turn)
        return sent[0]._replace(checksums=sums)

    spans = plan.spans(origin.details.info.size_bytes)
    parts = each_span(spans, one, job.budget, job.settings.max_concurrent, turns)
    return parts, whole_checksums(hashing, parts, stream.digests())


def _abort(job: Job, upload: Upload, error: BaseException) -> None:
    """Gives up the upload; when that fails too, the first error says so, and the next run's clean-up takes it."""
    try:
        job.stores.destination.abort(upload)
    except (PermanentError, TransientError) as e:
        error.add_note(f"its unfinished upload could not be given up either ({e}); the next run tries again")


def _checked(job: Job, answer: ObjectDetails, whole: Checksums, parts: Sequence[Part], plan: PartPlan) -> Comparison:
    if job.settings.verify == "none":
        return Comparison("not_checked", "")
    said = _told(answer, whole, parts, plan)
    if said.proof == "uncheckable" and not answer.info.uri.startswith("file:"):
        said = _told(job.stores.destination.details(answer.info.uri), whole, parts, plan)
    if said.proof == "mismatch" or not needs_rereading(said, job.settings.verify):
        return said
    return _reread(job, answer, parts, plan)


def _told(answer: ObjectDetails, whole: Checksums, parts: Sequence[Part], plan: PartPlan) -> Comparison:
    """By what the destination tells; we know in which parts we wrote it, so theirs are comparable."""
    whole = with_composite(whole, answer.checksums, parts)
    return compare(whole, answer.checksums, plan.part_bytes, plan.part_bytes)


def with_composite(whole: Checksums, other: Checksums, parts: Sequence[Part]) -> Checksums:
    """Adds the composite checksum by the algorithm that the other side tells, where the parts' own are known.

    Args:
        whole: What is known of the whole.
        other: What the other side tells.
        parts: All parts in order.
    """
    algorithm = other.composite.partition(":")[0]
    if algorithm not in _CRCS or not all(getattr(part.checksums, algorithm) for part in parts):
        return whole
    return whole._replace(composite=composite(algorithm, [getattr(part.checksums, algorithm) for part in parts]))


def _reread(job: Job, answer: ObjectDetails, parts: Sequence[Part], plan: PartPlan) -> Comparison:
    def same(number: int, start: int, stop: int) -> bool:
        data = read_back(job, answer.info, start, stop)
        return checksums_of(data, ("crc32c",)).crc32c == parts[number].checksums.crc32c

    spans = plan.spans(answer.info.size_bytes)
    said = each_span(spans, same, job.budget, job.settings.max_concurrent)
    return RE_READ if all(said) else Comparison("mismatch", "re-read")
