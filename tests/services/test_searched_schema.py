"""One unqualified name, another table for each user: what a search_path makes of it, and what a load does."""

import uuid

import pytest

from tests.services.destination_cases import Place
from tests.services.killed_ingest import load, new_folder, said
from transforms.core.objects.store import open_store
from transforms.core.tables.loads.load_settings import LoadSettings, file_identity, load_identity

SCHEMAS = ("a", "b", "public")


class Users:
    """One user for each schema, which is all that they search; every schema has an empty table t."""

    def __init__(self, place: Place, folder) -> None:
        self.place, self.folder = place, folder
        self.source = folder / "x.csv"
        self.source.write_text("id,name\n1,a\n2,b\n")
        for schema in SCHEMAS:
            place.run(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            place.run(f"CREATE TABLE {schema}.t (id bigint, name text)")
            place.run(f"CREATE ROLE {self.role(schema)} LOGIN SUPERUSER PASSWORD 'sesame'")
            place.run(f"ALTER ROLE {self.role(schema)} SET search_path = {schema}")

    def role(self, schema: str) -> str:
        return f"{self.place.uri.rpartition('/')[2]}_{schema}"

    def load(self, schema: str, table: str = "t") -> tuple[int, int]:
        """Loads as the user of a schema; how many records were loaded, and skipped."""
        uri = self.place.uri.replace("hornbeam_admin", self.role(schema))
        folder = new_folder(self.folder / uuid.uuid4().hex)
        load(LoadSettings((str(self.source),), uri, table, password="env:SESAME"), folder)
        [rows] = said(folder)["rows"]
        return rows["loaded"], rows["skipped"]

    def count(self, schema: str) -> int:
        return self.place.run(f"SELECT count(*) FROM {schema}.t")[0][0]


@pytest.fixture
def users(postgres, tmp_path, monkeypatch) -> Users:
    monkeypatch.setenv("SESAME", "sesame")
    return Users(Place("postgresql", postgres.uri(postgres.new_database()), postgres.password), tmp_path)


def test_a_name_alone_is_the_table_of_the_schema_that_its_user_searches(users):
    for schema in SCHEMAS:
        assert users.load(schema) == (2, 0)
    written = [("a", "t"), ("a", "a.t"), ("b", "a.t"), ("public", "b.t"), ("b", "public.t"), ("public", "t")]
    assert [users.load(*one) for one in written] == [(0, 2)] * len(written)
    assert [users.count(schema) for schema in SCHEMAS] == [2, 2, 2]


def test_a_load_that_an_older_version_stored_in_another_schema_is_none_of_this_one(users):
    """Ids were made of the name as it was written: the same for all users."""
    assert users.load("a") == (2, 0)
    info = open_store(f"file://{users.source}").head(f"file://{users.source}")
    old = load_identity(LoadSettings((), "", "t"), [file_identity(info)])
    [(new,)] = users.place.run("SELECT load_id FROM a.hornbeam_loads")
    for books in ("hornbeam_loads", "hornbeam_ledger"):
        users.place.run(f"UPDATE a.{books} SET load_id = '{old}'")
    users.place.run(f"UPDATE a.hornbeam_loads SET spec = replace(spec, '{new}', '{old}')")
    assert users.load("a") == (0, 2)
    assert users.load("public") == (2, 0)
    assert users.place.run("SELECT load_id FROM public.hornbeam_loads") == [(old,)], "as ever"
    assert [users.load(schema) for schema in ("public", "a")] == [(0, 2), (0, 2)]
    assert [users.count(schema) for schema in SCHEMAS] == [2, 0, 2]
