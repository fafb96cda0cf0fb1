"""Streams of objects: what was seen or told of, how notifications read, what a poll finds, how a batch is accounted."""
