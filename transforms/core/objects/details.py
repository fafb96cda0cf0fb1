"""What is known of one stored object beyond its listing: attributes that a copy keeps, checksums that prove it.

Values only. Checksums are of the stored bytes (never of decompressed ones), as lower-case hex of the whole object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from transforms.core.outcome import ObjectInfo


class Attributes(NamedTuple):
    """What a copy keeps beside the bytes; "" and () where the store has none.

    Attributes:
        content_type: Media type.
        content_encoding: As stored (`gzip` objects are moved as they are).
        content_disposition: How a browser shows it.
        content_language: Language tags.
        cache_control: Caching rules.
        storage_class: Class of storage; set only on request.
        user: User metadata as sorted (lower-case name, value) pairs, without the store's prefix (`x-amz-meta-`).
        tags: S3 tags as sorted pairs; set only on request.
        mtime: The source file's modification time, seconds since the epoch, where a store or its metadata tells it;
            kept as user metadata `mtime` (decimal seconds, as rclone writes it) and restored on disk; 0.0 when unknown.
    """

    content_type: str = ""
    content_encoding: str = ""
    content_disposition: str = ""
    content_language: str = ""
    cache_control: str = ""
    storage_class: str = ""
    user: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    mtime: float = 0.0


class Checksums(NamedTuple):
    """Checksums of an object's stored bytes, "" where unknown.

    Attributes:
        md5: Of the whole object (an S3 ETag only where it is one).
        crc32c: Of the whole object (Castagnoli), 8 hex digits.
        crc64nvme: Of the whole object, 16 hex digits.
        sha256: Of the whole object.
        sha1: Of the whole object.
        multipart_etag: `md5 of part md5s-count`, an S3 multipart ETag; comparable only with the same part sizes.
        composite: `algorithm:base64-count`, an S3 composite checksum; comparable only with the same part sizes.
    """

    md5: str = ""
    crc32c: str = ""
    crc64nvme: str = ""
    sha256: str = ""
    sha1: str = ""
    multipart_etag: str = ""
    composite: str = ""


NO_CHECKSUMS = Checksums()


class Listed(NamedTuple):
    """One object as a listing tells of it, at no cost of its own.

    Attributes:
        info: Address, size, version, time of last modification in the store.
        checksums: What the listing holds (GCS: md5 and crc32c; S3: md5 from a single-part ETag, which an encrypting
            bucket may belie; local: none).
        mtime: The kept modification time where the listing holds it (local disk, GCS metadata), else 0.0.
        written: When it was written here, where `info.modified` doesn't tell: on a disk, where copying sets that time
            back, the inode's last change; else 0.0.
    """

    info: ObjectInfo
    checksums: Checksums = NO_CHECKSUMS
    mtime: float = 0.0
    written: float = 0.0


class ObjectDetails(NamedTuple):
    """One object as a HEAD, a GET or a finished write tells of it.

    Attributes:
        info: Address, size, version, time of last modification in the store.
        attributes: What a copy keeps.
        checksums: What the store knows of the bytes.
        part_bytes: Size of the parts it was written in (all but the last); 0 when written in one piece or unknown.
    """

    info: ObjectInfo
    attributes: Attributes = Attributes()
    checksums: Checksums = NO_CHECKSUMS
    part_bytes: int = 0


class Condition(NamedTuple):
    """What must hold of a name for a write to it to happen; the default asks nothing.

    Attributes:
        absent: The name must be free.
        etag: The version (`ObjectInfo.etag`) that must stand there, "" for any.
    """

    absent: bool = False
    etag: str = ""


ABSENT = Condition(absent=True)
ANY = Condition()


class Upload(NamedTuple):
    """A multipart write under way: nothing is visible under its name until it is completed.

    Attributes:
        uri: The name it will take.
        token: The store's own handle (S3 upload id, GCS temporary prefix or session, a temporary file's path).
        attributes: What the object will carry.
        condition: What must hold of the name at the end.
    """

    uri: str
    token: str
    attributes: Attributes
    condition: Condition


class Part(NamedTuple):
    """One part of a multipart write.

    Attributes:
        number: From 1.
        size_bytes: Its length.
        token: What completing needs of it (S3: its ETag).
        checksums: Of the part's bytes, as far as they were computed or told.
    """

    number: int
    size_bytes: int
    token: str
    checksums: Checksums = NO_CHECKSUMS


class Limits(NamedTuple):
    """What a store allows, and can.

    Attributes:
        max_put_bytes: Largest object written in one request.
        min_part_bytes: Smallest part but the last.
        max_part_bytes: Largest part.
        max_parts: Most parts of one object.
        max_copy_bytes: Largest object copied on the server in one request; larger ones by parts.
        parallel_parts: Whether parts may be sent at once and in any order.
        max_key_bytes: Longest key.
        deletes_at_once: Most keys in one delete request; 1 where there is no such request.
    """

    max_put_bytes: int
    min_part_bytes: int
    max_part_bytes: int
    max_parts: int
    max_copy_bytes: int
    parallel_parts: bool
    max_key_bytes: int
    deletes_at_once: int
