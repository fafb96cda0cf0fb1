"""The settings of pipelines that can go on: where what is new is learnt from, and when the stream ends."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from pipelines.settings import STREAM, Head, PipelineSettings, option


class StreamSettings(PipelineSettings):
    """What a pipeline over a prefix has beside its own settings."""

    watch: float = option(
        "Go on: look for new and changed objects every so many seconds.",
        group=STREAM,
        default=0,
        default_text="0: what is there now, once",
        values="0, or 0.1 to 86400 s",
        metavar="SECONDS",
        ge=0,
        le=86_400,
    )
    subscription: str | None = option(
        "Go on: work the objects that notifications in this Pub/Sub subscription name (Cloud Storage's own form, or "
        "S3 event JSON), after what is there already.",
        group=STREAM,
        default=None,
        values="projects/PROJECT/subscriptions/NAME",
        metavar="NAME",
        pattern=r"^projects/[^/\s]+/subscriptions/[^/\s]+$",
    )
    window_seconds: float = option(
        "In a stream: how long a batch waits for more at most.", group=STREAM, default=1, ge=0.05, le=3600
    )
    stop_after_idle_seconds: float = option(
        "In a stream: end when nothing new came for so long.",
        group=STREAM,
        default=0,
        default_text="0: never",
        values="0 to 604800 s",
        ge=0,
        le=604_800,
    )

    @property
    def head(self) -> Head:
        """Where the graph's elements come from."""
        if self.subscription:
            return "subscription"
        return "watch" if self.watch else "bounded"

    @model_validator(mode="after")
    def _one_head(self) -> Self:
        if self.watch and self.subscription:
            raise ValueError("--watch polls and --subscription is told: give one of the two")
        if 0 < self.watch < 0.1:
            raise ValueError(f"--watch {self.watch}: look at most ten times a second, 0.1")
        if self.head == "bounded":
            if self.stop_after_idle_seconds:
                raise ValueError("--stop_after_idle_seconds is for a stream: give --watch or --subscription too")
            return self
        refused = [name for name, given in self._finite() if given]
        if refused:
            what = "--watch" if self.watch else "--subscription"
            raise ValueError(f"{', '.join(refused)} has no meaning for a stream: leave it out, or leave out {what}")
        return self

    def _finite(self) -> list[tuple[str, bool]]:
        """Options that need an end, and whether they were given; pipelines add theirs."""
        return [("--dry_run", self.dry_run), ("--retry", self.retry is not None)]
