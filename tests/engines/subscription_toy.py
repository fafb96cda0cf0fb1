"""A small streaming graph with a subscription at its head: what its DoFn gets, it writes down in the run folder."""

from __future__ import annotations

import json
import threading
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.engines.subscribed import SubscribedRunner
from transforms.batching import WindowedBatches
from transforms.core.run_folder import RunFolder
from transforms.core.streams.stream_part import BatchTotals, write_batch
from transforms.heads_pubsub import SubscribedObjects
from transforms.pooled import PooledDoFn

if TYPE_CHECKING:
    from pathlib import Path

    from transforms.core.outcome import ObjectInfo


class Toy(NamedTuple):
    """A graph to be."""

    folder: Path
    subscription: str
    there: tuple[ObjectInfo, ...] = ()
    batch_size: int = 100
    window_seconds: float = 0.3
    stop_after_idle_seconds: float = 3.0

    def start(self):
        """The running graph; it doesn't block."""
        pipeline = beam.Pipeline(SubscribedRunner(self.stop_after_idle_seconds), PipelineOptions([]))
        folder = RunFolder(f"file://{self.folder}", "run")
        _ = (
            pipeline
            | SubscribedObjects(self.subscription, partial(list, self.there), is_ours, folder)
            | WindowedBatches(self.batch_size, 1 << 30, self.window_seconds, size_of=size_of, key_of=key_of)
            | "Work" >> beam.ParDo(WriteDown(folder))
            | "Seen" >> beam.Map(seen)
        )
        return pipeline.run()

    def run(self):
        """Runs to the end."""
        return self.start().wait_until_finish()

    def batches(self):
        """The identities in each batch."""
        lines = RunFolder(f"file://{self.folder}", "run").parts()
        return [line["identities"] for line in lines if line["kind"] == "batch"]

    def worked(self):
        """How often each identity was worked."""
        return Counter(identity for batch in self.batches() for identity in batch)

    def told(self):
        """The sums of the lines of kind `stream`."""
        sums = Counter()
        for line in RunFolder(f"file://{self.folder}", "run").parts():
            if line["kind"] == "stream":
                sums.update({name: count for name, count in line.items() if name != "kind"})
        return {name: count for name, count in sums.items() if count}

    def unreadable(self):
        """What is shown of unreadable messages."""
        return [line for line in RunFolder(f"file://{self.folder}", "run").parts() if line["kind"] == "unreadable"]


class Signs:
    """What the graph's threads tell the test's."""

    def __init__(self):
        self.asked = threading.Semaphore(0)  # an address was looked at
        self.fails = 0  # so many batches fail


SIGNS = Signs()


def is_ours(uri):
    """What the source holds."""
    SIGNS.asked.release()
    return uri.startswith(("gs://in/data/", "s3://in/data/"))


def size_of(notice):
    return max(notice.size_bytes, 1)


def key_of(notice):
    return notice.uri


class WriteDown(PooledDoFn):
    """One part a batch."""

    finishes = True

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def work(self, element):
        if SIGNS.fails:
            SIGNS.fails -= 1
            raise OSError("the disk is full")
        line = {"kind": "batch", "identities": [notice.identity for notice in element]}
        totals = BatchTotals(told=len(element))
        write_batch(self.folder, element, [line], totals)
        return [totals]


def seen(totals):
    """Only what a batch said goes on."""
    assert isinstance(totals, BatchTotals)
    return totals


def gcs_message(key, generation, event="OBJECT_FINALIZE", bucket="in"):
    """A message as Cloud Storage sends it."""
    attributes = {"eventType": event, "bucketId": bucket, "objectId": key, "objectGeneration": str(generation)}
    resource = {"kind": "storage#object", "size": "7", "updated": "2023-11-14T22:13:20Z"}
    return json.dumps(resource).encode(), attributes | {"payloadFormat": "JSON_API_V1"}


def s3_message(*keys, etag="e1", event="ObjectCreated:Put", bucket="in"):
    """A message with S3 records."""
    records = [
        {
            "eventName": event,
            "eventTime": "2023-11-14T22:13:20.000Z",
            "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 7, "eTag": etag}},
        }
        for key in keys
    ]
    return json.dumps({"Records": records}).encode(), {}
