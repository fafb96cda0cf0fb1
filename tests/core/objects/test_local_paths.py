import pytest

from transforms.core.objects import local_paths

TEMPORARY = ".hornbeam-" + "0123456789abcdef" * 2 + ".tmp"


@pytest.mark.parametrize(
    "key",
    [
        "a", "a/b", "a b/c d", ".a", "..a", "a..", "...", "a\\b", "ä/文", "a\nb", "CON", "~", "-rf",
        "%2e%2e/a", "\udcff",
        "n" * 255, "文" * 85, "/".join(["n" * 255] * 15), ".hornbeam-x.tmp", f"{TEMPORARY}/a", f"{TEMPORARY}.gz",
    ],
)  # fmt: skip
def test_what_a_disk_can_hold_is_taken(key):
    assert local_paths.refusal(key) == ""


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "nothing between two slashes"),
        ("a/", "folder marker"),
        ("/", "folder marker"),
        ("../", "folder marker"),
        ("/a", "nothing between two slashes"),
        ("a//b", "nothing between two slashes"),
        (".", "lead elsewhere"),
        ("a/./b", "lead elsewhere"),
        ("..", "lead elsewhere"),
        ("../a", "lead elsewhere"),
        ("a/../../b", "lead elsewhere"),
        ("a/..", "lead elsewhere"),
        ("a\0b", "NUL"),
        ("a\ud800", "not valid Unicode"),
        ("n" * 256, "has 256 bytes"),
        ("a/" + "文" * 86 + "/b", "has 258 bytes"),
        ("/".join(["n" * 255] * 16 + ["n"]), "longer than 4095 bytes"),
        (TEMPORARY, "temporary files"),
        (f"a/{TEMPORARY}", "temporary files"),
    ],
)
def test_what_a_disk_cannot_hold_is_refused_with_its_remedy(key, reason):
    refusal = local_paths.refusal(key)
    assert reason in refusal
    assert any(remedy in refusal for remedy in ("rename it", "--exclude"))


def test_temporary_names_are_ours_and_differ():
    names = {local_paths.temporary_name("0123456789abcdef") for _ in range(100)}
    assert len(names) == 100
    assert all(map(local_paths.is_temporary, names))
    assert {local_paths.writer_of(name) for name in names} == {"0123456789abcdef"}
    assert local_paths.writer_of("a.tmp") == ""


@pytest.mark.parametrize(
    ("name", "names", "expected"),
    [
        ("README", ["a", "README", "readme"], ""),
        ("README", ["a", "readme"], "readme"),
        ("README", ["a"], ""),
        ("straße", ["STRASSE"], "STRASSE"),
        ("README", [], ""),
    ],
)
def test_a_name_that_stands_in_another_spelling_is_found(name, names, expected):
    assert local_paths.other_spelling(name, names) == expected
