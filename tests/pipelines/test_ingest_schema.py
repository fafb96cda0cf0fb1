"""The file of `--schema`: read from every kind of address; what it can't be is a finding, and no secret is told."""

import pytest

from pipelines.ingest_load import findings, load_settings
from pipelines.table_ingest import Settings
from tests.pipelines.feature_loads import load, write
from transforms.core.errors import ConfigError

TEXT = '{"fields": [{"name": "id", "type": "integer"}, {"name": "name"}]}'
SECRET = "5ec2e7"


def asked(folder, schema) -> Settings:
    [source] = write(folder, {"a.csv": "id,name\n1,x\n"})
    return Settings(source=source, destination=f"duckdb:///{folder}/out.duckdb", table="t", schema_file=str(schema))


def found(settings: Settings) -> tuple[str, str]:
    [finding] = findings(settings)
    return finding.place, finding.message


@pytest.mark.parametrize("kind", ["plain", "nohead", "norange", "nosize"])
def test_a_schema_is_read_from_whatever_server_has_it(tmp_path, web_server, kind):
    web_server.put("read/s.json", b"\xef\xbb\xbf" + TEXT.encode())
    settings = asked(tmp_path, web_server.url("read/s.json", kind))
    assert findings(settings) == []
    assert load_settings(settings).schema_text == TEXT


@pytest.mark.parametrize("address", ["schemas/", "schemas", "schemas/*.json"])
def test_a_schema_is_one_file(tmp_path, address):
    write(tmp_path / "schemas", {"a.json": TEXT})
    settings = asked(tmp_path, tmp_path / address if "*" in address else f"{tmp_path}/{address}")
    assert load_settings(settings).schema_text == TEXT
    write(tmp_path / "schemas", {"b.json": TEXT, "c.json": TEXT})
    place, message = found(settings)
    assert (place, message.count(".json") >= 2) == ("--schema", True)
    assert "3 files, and a schema is one: name it" in message
    with pytest.raises(ConfigError, match="3 files"):
        load_settings(settings)


def test_a_schema_that_is_not_utf_8_is_refused_with_the_place_and_the_remedy(tmp_path):
    [path] = write(tmp_path, {"s.json": TEXT.replace("id", "Größe").encode("latin-1")})
    place, message = found(asked(tmp_path, path))
    assert place == "--schema"
    assert f"{path}: the byte at 24 is not UTF-8" in message
    assert "-t UTF-8" in message


def test_a_schema_that_has_what_can_not_be_checked_is_refused(tmp_path):
    [path] = write(tmp_path, {"s.json": TEXT[:-1] + ', "foreignKeys": [{"fields": "id"}]}'})
    assert "foreignKeys" in found(asked(tmp_path, path))[1]


def test_how_a_schema_was_read_is_noted(tmp_path):
    [path] = write(tmp_path, {"s.json": TEXT[:-1] + ', "primaryKey": "id", "fieldsMatch": "exact"}'})
    loaded = load(tmp_path, {"a.csv": "id,name\n1,x\n"}, schema_file=path)
    assert [note.partition(":")[0] for note in loaded.summary.details["notes"]] == ["fieldsMatch exact", "primaryKey"]


@pytest.mark.parametrize(
    ("name", "text", "rows", "message"),
    [
        ("other.csv", TEXT, "id,other\n1,x\n", "compared with http"),
        ("wrong.csv", TEXT.replace("integer", "geojson"), "id,name\n1,x\n", "type 'geojson'"),
    ],
)
def test_the_signature_of_a_schemas_address_is_nowhere(tmp_path, web_server, name, text, rows, message):
    web_server.put(f"signed/{name}.json", text.encode())
    url = web_server.url(f"signed/{name}.json") + f"?X-Amz-Signature={SECRET}"
    told = ""
    try:
        told = load(tmp_path, {name: rows}, schema_file=url).error
    except ConfigError as error:
        told = str(error)
    assert message in told
    assert "?X-Amz-Signature=***" in told
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in left if SECRET.encode() in path.read_bytes()]
    assert SECRET not in told
