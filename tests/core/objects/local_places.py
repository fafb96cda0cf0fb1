"""A destination folder as copying sees it."""

from __future__ import annotations

from transforms.core.objects.details import ANY, NO_CHECKSUMS, Attributes
from transforms.core.objects.store import open_copy_store

MTIME = 1_600_000_000.1234567
KEPT = Attributes(mtime=MTIME)


class Bucket:
    """A destination folder, beside which nothing may appear."""

    def __init__(self, folder):
        self.folder = folder
        self.root = f"file://{folder}/"
        self.store = open_copy_store(self.root)

    def put(self, key, data=b"new", condition=ANY, attributes=KEPT):
        return self.store.put(self.root + key, data, attributes, NO_CHECKSUMS, condition)

    def files(self):
        return sorted(
            str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file() or path.is_symlink()
        )


def empty_bucket(tmp_path):
    (tmp_path / "out").mkdir()
    return Bucket(tmp_path / "out")
