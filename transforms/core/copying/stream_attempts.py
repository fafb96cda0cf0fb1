"""One object that a stream was told of: what stands in the source now is looked at, judged by the filters, and copied.

What fails comes back as a value: one bad object never stops a batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from transforms.core.copying.attempts import Attempt, copy_described
from transforms.core.copying.filters import judged
from transforms.core.copying.manifest_rows import ManifestRow
from transforms.core.copying.stream_source import admitted
from transforms.core.copying.sync_plan import Decision
from transforms.core.errors import HornbeamError, InterruptedRunError, SourceChangedError
from transforms.core.objects.access import ConflictError, MissingError
from transforms.core.objects.details import NO_CHECKSUMS

if TYPE_CHECKING:
    from transforms.core.copying.buffer_budget import BufferBudget
    from transforms.core.copying.copy_settings import CopySettings
    from transforms.core.copying.transfer_ends import Stores
    from transforms.core.outcome import ObjectInfo

LOOKS: Final = 3
_MEANWHILE: Final = (SourceChangedError, MissingError, ConflictError)


class Present(NamedTuple):
    """What became of the object that stands under a name now.

    Attributes:
        info: The object as it was last seen; None when it is gone, or nobody could look.
        attempt: What became of it; None when it is no part of the copy (gone, or filtered out).
    """

    info: ObjectInfo | None
    attempt: Attempt | None


def copy_present(uri: str, key: str, settings: CopySettings, stores: Stores, budget: BufferBudget) -> Present:
    """Copies what stands under a name now, if it must.

    | an attempt ended so | then |
    |---|---|
    | the source changed or went meanwhile | looked at again: a stream's objects are being written |
    | another write took the name meanwhile | likewise: another batch may hold another version of the same object |
    | in any other way, or so for the third time | that is what became of it |

    Args:
        uri: The object's address.
        key: Relative to the source.
        settings: The copy's.
        stores: Where both ends live.
        budget: The process's bytes in flight.

    Raises:
        InterruptedRunError: The run was given up.
    """
    found, attempt = None, None
    for _ in range(LOOKS):
        try:
            ours = stores.source.details(uri)
        except MissingError:
            return Present(None, None)
        except InterruptedRunError:
            raise
        except HornbeamError as error:
            return Present(None, Attempt(Decision("copy", "unproven"), error=error))
        found, attempt = ours.info, None
        if not admitted(key, judged(ours), settings):
            break
        row = ManifestRow(0, uri, settings.destination.uri + key, -1, NO_CHECKSUMS)
        attempt = copy_described(ours, row, settings, stores, budget)
        if not isinstance(attempt.error, _MEANWHILE):
            break
    return Present(found, attempt)
