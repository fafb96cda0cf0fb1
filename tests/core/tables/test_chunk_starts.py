"""Where chunks begin: by number or by length, whatever was open before, and always in whole records."""

import numpy as np
import pytest

from transforms.core.tables.chunk_starts import chunk_starts

TENS = [0, 10, 20, 30, 40, 50]


@pytest.mark.parametrize(
    ("starts", "opened", "most_records", "most_units", "expected"),
    [
        ([], None, 2, 100, []),
        (TENS, None, 100, 1000, [0]),
        (TENS, None, 2, 1000, [0, 2, 4]),
        (TENS, None, 100, 20, [0, 2, 4]),
        (TENS, None, 100, 11, [0, 2, 4]),
        (TENS, None, 1, 1, [0, 1, 2, 3, 4, 5]),
        ([5, 95, 96, 97, 300, 301], None, 3, 50, [0, 1, 4]),
        ([0, 7, 7, 7], None, 100, 7, [0, 1]),
        (TENS, (-3, -20), 100, 1000, []),
        (TENS, (-3, -20), 4, 1000, [1, 5]),
        (TENS, (-4, -20), 4, 1000, [0, 4]),
        (TENS, (-3, -90), 100, 100, [1]),
        (TENS, (-3, -990), 100, 100, [0]),
        ([3], (-1, -500), 100, 1 << 62, []),
    ],
)
def test_a_chunk_ends_when_it_has_enough_records_or_is_long_enough(starts, opened, most_records, most_units, expected):
    assert chunk_starts(np.array(starts, np.int64), opened, most_records, most_units) == expected
