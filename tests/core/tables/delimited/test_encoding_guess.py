import pytest

from transforms.core.errors import ConfigError
from transforms.core.tables.delimited.encoding_guess import (
    cell_text,
    check_codec,
    guess_encoding,
    structure,
    unsafe_characters,
)

CHINESE = "编号,名称,备注\n1,不锈钢不行,上海\n2,不上不下,上上\n" * 20


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-8"])
@pytest.mark.parametrize("text", [CHINESE, "id,name\n1,é\n", "id,name\r1,x\r", "one cell", "ид,имя\n1,Иван\n"])
def test_unicode_is_known_without_a_byte_order_mark(text, encoding):
    assert guess_encoding(text.encode(encoding), whole=True, override="", name="f") == (encoding, 0)


@pytest.mark.parametrize(
    ("sample", "encoding"),
    [
        (b"a,b\n1,2\n", "utf-8"),
        ("naïve,€\n".encode("cp1252"), "cp1252"),
        ("naïve,é\n".encode("latin-1"), "cp1252"),
        (b"a,\x81\n", "latin-1"),
        (b"a,\x9d\n", "latin-1"),
        (b"\0\0\0\0", "utf-8"),
    ],
)
def test_bytes_that_are_no_unicode_are_cp1252_unless_it_lacks_one_of_them(sample, encoding):
    assert guess_encoding(sample, whole=True, override="", name="f") == (encoding, 0)


def test_a_sample_that_ends_within_a_character_is_utf_8_unless_it_is_the_whole_file():
    sample = "a,é".encode()[:-1]
    assert guess_encoding(sample, whole=False, override="", name="f") == ("utf-8", 0)
    assert guess_encoding(sample, whole=True, override="", name="f") == ("cp1252", 0)


@pytest.mark.parametrize(
    ("given", "name"),
    [("UTF8", "utf-8"), ("latin1", "latin-1"), ("windows-1251", "cp1251"), ("sjis", "shift_jis"), ("ascii", "ascii")],
)
def test_codecs_go_by_python_s_name(given, name):
    assert check_codec(given, "f") == name


@pytest.mark.parametrize("encoding", ["shift_jis", "cp932", "gbk", "gb18030", "big5", "cp949"])
def test_no_second_byte_is_a_character_that_a_dialect_may_have_there(encoding):
    """Every two-byte character of the encoding, against the list of what is unsafe."""
    seen = set()
    for first in range(0x81, 0xFF):
        for second in range(0x80):
            try:
                decoded = bytes([first, second]).decode(encoding)
            except UnicodeDecodeError:
                continue
            if len(decoded) == 1:
                seen.add(chr(second))
    assert seen <= unsafe_characters(encoding)


@pytest.mark.parametrize("encoding", ["euc_jp", "euc_kr", "gb2312", "utf-8"])
def test_multi_byte_encodings_said_to_be_clean_have_no_ascii_byte_in_a_character(encoding):
    for first in range(0x80, 0xFF):
        for second in range(0x80):
            with pytest.raises(UnicodeDecodeError):
                bytes([first, second]).decode(encoding)


@pytest.mark.parametrize(
    "encoding", ["cp037", "utf_7", "utf_32_le", "hz", "iso2022_kr", "rot13", "cp864", "johab", "nope"]
)
def test_what_does_not_keep_ascii_is_refused(encoding):
    with pytest.raises(ConfigError, match=r"can't be read|knows no such text encoding"):
        check_codec(encoding, "f")


def test_cells_have_their_real_characters_again():
    text = "naïve €"
    assert cell_text(structure(text.encode("cp1252"), "cp1252"), "cp1252") == text
    assert cell_text(structure("🛠,b".encode("utf-16-be"), "utf-16-be"), "utf-16-be") == "🛠,b"
    assert cell_text(structure(b"\xff", "utf-8"), "utf-8") == "\ufffd"
