"""What only PostgreSQL has: sessions that break, permissions, binary and CSV COPY, what hangs on a table."""

import threading

import psycopg
import pytest

from tests.services.destination_cases import ID, NAME, Place, load, make_chunk, make_spec
from transforms.core.errors import ConfigError, PermanentError, TransientError
from transforms.core.tables.columns.column import Column, ColumnType
from transforms.core.tables.databases import postgres_session
from transforms.core.tables.databases.postgres import PostgresDestination
from transforms.core.tables.databases.registry import open_destination
from transforms.core.tables.databases.sql import TableName
from transforms.core.tables.loads.destination import BadRowsError
from transforms.core.tables.loads.destination_uri import parse_destination

ROWS = [(1, "a"), (2, "b")]


@pytest.fixture
def place(postgres) -> Place:
    return Place("postgresql", postgres.uri(postgres.new_database()), postgres.password)


@pytest.mark.parametrize(
    ("uri", "remedy"),
    [
        ("postgresql://{admin}:sesame@127.0.0.1:{port}/postgres", "the password or the user is wrong"),
        ("postgresql://nobody:sesame@127.0.0.1:{port}/postgres", "the password or the user is wrong"),
        ("postgresql://{admin}@127.0.0.1:1/postgres", "check host and port"),
        ("postgresql://{admin}@no-such-host.invalid/postgres", "the host's name is unknown"),
        ("postgresql://{admin}:{password}@127.0.0.1:{port}/nowhere", "create it, or name another one"),
        ("postgresql://{admin}:{password}@127.0.0.1:{port}/postgres?sslmode=require", "check sslmode"),
    ],
)
def test_what_keeps_us_out_is_said_with_its_remedy_and_without_the_password(postgres, uri, remedy):
    uri = uri.format(admin="hornbeam_admin", port=postgres.port, password=postgres.password)
    destination = open_destination(uri)
    with pytest.raises(ConfigError) as caught:
        destination.open()
    assert remedy in str(caught.value)
    for secret in ("sesame", postgres.password):
        assert secret not in f"{caught.value} {caught.value.__cause__} {destination!r}"


def test_a_password_beside_the_uri_comes_first(postgres):
    destination = open_destination(postgres.uri().replace("@", ":wrong@"), postgres.password)
    destination.open()
    destination.close()


def test_a_user_without_permission_is_told_what_to_grant(postgres, place):
    role = place.uri.rpartition("/")[2] + "_reader"
    place.run(f"CREATE ROLE {role} LOGIN PASSWORD 'sesame'")
    place.run("CREATE TABLE products (id bigint, name text)")
    mine = Place("postgresql", place.uri.replace("hornbeam_admin", role), "sesame")
    with mine.destination() as destination:
        findings = destination.check("products")
        assert [finding.partition(":")[0] for finding in findings] == [
            "no permission to create tables in schema public",
            "no permission to SELECT table products",
            "no permission to INSERT table products",
        ]
        assert "does not exist" in destination.check("nowhere.products")[0]
        with pytest.raises(ConfigError, match="permission denied"):
            destination.create_load(make_spec())


def test_a_session_that_was_cut_off_is_transient_and_the_next_call_goes_on(place):
    spec = make_spec()
    with place.destination() as destination:
        destination.create_load(spec)
        place.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hornbeam'")
        with pytest.raises(TransientError):
            destination.write_chunks(spec, [make_chunk(0, ROWS, spec)])
        assert destination.write_chunks(spec, [make_chunk(0, ROWS, spec)]) == {0}
        place.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hornbeam'")
        with pytest.raises(TransientError):
            destination.publish(spec)
        assert destination.publish(spec).status == "completed"
    assert sorted(place.run("SELECT * FROM products")) == ROWS


def test_a_lock_that_is_not_let_go_is_transient(place, monkeypatch):
    monkeypatch.setitem(postgres_session._SERVER, "lock_timeout", "100ms")
    spec = make_spec()
    with place.destination() as destination, psycopg.connect(place.uri, password=place.password) as other:
        destination.create_load(spec)
        other.execute("SELECT 1 FROM hornbeam_loads FOR UPDATE")
        with pytest.raises(TransientError, match="lock timeout"):
            destination.write_chunks(spec, [make_chunk(0, ROWS, spec)])
        other.rollback()
        assert destination.write_chunks(spec, [make_chunk(0, ROWS, spec)]) == {0}


def test_a_session_says_who_it_is_and_lets_go_of_a_lost_client(place):
    with place.destination() as destination:
        assert destination._query("SELECT current_setting('application_name'), current_setting('lock_timeout')") == [
            ("hornbeam", "1min")
        ]
        assert destination._query("SELECT current_setting('tcp_keepalives_idle')") == [("30",)]


def test_a_name_that_postgresql_would_cut_is_refused(place):
    long = Column("ü" * 32, "", ColumnType("text"))
    with place.destination() as destination, pytest.raises(ConfigError, match=r"64 bytes.*63: rename"):
        destination.create_load(make_spec(columns=(ID, long)))
    load(place, make_spec(columns=(ID, long._replace(name="ü" * 31))), [(1, "a")])


def test_a_nul_character_is_a_bad_row_and_refusal_finds_it_without_keeping_anything(place):
    spec = make_spec()
    with place.destination() as destination:
        destination.create_load(spec)
        bad, good = make_chunk(0, [(1, "a\0b")], spec), make_chunk(0, ROWS, spec)
        with pytest.raises(BadRowsError, match="0x00"):
            destination.write_chunks(spec, [bad])
        assert "0x00" in destination.refusal(spec, bad.rows)
        assert destination.refusal(spec, good.rows) == ""
        destination.write_chunks(spec, [good])
        destination.publish(spec)
    assert sorted(place.run("SELECT * FROM products")) == ROWS


def test_texts_go_into_types_that_we_do_not_know(place):
    place.run("CREATE TYPE mood AS ENUM ('calm', 'wild')")
    place.run("CREATE DOMAIN even AS int CHECK (value % 2 = 0)")
    place.run("CREATE TABLE products (u uuid, j jsonb, a int[], m mood, e even, i interval, n numeric)")
    with place.destination() as destination:
        columns = destination.describe("products")
        assert {column.type for column in columns} == {ColumnType("text")}
        spec = make_spec(columns=columns, counted=1)
        destination.create_load(spec)
        row = ("6e2b7bb0-1111-4222-8333-944455556666", '{"a": 1}', "{1,2}", "calm", "2", "1 day", "1.50")
        for place_, value in ((0, "x"), (1, "{"), (2, "1"), (3, "sad"), (4, "3"), (5, "often"), (6, "much")):
            wrong = (*row[:place_], value, *row[place_ + 1 :])
            with pytest.raises(BadRowsError):
                destination.write_chunks(spec, [make_chunk(0, [wrong], spec)])
        destination.write_chunks(spec, [make_chunk(0, [row], spec)])
        destination.publish(spec)
    assert place.run("SELECT u::text, j::text, a::text, m::text, e::text, i::text, n::text FROM products") == [row]


def test_identity_and_generated_columns_are_left_to_the_database(place):
    place.run(
        "CREATE TABLE products (nr int GENERATED ALWAYS AS IDENTITY, id bigint, name text, "
        "twice bigint GENERATED ALWAYS AS (id * 2) STORED)"
    )
    load(place, make_spec(1), ROWS)
    assert place.run("SELECT * FROM products ORDER BY nr") == [(1, 1, "a", 2), (2, 2, "b", 4)]
    for name in ("nr", "twice"):
        with place.destination() as destination, pytest.raises(ConfigError, match="filled by the database itself"):
            destination.create_load(make_spec(2, columns=(ID, NAME, Column(name, "", ColumnType("integer")))))


def test_the_targets_checks_hold_at_write_and_its_foreign_keys_at_publish(place):
    place.run("CREATE TABLE shops (id bigint PRIMARY KEY)")
    place.run("CREATE TABLE products (id bigint CHECK (id > 0), name text, shop bigint DEFAULT 5 REFERENCES shops)")
    spec = make_spec()
    with place.destination() as destination:
        destination.create_load(spec)
        with pytest.raises(BadRowsError, match="check constraint"):
            destination.write_chunks(spec, [make_chunk(0, [(0, "a"), (1, "b")], spec)])
        destination.write_chunks(spec, [make_chunk(0, ROWS, spec)])
        with pytest.raises(PermanentError, match="foreign key"):
            destination.publish(spec)
        place.run("INSERT INTO shops VALUES (5)")
        destination.publish(spec)
    assert place.run("SELECT count(*) FROM products") == [(2,)]


HANGING_ON_IT = {
    "nothing": ("", True),
    "NOT NULL": ("ALTER TABLE products ALTER id SET NOT NULL", True),
    "an index": ("CREATE INDEX ON products (id)", False),
    "a primary key": ("ALTER TABLE products ADD PRIMARY KEY (id)", False),
    "a check": ("ALTER TABLE products ADD CHECK (id > 0)", False),
    "a default": ("ALTER TABLE products ALTER id SET DEFAULT 1", False),
    "a grant": ("GRANT SELECT ON products TO PUBLIC", False),
    "a column's grant": ("GRANT SELECT (id) ON products TO PUBLIC", False),
    "a view": ("CREATE VIEW v AS SELECT * FROM products", False),
    "a comment": ("COMMENT ON TABLE products IS 'c'", False),
    "a column's comment": ("COMMENT ON COLUMN products.id IS 'c'", False),
    "a storage setting": ("ALTER TABLE products SET (fillfactor = 50)", False),
    "a policy": ("CREATE POLICY p ON products USING (true)", False),
    "row security": ("ALTER TABLE products ENABLE ROW LEVEL SECURITY", False),
    "a rule": ("CREATE RULE r AS ON DELETE TO products DO INSTEAD NOTHING", False),
    "a publication": ("CREATE PUBLICATION p FOR TABLE products", False),
    "a child": ("CREATE TABLE child () INHERITS (products)", False),
    "its row type in use": ("CREATE TABLE other (p products)", False),
    "another owner": ("ALTER TABLE products OWNER TO pg_monitor", False),
    "unlogged": ("ALTER TABLE products SET UNLOGGED", False),
}


@pytest.mark.parametrize("what", HANGING_ON_IT)
def test_a_table_is_dropped_for_a_replacement_only_when_nothing_hangs_on_it(place, what):
    statement, replaceable = HANGING_ON_IT[what]
    place.run("CREATE TABLE products (id bigint, name text)")
    if statement:
        place.run(statement)
    with place.destination() as destination:
        assert destination._replaceable(TableName("public", "products")) is replaceable


def test_readers_see_the_old_table_or_the_new_one(place):
    for hanging in ("SELECT 1", "CREATE INDEX ON products (id)"):
        load(
            place,
            make_spec(9, mode="replace", load_id="9" * 31 + str(len(hanging) % 10)),
            [(n, "0") for n in range(50)],
        )
        place.run(hanging)
        seen, stop = set(), threading.Event()

        def read(seen=seen, stop=stop):
            with psycopg.connect(place.uri, password=place.password, autocommit=True) as connection:
                while not stop.is_set():
                    seen.add(connection.execute("SELECT count(*), min(name), max(name) FROM products").fetchone())

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(1, 8):
            load(
                place,
                make_spec(mode="replace", load_id=f"{number}{len(hanging)}" + "0" * 20),
                [(n, str(number)) for n in range(50)],
            )
        stop.set()
        reader.join(30)
        assert len(seen) > 1
        assert {count for count, _, _ in seen} == {50}
        assert all(low == high for _, low, high in seen)


def test_a_destination_shows_no_password(place):
    assert "sesame" not in repr(PostgresDestination(parse_destination("postgresql://u:sesame@h/d"), "sesame"))
