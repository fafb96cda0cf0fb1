"""Which names a bucket can hold: decided here, since servers differ in what they do with the others.

Some refuse them as a wrong signature, some store them under another name. A disk's own rules are in local_paths.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from transforms.core.objects.uri import parse

if TYPE_CHECKING:
    from transforms.core.objects.details import Limits


def refusal(uri: str, limits: Limits) -> str:
    """Why an address can't be written, with the remedy; "" when it can.

    | address                     | why not                                  |
    |-----------------------------|------------------------------------------|
    | on a disk, or on the web    | (it can, as far as is asked here)        |
    | key of up to `max_key_bytes` | (it can)                                |
    | a longer key                | no key has so many bytes                 |
    | not Unicode                 | keys are UTF-8                           |

    Args:
        uri: Absolute address.
        limits: The store's.
    """
    if (uri.isascii() and len(uri) <= limits.max_key_bytes) or not uri.startswith(("s3:", "gs:")):
        return ""
    try:
        size_bytes = len(parse(uri).key.encode())
    except UnicodeEncodeError:
        return "its name is not valid Unicode, and a bucket's keys are UTF-8: rename it"
    if size_bytes > limits.max_key_bytes:
        return (
            f"its key has {size_bytes} bytes there, and a bucket takes {limits.max_key_bytes} at most: rename it, or "
            "copy to a shorter prefix"
        )
    return ""
