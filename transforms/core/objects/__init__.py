"""Objects on local disk, S3, GCS and HTTP: addresses, listing, ranged reads, small writes."""
