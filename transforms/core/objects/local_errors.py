"""What an error of the operating system means for a file, as the suite's own errors."""

from __future__ import annotations

import errno
import re
from typing import NoReturn

from transforms.core.errors import PermanentError, TransientError
from transforms.core.objects.access import ForbiddenError, MissingError

MISSING = (errno.ENOENT, errno.ENOTDIR)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_MAY_PASS = (errno.EIO, errno.EAGAIN, errno.ESTALE, errno.ETIMEDOUT, errno.EINTR, errno.EMFILE, errno.ENFILE)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


def refuse(error: OSError, uri: str, verb: str) -> NoReturn:
    """Raises what `error` means.

    Args:
        error: What the operating system said.
        uri: The file's address.
        verb: What was tried, as in `can't VERB uri`.

    Raises:
        MissingError: There is no such file.
        ForbiddenError: This user may not.
        TransientError: It may pass.
        PermanentError: Anything else.
    """
    cause = re.sub(r"^\[Errno \d+\] ", "", error.strerror or str(error))
    if error.errno in MISSING:
        raise MissingError(f"can't {verb} {uri}: there is no such file or folder; check its spelling") from error
    if error.errno in _FORBIDDEN:
        raise ForbiddenError(f"can't {verb} {uri}: {cause}; give this user the permission") from error
    if error.errno in _MAY_PASS:
        raise TransientError(f"can't {verb} {uri}: {cause}") from error
    remedy = "; free some space on that disk" if error.errno in _FULL else ""
    raise PermanentError(f"can't {verb} {uri}: {cause} (errno {error.errno}){remedy}") from error
