import pytest

from transforms.core.errors import PermanentError, SourceChangedError, TransientError
from transforms.core.objects.access import (
    AlreadyThereError,
    ConflictError,
    CorruptedError,
    ForbiddenError,
    MissingError,
    UnsupportedError,
)
from transforms.core.objects.details import ABSENT, ANY, Condition
from transforms.core.objects.s3_answers import Refusal, error_of

VERSION = Condition(etag="v1")


@pytest.mark.parametrize(
    ("status", "code", "verb", "condition", "error"),
    [
        *[(status, "", "read", ANY, TransientError) for status in (408, 425, 429, 500, 502, 503, 504)],
        (400, "RequestTimeout", "write", ANY, TransientError),
        (0, "InternalError", "complete", ANY, TransientError),
        (0, "SlowDown", "delete", ANY, TransientError),
        (409, "ConditionalRequestConflict", "write", ABSENT, TransientError),
        (409, "OperationAborted", "list", ANY, TransientError),
        (409, "", "write", ABSENT, TransientError),
        (409, "ObjectExistsAsDirectory", "write", ABSENT, PermanentError),
        (501, "NotImplemented", "write", ABSENT, UnsupportedError),
        (405, "MethodNotAllowed", "delete objects of", ANY, UnsupportedError),
        (400, "NotImplemented", "write", ABSENT, UnsupportedError),
        (400, "BadDigest", "write", ANY, CorruptedError),
        (400, "InvalidDigest", "write", ANY, CorruptedError),
        (400, "XAmzContentSHA256Mismatch", "write", ANY, CorruptedError),
        (401, "", "read", ANY, ForbiddenError),
        (403, "AccessDenied", "read", ANY, ForbiddenError),
        (400, "ExpiredToken", "read", ANY, ForbiddenError),
        (0, "AccessDenied", "delete", ANY, ForbiddenError),
        (412, "PreconditionFailed", "write", ABSENT, AlreadyThereError),
        (0, "PreconditionFailed", "complete", ABSENT, AlreadyThereError),
        (412, "PreconditionFailed", "write", VERSION, ConflictError),
        (404, "NoSuchKey", "write", VERSION, ConflictError),
        (404, "NoSuchBucket", "write", VERSION, MissingError),
        (404, "NoSuchUpload", "complete", VERSION, MissingError),
        (404, "", "read", ANY, MissingError),
        (410, "", "read", ANY, MissingError),
        (412, "", "read", ANY, SourceChangedError),
        (416, "InvalidRange", "read", ANY, SourceChangedError),
        (400, "KeyTooLongError", "write", ANY, PermanentError),
    ],
)
def test_each_refusal_is_the_error_that_says_what_to_do(status, code, verb, condition, error):
    found = error_of(Refusal(status, code), "s3://b/k", verb, condition)
    assert type(found) is error
    assert "s3://b/k" in str(found)


def test_what_the_server_asks_to_wait_is_kept():
    found = error_of(Refusal(503, "SlowDown", 7.0), "s3://b/k", "read")
    assert isinstance(found, TransientError)
    assert found.too_fast
    assert not error_of(Refusal(503, "ServiceUnavailable"), "s3://b/k", "read").too_fast
    assert found.retry_after_seconds == 7.0
