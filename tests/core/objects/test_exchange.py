import email.utils
import time
import tracemalloc

import pytest

from transforms.core.errors import ConfigError
from transforms.core.objects.exchange import Gathered, connections, retry_after_seconds


@pytest.mark.parametrize(("value", "seconds"), [(None, None), ("", None), ("7", 7.0), ("soon", None)])
def test_retry_after_is_read(value, seconds):
    assert retry_after_seconds(value) == seconds


def test_retry_after_may_be_a_date():
    seconds = retry_after_seconds(email.utils.formatdate(time.time() + 100, usegmt=True))
    assert 95 < seconds <= 100
    assert retry_after_seconds(email.utils.formatdate(0, usegmt=True)) == 0.0


@pytest.mark.parametrize("endpoint", ["localhost:9000", "ftp://host", "https://key:pw@host", "http://[bad"])
def test_an_endpoint_that_is_none_is_refused(endpoint):
    with pytest.raises(ConfigError) as caught:
        connections(endpoint)
    assert "pw" not in str(caught.value)


def test_a_body_put_together_is_held_once():
    piece_bytes, count = 1 << 20, 32
    tracemalloc.start()
    try:
        whole = Gathered()
        for number in range(count):
            whole.add(bytes([number]) * piece_bytes)
        data = whole.value()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert data == b"".join(bytes([number]) * piece_bytes for number in range(count))
    assert peak < 1.3 * count * piece_bytes
    assert Gathered().value() == b""
