"""Numbers as people read them: bytes, counts, durations."""

from __future__ import annotations


def human_bytes(size_bytes: float) -> str:
    """`78.1 MB`: decimal units, three digits.

    Args:
        size_bytes: A number of bytes.
    """
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(size) < 999.5 or unit == "TB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" or size >= 99.95 else f"{size:.1f} {unit}"


def human_count(number: int) -> str:
    """`1,234,567`.

    Args:
        number: Any whole number.
    """
    return f"{number:,}"


def human_seconds(seconds: float) -> str:
    """`0.42 s`, `12.3 s`, `4 min 05 s`, `2 h 03 min`.

    Args:
        seconds: A duration.
    """
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
