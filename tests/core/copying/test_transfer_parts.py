import hashlib

import pytest

from tests.core.copying.copies import MIB, plan, settings_for, stores_of
from transforms.core.copying.buffer_budget import BufferBudget
from transforms.core.copying.checksums import checksums_of
from transforms.core.copying.part_sizes import PartPlan
from transforms.core.copying.transfer_ends import Job, condition_of
from transforms.core.copying.transfer_parts import Hashing, hashing_of, part_plan, whole_checksums, with_composite
from transforms.core.errors import PermanentError
from transforms.core.objects.details import NO_CHECKSUMS, Attributes, Checksums, ObjectDetails, Part
from transforms.core.outcome import ObjectInfo

MD5, CRC, NVME, ETAG = (
    Checksums(md5="0" * 32),
    Checksums(md5="0" * 32, crc32c="0" * 8),
    Checksums(crc64nvme="0" * 16),
    Checksums(multipart_etag="0" * 32 + "-2"),
)


@pytest.mark.parametrize(
    ("known", "expected", "verify", "etags", "by_part", "in_order"),
    [
        (MD5, NO_CHECKSUMS, "none", True, (), ()),
        (MD5, Checksums(sha256="0" * 64), "none", True, (), ("sha256",)),
        (MD5, Checksums(crc32c="0" * 8), "none", False, ("crc32c",), ()),
        (NO_CHECKSUMS, NO_CHECKSUMS, "auto", False, ("crc32c",), ()),
        (NO_CHECKSUMS, NO_CHECKSUMS, "auto", True, ("crc32c", "md5"), ()),
        (CRC, NO_CHECKSUMS, "auto", False, ("crc32c",), ()),
        (MD5, NO_CHECKSUMS, "metadata", False, ("crc32c",), ("md5",)),
        (MD5, NO_CHECKSUMS, "full", True, ("crc32c", "md5"), ("md5",)),
        (ETAG, NO_CHECKSUMS, "auto", True, ("crc32c", "md5"), ()),
        (CRC, Checksums(md5="0" * 32, sha1="0" * 40), "auto", False, ("crc32c",), ("md5", "sha1")),
    ],
)
def test_only_what_tells_is_computed_and_what_can_be_is_by_part(known, expected, verify, etags, by_part, in_order):
    assert hashing_of(known, expected, verify, etags=etags) == Hashing(by_part, in_order)


def job(tmp_path, destination, verify="auto", part_bytes=8 * MIB, buffer_bytes=160 * MIB):
    (tmp_path / "f").write_bytes(b"x")
    here = settings_for(f"file://{tmp_path}/", f"file://{tmp_path}/to/")
    settings = settings_for(f"file://{tmp_path}/", destination, verify=verify, part_bytes=part_bytes)
    planned = plan(here, "f")._replace(uri=destination + "f")
    return Job(planned, settings, stores_of(settings), BufferBudget(buffer_bytes), condition_of(planned))


@pytest.mark.parametrize(
    ("size", "theirs", "checksums", "destination", "more", "part_plan_"),
    [
        (8 * MIB, 0, NO_CHECKSUMS, "s3://b/", {}, PartPlan(0, 1)),
        (8 * MIB + 1, 0, NO_CHECKSUMS, "s3://b/", {}, PartPlan(8 * MIB, 2)),
        (20 * MIB, 6 * MIB, ETAG, "s3://b/", {}, PartPlan(6 * MIB, 4)),
        (20 * MIB, 6_000_000, ETAG, "s3://b/", {}, PartPlan(6_000_000, 4)),
        (20 * MIB, 6_000_000, ETAG, "gs://b/", {}, PartPlan(8 * MIB, 3)),  # GCS takes multiples of 256 KiB
        (20 * MIB, 6_000_000, ETAG, "file:///to/", {}, PartPlan(6_000_000, 4)),
        (20 * MIB, 6 * MIB, CRC, "s3://b/", {}, PartPlan(8 * MIB, 3)),
        (20 * MIB, 6 * MIB, ETAG, "s3://b/", {"verify": "none"}, PartPlan(8 * MIB, 3)),
        (20 * MIB, 4 * MIB, ETAG, "s3://b/", {}, PartPlan(8 * MIB, 3)),  # S3 takes no parts below 5 MiB
        (20 * MIB, 6 * MIB, ETAG, "s3://b/", {"buffer_bytes": 5 * MIB}, PartPlan(8 * MIB, 3)),
        (99 * MIB, 0, NO_CHECKSUMS, "file:///to/", {"part_bytes": 50 * MIB}, PartPlan(16 * MIB, 7)),
    ],
)
def test_parts_are_the_source_s_own_where_only_they_can_prove_it(
    tmp_path, size, theirs, checksums, destination, more, part_plan_
):
    source = ObjectDetails(ObjectInfo("s3://a/f", size, "v", 0.0), Attributes(), checksums, theirs)
    work = job(tmp_path, destination, **more)
    assert part_plan(source, work.planned.uri, work) == part_plan_


def test_no_parts_fit_a_place_that_can_not_be_written(tmp_path):
    work = job(tmp_path, "https://host/")
    with pytest.raises(PermanentError, match="https://host/f can't be written"):
        part_plan(ObjectDetails(ObjectInfo("s3://a/f", 9, "v", 0.0)), work.planned.uri, work)


def test_the_whole_is_told_by_its_parts():
    pieces = [b"a" * 1000, b"b" * 1000, b"c"]
    parts = [
        Part(number, len(data), "", checksums_of(data, ("crc32c", "crc64nvme", "md5")))
        for number, data in enumerate(pieces, 1)
    ]
    data = b"".join(pieces)
    in_order = checksums_of(data, ("sha256",))
    whole = whole_checksums(Hashing(("crc32c", "crc64nvme", "md5"), ("sha256",)), parts, in_order)
    md5s = b"".join(hashlib.md5(piece).digest() for piece in pieces)
    assert whole == checksums_of(data, ("crc32c", "crc64nvme", "sha256"))._replace(
        multipart_etag=f"{hashlib.md5(md5s).hexdigest()}-3"
    )
    theirs = with_composite(whole, Checksums(composite="crc32c:AAAAAA==-3"), parts).composite
    assert theirs.startswith("crc32c:")
    assert theirs.endswith("-3")
    assert with_composite(whole, Checksums(composite="sha256:AAAA-3"), parts) is whole
    assert with_composite(whole, NO_CHECKSUMS, parts) is whole
