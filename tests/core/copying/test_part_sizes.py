from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from transforms.core.copying.part_sizes import MIB, fitted_part_bytes, parts_in_flight, plan_parts
from transforms.core.errors import PermanentError
from transforms.core.objects.details import Limits

GIB, TIB = 1 << 30, 1 << 40
S3 = Limits(5 * GIB, 5 * MIB, 5 * GIB, 10_000, 5 * GIB, True, 1024, 1000)
DISK = Limits(1 << 62, 1, 1 << 62, 1 << 31, 1 << 62, True, 4096, 1)
ONE_PUT_ONLY = Limits(MIB, 1, MIB, 4, 0, False, 1024, 1)

# (size, limits, wanted part bytes, largest put) -> (part bytes, parts)
TABLE = [
    (0, S3, 50 * MIB, 0, (0, 1)),
    (1, S3, 50 * MIB, 0, (0, 1)),
    (50 * MIB - 1, S3, 50 * MIB, 0, (0, 1)),
    (50 * MIB, S3, 50 * MIB, 0, (0, 1)),
    (50 * MIB + 1, S3, 50 * MIB, 0, (50 * MIB, 2)),
    (6 * MIB, S3, MIB, 0, (5 * MIB, 2)),
    (5 * GIB + 1, S3, 50 * MIB, 5 * GIB, (50 * MIB, 103)),
    (4 * GIB, S3, 50 * MIB, 5 * GIB, (0, 1)),
    (TIB, S3, 50 * MIB, 0, (105 * MIB, 9987)),
    (10_000 * 50 * MIB, S3, 50 * MIB, 0, (50 * MIB, 10_000)),
    (10_000 * 50 * MIB + 1, S3, 50 * MIB, 0, (51 * MIB, 9804)),
    (6 * GIB, S3, 7 * GIB, 0, (5 * GIB, 2)),
    (10_000 * 5 * GIB, S3, 50 * MIB, 0, (5 * GIB, 10_000)),
    (3 * MIB, ONE_PUT_ONLY, 50 * MIB, 0, (MIB, 3)),
]


@pytest.mark.parametrize(("size", "limits", "part", "put", "expected"), TABLE)
def test_parts_are_planned_by_the_table(size, limits, part, put, expected):
    assert plan_parts(size, limits, part, put) == expected


def test_an_object_larger_than_the_store_takes_is_refused_with_both_numbers():
    with pytest.raises(PermanentError, match=str(10_000 * 5 * GIB)):
        plan_parts(10_000 * 5 * GIB + 1, S3, 50 * MIB)


@given(
    st.integers(0, 50 * TIB),
    st.integers(1, 8 * GIB),
    st.integers(0, 6 * GIB),
    st.sampled_from([S3, DISK]),
)
def test_parts_keep_the_limits_and_cover_the_object(size, part, put, limits):
    assume(size <= limits.max_parts * limits.max_part_bytes)
    plan = plan_parts(size, limits, part, put)
    if plan.part_bytes == 0:
        assert plan.parts == 1
        assert size <= limits.max_put_bytes
        return
    assert 2 <= plan.parts <= limits.max_parts or size <= plan.part_bytes
    assert limits.min_part_bytes <= plan.part_bytes <= limits.max_part_bytes
    assert (plan.parts - 1) * plan.part_bytes < size <= plan.parts * plan.part_bytes


@given(st.integers(0, 1000), st.integers(1, 100))
def test_spans_lie_end_to_end(size, part):
    limits = Limits(10, 1, 1 << 40, 1 << 20, 0, True, 1024, 1)
    plan = plan_parts(size, limits, part)
    spans = plan.spans(size)
    assert len(spans) == plan.parts
    assert spans[0][0] == 0
    assert spans[-1][1] == size
    assert all(before[1] == after[0] for before, after in pairwise(spans))


@pytest.mark.parametrize(
    ("part", "buffer", "threads", "expected"),
    [
        (50 * MIB, 160 * MIB, 16, 3),
        (10 * MIB, 160 * MIB, 16, 16),
        (MIB, 160 * MIB, 16, 16),
        (500 * MIB, 160 * MIB, 16, 1),
        (0, 160 * MIB, 4, 4),
    ],
)
def test_parts_in_flight_fit_the_buffer(part, buffer, threads, expected):
    assert parts_in_flight(part, buffer, threads) == expected


@pytest.mark.parametrize(
    ("part", "buffer", "threads", "expected"),
    [
        (50 * MIB, 160 * MIB, 16, 10 * MIB),
        (8 * MIB, 160 * MIB, 16, 8 * MIB),
        (50 * MIB, 16 * MIB, 16, 5 * MIB),
        (50 * MIB, 1600 * MIB, 16, 50 * MIB),
    ],
)
def test_parts_are_cut_so_that_all_threads_fit_the_buffer(part, buffer, threads, expected):
    assert fitted_part_bytes(part, S3, buffer, threads) == expected
