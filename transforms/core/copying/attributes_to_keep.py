"""Which attributes of a source are written with its copy, by the destination's scheme. Pure; no I/O."""

from __future__ import annotations

import mimetypes
import re
from typing import TYPE_CHECKING, Final

from transforms.core.errors import PermanentError
from transforms.core.objects.details import Attributes
from transforms.core.objects.uri import shown

if TYPE_CHECKING:
    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.objects.details import ObjectDetails

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LATEST_SECONDS: Final = 1e11  # the year 5138
_MOST_USER_BYTES: Final = {"s3": 2048, "gs": 8192}
_BUILT_IN_TYPES = mimetypes.MimeTypes()  # without the machine's own files: the same name, the same type everywhere
_BY_ENCODING: Final = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


def attributes_to_keep(source: ObjectDetails, destination: str, settings: CopySettings) -> Attributes:
    """What is written with the copy.

    | attribute                                  | to s3                        | to gs             | to file         |
    |--------------------------------------------|------------------------------|-------------------|-----------------|
    | type, disposition, language, cache control | as it is                     | as it is          | -               |
    | content encoding                           | as stored (gzip stays gzip)  | as stored         | -               |
    | content type of a source without (file)    | by the name's ending         | by its ending     | -               |
    | user metadata                              | as it is (S3Store: RFC 2047) | as it is          | -               |
    | user metadata over 2 KiB (gs: 8 KiB), or a | PermanentError: it would be  | PermanentError    | -               |
    | name that isn't a header name (s3)         | lost                         | (size only)       |                 |
    | mtime                                      | as user metadata `mtime`     | as on s3          | restored; else  |
    |                                            |                              |                   | the object's own|
    | storage class: a name / `keep` / ""        | the name / s3's / the        | the name / gs's / | -               |
    |                                            | bucket's own                 | the bucket's own  |                 |
    | tags                                       | from s3, when asked for      | -                 | -               |

    Args:
        source: The source, tags included where they are asked for.
        destination: Absolute address of the copy.
        settings: The copy's.

    Raises:
        PermanentError: The destination can't hold the user metadata.
    """
    scheme = destination.partition("://")[0]
    from_scheme = source.info.uri.partition("://")[0]
    kept = source.attributes
    if scheme == "file":
        return Attributes(mtime=_mtime(source) or source.info.modified)
    storage_class = settings.storage_class
    if storage_class == "keep":
        storage_class = kept.storage_class if from_scheme == scheme else ""
    return kept._replace(
        content_type=kept.content_type or (type_by_name(source.info.uri) if from_scheme == "file" else ""),
        storage_class=storage_class,
        user=_user(kept.user, _mtime(source), scheme, source.info.uri),
        mtime=_mtime(source),
        tags=kept.tags if settings.keep_tags and scheme == from_scheme == "s3" else (),
    )


def type_by_name(name: str) -> str:
    """A media type by the ending of a name; "" when the ending says nothing. Compressed files are what wraps them.

    Args:
        name: An address or a key.
    """
    last = name.rpartition("/")[2]
    if "." not in last:
        return ""
    kind, encoding = _BUILT_IN_TYPES.guess_type(f"file:///{last}")
    return _BY_ENCODING.get(encoding, "") if encoding else kind or ""


def _mtime(source: ObjectDetails) -> float:
    """What a store read of metadata may be anything (`nan`, 1e300): such a time is none."""
    told = source.attributes.mtime
    return told if told and -_LATEST_SECONDS < told < _LATEST_SECONDS else mtime_of(source.attributes.user)


def mtime_of(user: tuple[tuple[str, str], ...]) -> float:
    """The modification time that user metadata tells, seconds since the epoch; 0.0 when there is none to be read.

    Args:
        user: Pairs of (lower-case name, value).
    """
    text = next((value for name, value in user if name == "mtime"), "")
    return float(text) if re.fullmatch(r"-?[0-9]{1,11}(\.[0-9]+)?", text) else 0.0


def _user(user: tuple[tuple[str, str], ...], mtime: float, scheme: str, uri: str) -> tuple[tuple[str, str], ...]:
    if mtime and not any(name == "mtime" for name, _ in user):
        user = tuple(sorted((*user, ("mtime", repr(mtime)))))
    if not user:
        return ()
    if scheme == "s3":
        _check_names(user, uri)
    size_bytes = sum(len(name.encode()) + len(value.encode()) for name, value in user)
    most_bytes = _MOST_USER_BYTES.get(scheme, size_bytes)
    if size_bytes > most_bytes:
        raise PermanentError(
            f"{shown(uri)} holds {size_bytes} bytes of user metadata, {scheme} takes {most_bytes}: nothing was "
            "copied, since it would be lost; shorten it at the source"
        )
    return user


def _check_names(user: tuple[tuple[str, str], ...], uri: str) -> None:
    for name, _ in user:
        if not _TOKEN.fullmatch(name):
            raise PermanentError(
                f"{shown(uri)} holds user metadata named {name!r}, which s3 can't hold (letters, digits and -_. only): "
                "nothing was copied, since it would be lost; rename it at the source"
            )
