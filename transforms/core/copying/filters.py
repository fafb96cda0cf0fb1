"""Which objects take part in a copy: globs over relative keys, bounds of size and time. Pure.

The same filters hold for both sides: what they keep from being copied is never an extra to be deleted.
"""

from __future__ import annotations

import os.path
from functools import lru_cache
from typing import TYPE_CHECKING

from transforms.core.copying.copy_settings import Filters
from transforms.core.objects.details import Listed
from transforms.core.objects.patterns import key_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from transforms.core.objects.details import ObjectDetails

_NO_FILTERS = Filters()


@lru_cache(maxsize=8)
def admission(filters: Filters) -> Callable[[str, Listed], bool]:
    """Compiles filters into a test of (relative key, object); what is cheap to ask is asked first.

    | filter | lets through |
    |---|---|
    | `include` | keys that one of its globs matches; all when there is none |
    | `exclude` | keys that none of its globs matches; beats `include` |
    | `min_size_bytes`, `max_size_bytes` | sizes from the one to the other, both included; never an unknown size |
    | `newer_than`, `older_than` | times from the one, to before the other; never an unknown time |

    The time is the kept modification time where the listing tells one, else the store's.

    Args:
        filters: What was asked for.

    Raises:
        ConfigError: A glob that can't be read.
    """
    include = [key_pattern(glob).matches.fullmatch for glob in filters.include]
    exclude = [key_pattern(glob).matches.fullmatch for glob in filters.exclude]
    if filters == _NO_FILTERS:
        return lambda _key, _listed: True
    least, most = filters.min_size_bytes, filters.max_size_bytes
    after, before = filters.newer_than, filters.older_than

    def admits(key: str, listed: Listed) -> bool:
        size = listed.info.size_bytes
        if (least > 0 and size < least) or (most >= 0 and not 0 <= size <= most):
            return False
        time = listed.mtime or listed.info.modified
        if (after and time < after) or (before and not 0.0 < time < before):
            return False
        if any(matches(key) for matches in exclude):
            return False
        return not include or any(matches(key) for matches in include)

    return admits


def by_name(filters: Filters) -> Filters:
    """The filters that a name alone can be judged by.

    Args:
        filters: What was asked for.
    """
    return Filters(include=filters.include, exclude=filters.exclude)


def judged(found: ObjectDetails) -> Listed:
    """A described object as the filters see it: as a listing of its store would tell of it. S3's tell no kept times.

    Args:
        found: What a HEAD tells.
    """
    known = not found.info.uri.startswith("s3:")
    return Listed(found.info, mtime=found.attributes.mtime if known else 0.0)


def common_prefix(filters: Filters) -> str:
    """What every included key starts with: all that has to be listed. "" when that is everything.

    Args:
        filters: What was asked for.

    Raises:
        ConfigError: A glob that can't be read.
    """
    return os.path.commonprefix([key_pattern(glob).prefix for glob in filters.include])  # noqa: RUF071 - characters are meant
