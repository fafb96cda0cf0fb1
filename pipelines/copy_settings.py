"""The settings of `copy` and `verify`. Importing this imports no Beam."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import field_validator, model_validator

from pipelines import store_options
from pipelines.settings import MEMORY, PipelineSettings, option
from pipelines.stream_settings import StreamSettings
from transforms.core.copying.deletion import read_max_delete
from transforms.core.errors import ConfigError

SOURCE, DESTINATION, WHICH = "Source", "Destination", "Which objects"
HOW, BATCHES = "How they are copied", "Batches and threads"
SIZE = re.compile(r"^(\d+)\s*([KMGT]?)i?B?$", re.IGNORECASE)
TIME_FORM = "2024-05-31, 2024-05-31T12:00:00+00:00, or seconds since the epoch"


class VerifySettings(PipelineSettings):
    """What `verify` compares: both sides, which objects, and by what."""

    source: str | None = option(
        "Where objects come from: everything below a prefix or folder, or one object.",
        group=SOURCE,
        default=None,
        values="local path, s3://, gs:// or (one object) http(s):// address; wildcards *, ?, [...] and **",
        metavar="URI",
        address=True,
    )
    manifest: str | None = option(
        "List of the objects, in place of --source: CSV or JSON Lines with source[,destination][,size][,CHECKSUM].",
        group=SOURCE,
        default=None,
        values="local path, s3:// or gs:// address",
        metavar="FILE",
        address=True,
    )
    source_endpoint_url: str | None = store_options.endpoint(SOURCE, "read from")
    source_region: str | None = store_options.region(SOURCE)
    source_profile: str | None = store_options.profile(SOURCE)
    source_access_key_id: str | None = store_options.access_key_id(SOURCE)
    source_secret_access_key: str | None = store_options.secret_access_key(SOURCE)
    source_session_token: str | None = store_options.session_token(SOURCE)
    source_anonymous: bool = store_options.anonymous(SOURCE, "Read")
    source_requester_pays: bool = store_options.requester_pays(SOURCE, "reading")

    destination: str = option(
        "Where they go: a prefix or folder; for one object also its new name.",
        group=DESTINATION,
        values="local path, s3:// or gs:// address",
        metavar="URI",
        address=True,
    )
    destination_endpoint_url: str | None = store_options.endpoint(DESTINATION, "write to")
    destination_region: str | None = store_options.region(DESTINATION)
    destination_profile: str | None = store_options.profile(DESTINATION)
    destination_access_key_id: str | None = store_options.access_key_id(DESTINATION)
    destination_secret_access_key: str | None = store_options.secret_access_key(DESTINATION)
    destination_session_token: str | None = store_options.session_token(DESTINATION)
    destination_anonymous: bool = store_options.anonymous(DESTINATION, "Use")
    destination_requester_pays: bool = store_options.requester_pays(DESTINATION, "listing")

    include: tuple[str, ...] = option(
        "Only keys (relative to the source; with --manifest to the destination) that one of these globs matches.",
        group=WHICH,
        default=(),
        values="globs: *, ?, [...]; ** spans folders",
        metavar="GLOB",
        repeat_only=True,
    )
    exclude: tuple[str, ...] = option(
        "No keys that one of these globs matches; beats --include.",
        group=WHICH,
        default=(),
        values="globs",
        metavar="GLOB",
        repeat_only=True,
    )
    min_size: str = option(
        "Smallest size.", group=WHICH, default="0", values="bytes, 10K, 5M, 1G", pattern=SIZE.pattern
    )
    max_size: str | None = option(
        "Largest size.", group=WHICH, default=None, default_text="no limit", values="bytes, 10K, 5M, 1G",
        pattern=SIZE.pattern,
    )  # fmt: skip
    newer_than: str | None = option(
        "Only what was modified at or after this time (UTC where no zone is given).",
        group=WHICH,
        default=None,
        values=TIME_FORM,
        metavar="TIME",
    )
    older_than: str | None = option(
        "Only what was modified before this time.", group=WHICH, default=None, values=TIME_FORM, metavar="TIME"
    )
    verify: Literal["auto", "metadata", "full"] = option(
        "What proves two objects the same: a checksum that both sides know, else reading them again (auto); never "
        "reading (metadata); always reading (full).",
        group=HOW,
        default="auto",
    )
    buffer_mb: int = option(
        "Bytes in flight in each worker process, whatever part size and concurrency give.",
        group=MEMORY,
        default=160,
        ge=8,
        le=1_048_576,
    )
    max_concurrent: int = option(
        "Objects worked at the same time in each worker process.", group=MEMORY, default=16, ge=1, le=256
    )
    bytes_per_second: int = option(
        "Bytes a second through each worker process, those read again to prove a copy too.",
        group=BATCHES,
        default=0,
        default_text="0: no limit",
        ge=0,
        le=10**12,
    )
    requests_per_second: int = option(
        "Requests a second of each worker process.",
        group=BATCHES,
        default=0,
        default_text="0: no limit",
        ge=0,
        le=10**12,
    )

    @field_validator("newer_than", "older_than")
    @classmethod
    def _is_a_time(cls, value: str | None) -> str | None:
        if value is not None:
            seconds_of(value)
        return value

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if (self.source is None) == (self.manifest is None):
            raise ValueError("give --source or --manifest, one of the two")
        return self

    @model_validator(mode="after")
    def _filters_let_something_through(self) -> Self:
        if self.max_size is not None and bytes_of(self.min_size) > bytes_of(self.max_size):
            raise ValueError(f"--min_size {self.min_size} is above --max_size {self.max_size}: no object is both")
        bounds = self.newer_than, self.older_than
        if bounds[0] and bounds[1] and seconds_of(bounds[0]) >= seconds_of(bounds[1]):
            raise ValueError(f"--newer_than {bounds[0]} isn't before --older_than {bounds[1]}: no object is both")
        return self

    @model_validator(mode="after")
    def _credentials_are_one(self) -> Self:
        for side in ("source", "destination"):
            if problem := store_options.contradiction(self, side):
                raise ValueError(problem)
        return self


class CopySettings(VerifySettings, StreamSettings):
    """What `copy` copies, from where to where, and how."""

    mode: Literal["auto", "direct_sync", "hybrid", "traditional"] = option(
        "Way of the bytes: on the server (direct_sync), there or else through memory (hybrid), by a temporary file "
        "(traditional), or the cheapest that is possible (auto).",
        group=HOW,
        default="auto",
    )
    fallback: Literal["any", "none"] = option(
        "Whether an object that can't go by one mode goes by the next.", group=HOW, default="any"
    )
    verify: Literal["auto", "metadata", "full", "none"] = option(  # type: ignore[assignment]  # a copy may go unproved
        "What proves two objects the same: a checksum that both sides know, else reading them again (auto); never "
        "reading (metadata); always reading (full); nothing (none, reported as not_checked).",
        group=HOW,
        default="auto",
    )
    compare_by: Literal["auto", "checksum", "size", "mtime"] = option(
        "What makes a destination object the same as its source.", group=HOW, default="auto"
    )
    incremental: bool = option(
        "Leave alone what is the same (--no_incremental copies it again).", group=HOW, default=True
    )
    if_exists: Literal["overwrite", "skip", "fail"] = option(
        "What happens to destination objects found different.", group=HOW, default="overwrite"
    )
    storage_class: str = option(
        "Storage class of what is written; `keep`: the source's.",
        group=HOW,
        default="",
        default_text="the destination's own",
        values="a class of the destination's store, or keep",
    )
    keep_tags: bool = option("Copy S3 tags too (a request more for each object).", group=HOW, default=False)
    delete: bool = option(
        "Delete destination objects that have no source, at the very end, if everything else went well.",
        group=HOW,
        default=False,
    )
    max_delete: str = option(
        "Most objects that one run may delete; with more, none is.",
        group=HOW,
        default="10%",
        values="a count (100) or a share (10%) of the destination's objects that the filters let through",
        metavar="N|P%",
    )
    batch_size: int = option(
        "Objects worked together: in one run of the server-side program, in a batch of a stream.",
        group=BATCHES,
        default=100,
        ge=1,
        le=10_000,
    )
    part_size_mb: int = option(
        "Size of the parts of large objects (adjusted to the store's limits).", group=BATCHES, default=50, ge=5, le=5120
    )

    def _finite(self) -> list[tuple[str, bool]]:
        endless = ("--no_incremental", not self.incremental)  # what is told of twice would be copied twice
        return [*super()._finite(), endless, ("--delete", self.delete), ("--manifest", self.manifest is not None)]

    @model_validator(mode="after")
    def _delete_has_a_listing(self) -> Self:
        if self.delete and self.manifest is not None:
            raise ValueError("--delete needs --source: what a --manifest doesn't name is no extra; give one of the two")
        return self

    @field_validator("max_delete")
    @classmethod
    def _is_a_limit(cls, value: str) -> str:
        try:
            read_max_delete(value)
        except ConfigError as e:
            raise ValueError(str(e)) from e  # so that it is told with the option's name
        return value


def bytes_of(text: str) -> int:
    """A size as people write it: `10K` is 10,240 bytes."""
    match = SIZE.fullmatch(text.strip())
    assert match is not None  # the pattern was checked
    return int(match[1]) << (10 * " KMGT".index(match[2].upper() or " "))


def seconds_of(text: str) -> float:
    """A time as seconds since the epoch.

    Raises:
        ValueError: It is none.
    """
    try:
        return float(text)
    except ValueError:  # then it is a moment
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as e:
        raise ValueError(f"{text!r} is no time: write {TIME_FORM}") from e
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
