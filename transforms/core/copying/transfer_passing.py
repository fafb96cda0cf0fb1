"""One object in one piece that is sent on while it arrives: nothing waits, and next to nothing is held.

For it the destination must get a checksum before the bytes that they are compared with: the md5 that the source knows,
which S3 compares (Content-MD5) before the object becomes visible. CRCs are computed as the bytes pass; the last slice
goes only when they are right. 40 x 32 MiB between two servers that share two cores with us, time in the graph beside
rclone's: held whole 1.02, like this 0.78 to 0.95; peak of the whole process 303 MiB and 153.
"""

from __future__ import annotations

from contextlib import closing
from itertools import count
from typing import TYPE_CHECKING, Final, cast

from transforms.core import pacing
from transforms.core.copying.checksums import ChecksumStream, Comparison, compare
from transforms.core.copying.transfer_ends import Arrived, not_left_unchecked, remove_wrong
from transforms.core.copying.transfer_small import kept_attributes
from transforms.core.copying.verify import RE_READ, cheapest, check_read, needs_rereading
from transforms.core.copying.verify_stored import read_checksums
from transforms.core.objects.body import Body, BodySink, BodySource
from transforms.core.objects.details import NO_CHECKSUMS, Checksums

if TYPE_CHECKING:
    from transforms.core.copying.transfer_ends import Job
    from transforms.core.objects.body import Opened, Slices

SMALLEST_BYTES: Final = 1 << 20  # below it a whole object is in the processor's cache, too
HELD_BYTES: Final = 4 << 20


def may_pass_on(job: Job) -> bool:
    """Whether an object that fits into one request can be sent on while it arrives.

    | both stores can | bytes          | md5 listed | verify         | a manifest demands | arrived wrong before | |
    |-----------------|----------------|------------|----------------|--------------------|----------------------|-|
    | yes             | SMALLEST_BYTES | yes        | auto, metadata | nothing            | no                   | yes |
    | anything else   |                |            |                |                    |                      | no |

    An encrypting store's listed md5s are none, and it tells none of what is written, so that only reading it again
    would prove what was passed on; an object that goes whole is proved by the CRC that goes with it. Hence also:

    | the source's listed md5s | the last write's answer told an md5 | verify   | |
    |--------------------------|-------------------------------------|----------|-|
    | were true so far         | yes                                 | any      | yes |
    | were true so far         | there was no write yet              | auto     | yes |
    | were true so far         | there was no write yet              | metadata | no: it would stay unproved |
    | anything else            |                                     |          | no |

    Args:
        job: The copy.
    """
    planned, (source, destination) = job.planned, job.stores
    return (
        planned.source.info.size_bytes >= SMALLEST_BYTES
        and isinstance(source, BodySource)
        and isinstance(destination, BodySink)
        and source.gives_md5s
        and (destination.tells_md5s or (destination.tells_md5s is None and job.settings.verify == "auto"))
        and bool(planned.source.checksums.md5)
        and job.settings.verify in ("auto", "metadata")
        and planned.expected == NO_CHECKSUMS
        and not job.again
    )


def pass_on(job: Job) -> Arrived | None:
    """Copies an object by one request to each side; None, its bytes paid for, where the source has no md5 after all.

    Raises:
        CorruptedError: What came isn't what the source tells: nothing became visible.
        RemovedError: What arrived was wrong, and was deleted again.
    """
    info = job.planned.source.info
    source = cast("BodySource", job.stores.source)
    pacing.pace().before_bytes(info.size_bytes)  # before the source is asked: it won't wait for long either
    with job.budget.hold(min(info.size_bytes, HELD_BYTES)), source.open_body(info) as opened:
        return _passed_on(job, opened) if opened.details.checksums.md5 else None


def _passed_on(job: Job, opened: Opened) -> Arrived:
    info, known = job.planned.source.info, opened.details.checksums
    passed, attempts = [known], count(1)

    def checked() -> Slices:
        paid = next(attempts) == 1
        stream, held = ChecksumStream({"crc32c", *cheapest(known)} - {"md5"}), b""
        with closing(opened.slices()) as slices:
            for data in slices:
                if not paid:  # slice by slice: the destination has been told of the object, and won't wait for long
                    pacing.pace().before_bytes(len(data))
                if held:
                    yield held
                stream.update(data)
                held = data
        sums = stream.digests()
        check_read(sums, known, NO_CHECKSUMS, info.uri)
        passed[:] = [sums._replace(md5=known.md5)]
        yield held

    sink = cast("BodySink", job.stores.destination)
    body, sent = Body(info.size_bytes, checked), Checksums(md5=known.md5)
    answer = sink.put_body(job.planned.uri, body, kept_attributes(job, opened.details), sent, job.condition)
    with not_left_unchecked(job, answer.info):
        said = compare(passed[0], answer.checksums)
        if said.proof != "mismatch" and needs_rereading(said, job.settings.verify):
            there = read_checksums(job.stores.destination, answer.info, ("md5",))
            said = RE_READ if there.md5 == known.md5 else Comparison("mismatch", "re-read")
    if said.proof == "mismatch":
        remove_wrong(job, answer.info, f"{said.name} differs")
    return Arrived(said.proof, said.name, info.size_bytes)
