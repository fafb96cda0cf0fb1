"""Deleting many objects by DeleteObjects, a thousand a request; one by one where server or key don't allow it."""

from __future__ import annotations

import base64
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from transforms.core import interrupt
from transforms.core.errors import PermanentError, TransientError
from transforms.core.objects.access import UnsupportedError
from transforms.core.objects.details import Condition
from transforms.core.objects.s3_answers import Refusal, checked_xml, error_of
from transforms.core.objects.s3_requests import Asked
from transforms.core.objects.s3_writing import delete
from transforms.core.objects.uri import parse
from transforms.core.retrying import retried

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transforms.core.objects.s3_requests import S3Bucket
    from transforms.core.outcome import ObjectInfo

    NotDeleted = list[tuple[ObjectInfo, str]]

AT_ONCE = 1000
SINGLE_THREADS = 8
_NOT_FOR_XML = re.compile(r"[\x00-\x1f\ud800-\udfff\ufffe\uffff]|\A\s|\s\Z")


def delete_all(bucket: S3Bucket, infos: Sequence[ObjectInfo]) -> NotDeleted:
    """See `CopyStore.delete_all`; each ETag goes along as a condition, which servers that don't know it ignore."""
    together = [info for info in infos if not _NOT_FOR_XML.search(parse(info.uri).key)]
    single = [info for info in infos if _NOT_FOR_XML.search(parse(info.uri).key)]
    failed: NotDeleted = []
    for start in range(0, len(together), AT_ONCE):
        batch = together[start : start + AT_ONCE]
        try:
            said = retried(lambda batch=batch: _answers(bucket, batch))  # type: ignore[misc]
        except UnsupportedError:
            single += together[start:]
            break
        for info, code in said:
            error = error_of(Refusal(0, code), info.uri, "delete", Condition(etag=info.etag))
            if isinstance(error, TransientError | UnsupportedError):
                single.append(info)
            else:
                failed.append((info, str(error)))
    return failed + _deleted_singly(bucket, single)


def _answers(bucket: S3Bucket, infos: Sequence[ObjectInfo]) -> list[tuple[ObjectInfo, str]]:
    """Sends one request; returns what it did not delete, with S3's code."""
    body = _request_xml(infos)
    md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    headers = {"content-md5": md5, "content-type": "application/xml"}
    answer = bucket.send(Asked("POST", None, {"delete": ""}, headers, body, slow=True))
    root = checked_xml(answer, bucket.uri(None), "delete objects of")
    by_key = {parse(info.uri).key: info for info in infos}
    said = [(item.findtext("{*}Key") or "", item.findtext("{*}Code") or "") for item in root.iterfind("{*}Error")]
    return [(by_key[key], code) for key, code in said if code != "NoSuchKey"]


def _request_xml(infos: Sequence[ObjectInfo]) -> bytes:
    text = ['<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>']
    for info in infos:
        etag = f"<ETag>{escape(info.etag)}</ETag>" if info.etag else ""
        text.append(f"<Object><Key>{escape(parse(info.uri).key)}</Key>{etag}</Object>")
    return "".join([*text, "</Delete>"]).encode()


def _deleted_singly(bucket: S3Bucket, infos: Sequence[ObjectInfo]) -> list[tuple[ObjectInfo, str]]:
    if not infos:
        return []

    def reason(info: ObjectInfo) -> str:
        try:
            delete(bucket, info.uri, info.etag)
        except (PermanentError, TransientError) as e:
            return str(e)
        return ""

    with ThreadPoolExecutor(SINGLE_THREADS) as threads:
        return [
            (info, why) for info, why in zip(infos, threads.map(interrupt.carried(reason), infos), strict=True) if why
        ]
