"""The beginning of a multipart write, so that none of ours is left behind that nobody can tell from another tool's."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from transforms.core.errors import PermanentError, TransientError
from transforms.core.objects.details import Upload
from transforms.core.objects.s3_answers import checked_xml
from transforms.core.objects.s3_details import attribute_headers
from transforms.core.objects.s3_leftovers import has_parts, started
from transforms.core.objects.s3_multipart import abort, mark
from transforms.core.objects.s3_requests import Asked
from transforms.core.objects.uri import parse, shown
from transforms.core.retrying import retried

if TYPE_CHECKING:
    from transforms.core.objects.details import Attributes, Condition
    from transforms.core.objects.s3_requests import S3Bucket

_ROUNDED_SECONDS: Final = 1.0


def begin(
    bucket: S3Bucket, uri: str, attributes: Attributes, condition: Condition, algorithm: str = "crc32c"
) -> Upload:
    """See `CopyStore.begin`; `algorithm` (of MARKER_CHECKS) is what the server keeps of the parts and of the whole."""
    kept = {"x-amz-checksum-algorithm": algorithm.upper(), "x-amz-checksum-type": "FULL_OBJECT"}
    asked = Asked("POST", parse(uri).key, {"uploads": ""}, {**attribute_headers(attributes), **kept})
    first, unanswered = time.monotonic(), False

    def once() -> str:
        nonlocal unanswered
        try:
            root = checked_xml(bucket.send(asked), uri, "begin an upload to")
        except TransientError as e:
            unanswered = unanswered or not e.too_fast
            raise
        return root.findtext("{*}UploadId") or ""

    token = retried(once)
    if not token:
        raise PermanentError(f"can't begin an upload to {shown(uri)}: the server's answer holds no upload id")
    upload = Upload(uri, token, attributes, condition)
    try:
        mark(bucket, upload, algorithm)
        if unanswered:
            _mark_lost(bucket, upload, algorithm, first)
    except BaseException as e:
        _abort(bucket, upload, e)
        raise
    return upload


def _mark_lost(bucket: S3Bucket, upload: Upload, algorithm: str, first: float) -> None:
    """Marks what the server may have begun for us without our hearing of it: the end of a run finds it then.

    It is not aborted: somebody else's, begun for the same name at the same time, would look the same.
    """
    with suppress(PermanentError, TransientError):  # the end of the run lists the same, and tells that it can't
        for item in started(bucket, upload.uri):
            young = item.age_seconds <= time.monotonic() - first + _ROUNDED_SECONDS
            if young and item.token != upload.token and bucket.uri(item.key) == upload.uri:
                with suppress(PermanentError):  # it has ended meanwhile, or was begun with another checksum: not ours
                    if not has_parts(bucket, item):
                        mark(bucket, upload._replace(token=item.token), algorithm)


def _abort(bucket: S3Bucket, upload: Upload, error: BaseException) -> None:
    try:
        abort(bucket, upload.uri, upload.token)
    except (PermanentError, TransientError) as e:
        error.add_note(f"its upload, which was begun already, could not be given up: {e}")
