"""A settings model with one field of every kind, for the tests of the machinery."""

from typing import Literal

from pipelines.settings import PipelineSettings, option


class SampleSettings(PipelineSettings):
    """Try every kind of setting."""

    project: tuple[str, ...] = option(
        "Addresses.", group="Sample", values="addresses", min_length=1, repeat_only=True, metavar="URI"
    )
    words: tuple[str, ...] = option("Words.", group="Sample", default=(), values="words", aliases=("staging_words",))
    batch_size: int = option("Items of a batch.", group="Sample", default=100, ge=1, le=1000)
    wait_seconds: float = option("How long to wait.", group="Sample", default=1.5, ge=0, le=60)
    codec: Literal["gzip", "zstd"] = option("How to compress.", group="Sample", default="gzip")
    keep: bool = option("Keep the original.", group="Sample", default=False)
    name_file: str | None = option("A name.", name="name", group="Sample", default=None, values="any text")
    database: str | None = option(
        "A database.", group="Sample", default=None, values="an address", password_field="database_key"
    )
    database_key: str | None = option(
        "Its password.", group="Sample", default=None, values="a reference", pattern="^env:.+$", secret=True
    )
    month: int | None = option("A month.", group="Sample", default=None, ge=1, le=12, positional=True)
    year: int | None = option("A year.", group="Sample", default=None, ge=1970, le=2100, positional=True)
