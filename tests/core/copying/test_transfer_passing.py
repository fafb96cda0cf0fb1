"""Which objects may be sent on while they arrive: the truth table of `may_pass_on`, without a request."""

import pytest

from tests.core.copying.copies import settings_for, stores_of
from transforms.core.copying.buffer_budget import BufferBudget
from transforms.core.copying.planned_copy import PlannedCopy
from transforms.core.copying.transfer_ends import Job
from transforms.core.copying.transfer_passing import SMALLEST_BYTES, may_pass_on
from transforms.core.objects.details import ABSENT, NO_CHECKSUMS, Checksums, Listed
from transforms.core.objects.s3 import S3Store
from transforms.core.outcome import ObjectInfo

MD5 = Checksums(md5="0" * 32)


def may(source="s3://a/", destination="s3://b/", size=SMALLEST_BYTES, known=MD5, expected=NO_CHECKSUMS, **more):
    settings = settings_for(source, destination, verify=more.pop("verify", "auto"))
    stores = stores_of(settings)
    for store in stores:  # one a process: what another test learnt of it is forgotten
        if isinstance(store, S3Store):
            store._bucket.gives_md5s, store._bucket.tells_md5s = more.get("given", True), more.get("told", True)
    more = {name: value for name, value in more.items() if name == "again"}
    planned = PlannedCopy(
        Listed(ObjectInfo(f"{source}f", size, "v", 0.0), known), f"{destination}f", None, "missing", expected
    )
    return may_pass_on(Job(planned, settings, stores, BufferBudget(1), ABSENT, **more))


@pytest.mark.parametrize("verify", ["auto", "metadata"])
@pytest.mark.parametrize("known", [MD5, MD5._replace(crc32c="00000000")])
def test_what_the_destination_can_compare_is_passed_on(verify, known):
    assert may(verify=verify, known=known)


def test_what_a_store_tells_of_writes_need_not_be_known_where_it_may_be_read_again():
    assert may(told=None, verify="auto")


@pytest.mark.parametrize(
    "hindrance",
    [
        {"size": SMALLEST_BYTES - 1},
        {"size": -1},
        {"known": NO_CHECKSUMS},
        {"known": Checksums(crc32c="00000000")},
        {"verify": "full"},
        {"verify": "none"},
        {"expected": Checksums(sha256="0" * 64)},
        {"again": True},
        {"given": False},
        {"told": False},
        {"told": None, "verify": "metadata"},
        {"source": "gs://a/"},
        {"destination": "gs://b/"},
        {"destination": "file:///tmp/b/"},
        {"source": "file:///tmp/a/"},
        {"source": "https://a/"},
    ],
    ids=str,
)
def test_one_hindrance_is_enough(hindrance):
    assert not may(**hindrance)
