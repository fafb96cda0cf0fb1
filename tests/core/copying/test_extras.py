from __future__ import annotations

import pytest

from transforms.core.copying.extras import ExtrasNote, ExtrasWriter, extra_batches, read_note
from transforms.core.objects.access import MissingError
from transforms.core.outcome import ObjectInfo
from transforms.core.run_folder import new_run_folder


@pytest.fixture
def folder(tmp_path):
    return new_run_folder("copy", str(tmp_path / "run"))


def infos(count, size=2):
    return [ObjectInfo(f"s3://b/{number:03} \u4e2d'\n\"", size, f"e{number}", 1.5) for number in range(count)]


def written(folder, unit_id, extras, objects=50):
    writer = ExtrasWriter(folder, unit_id, page_extras=4)
    for info in extras:
        writer.add(info)
    return writer.finish(objects)


@pytest.mark.parametrize("count", [0, 1, 4, 5, 9])
def test_extras_come_back_in_batches_as_they_were(folder, count):
    note = written(folder, "range-0001", infos(count))
    assert note == ExtrasNote("range-0001", -(-count // 4), count, 2 * count, 50)
    assert read_note(folder, "range-0001") == note
    batches = list(extra_batches(folder, note, 3))
    assert [info for batch in batches for info in batch] == infos(count)
    assert all(1 <= len(batch) <= 3 for batch in batches)


def test_a_range_that_did_not_finish_has_no_note(folder):
    writer = ExtrasWriter(folder, "range-0001", page_extras=1)
    writer.add(infos(1)[0])
    assert read_note(folder, "range-0001") is None


def test_a_range_worked_again_forgets_what_it_wrote_before(folder):
    written(folder, "range-0001", infos(9))
    note = written(folder, "range-0001", infos(2))
    assert [info for batch in extra_batches(folder, note, 100) for info in batch] == infos(2)


def test_ranges_do_not_mix(folder):
    first, second = written(folder, "range-1", infos(5)), written(folder, "range-1.1", infos(3))
    assert [len(batch) for batch in extra_batches(folder, first, 100)] == [4, 1]
    assert [len(batch) for batch in extra_batches(folder, second, 100)] == [3]


def test_names_on_disk_that_are_no_unicode_are_kept(folder):
    info = ObjectInfo("file:///d/\udcff", -1, "", 0.0)
    note = written(folder, "range-1", [info])
    assert note.extra_bytes == 0
    assert list(extra_batches(folder, note, 10)) == [[info]]


def test_a_lost_page_is_an_error_and_no_silence(folder, tmp_path):
    note = written(folder, "range-1", infos(9))
    (tmp_path / "run" / "extras" / folder.run_id / "range-1.000001.jsonl").unlink()
    with pytest.raises(MissingError, match="run the command again"):
        list(extra_batches(folder, note, 10))


def test_extras_are_not_among_the_parts_that_are_merged(folder):
    written(folder, "range-1", infos(2))
    assert list(folder.parts()) == []


@pytest.mark.parametrize("unit_id", ["", "../x", "a/b"])
def test_a_unit_id_that_can_not_name_a_file_is_refused(folder, unit_id):
    with pytest.raises(ValueError, match="can't name a file"):
        ExtrasWriter(folder, unit_id)
