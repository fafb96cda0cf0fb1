"""A load that has no plan yet is stored by every destination as pending, or failed, and taken for no stored plan."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.servers.bigquery import session_bigquery_server  # noqa: F401 - a fixture
from tests.services.bigquery_places import Place as BigQueryPlace
from tests.services.sample_loads import chunk_of, load_all, spec_of
from transforms.core.errors import PermanentError
from transforms.core.retrying import retried
from transforms.core.tables.databases.registry import open_destination

SPEC = spec_of()
BARE = SPEC._replace(columns=(), chunks=0, counted=0, plan="")
CHUNKS = [chunk_of(number) for number in range(3)]


@pytest.fixture(params=["duckdb", "sqlite", "postgresql", "parquet", "bigquery"])
def connect(request, tmp_path):
    """Opens one and the same empty place of each kind, any number of times."""
    match request.param:
        case "postgresql":
            server = request.getfixturevalue("postgres")
            uri, password = server.uri(server.new_database()), server.password
        case "bigquery":
            server = request.getfixturevalue("bigquery_server")
            place = BigQueryPlace(server, server.make_dataset())
        case "parquet":
            uri, password = f"parquet:{tmp_path}/folder", ""
        case kind:
            uri, password = f"{kind}:///{tmp_path}/{uuid.uuid4().hex}.db", ""
    opened = []

    def opening():
        destination = place() if request.param == "bigquery" else open_destination(uri, password)
        destination.open()
        opened.append(destination)
        return destination

    yield opening
    for destination in opened:
        destination.close()


def only(destination):
    [load] = destination.loads()
    return load


def usual_schema(destination) -> str:
    """What may stand before a table's name and leads to the same table."""
    match type(destination).__name__:
        case "PostgresDestination":
            return "public."
        case "BigQueryDestination":
            return f"{destination._home.dataset}."
        case "ParquetDestination":
            return ""
        case _:
            return "main."


def test_an_announced_load_is_pending_until_its_plan_is_stored(connect):
    destination = connect()
    for _ in range(2):
        destination.announce_load(BARE)
        pending = only(connect())
        assert (pending.status, pending.spec, pending.planned) == ("pending", BARE, False)
        assert (pending.loaded, pending.rejected, pending.skipped, pending.error, pending.finished) == (0, 0, 0, "", "")
        assert destination.find_load(SPEC.load_id) is None
        assert destination.ledger(SPEC.load_id) == {}
    stored = destination.create_load(SPEC)
    assert (stored.status, stored.spec, stored.started) == ("processing", SPEC, pending.started)
    assert destination.find_load(SPEC.load_id) == only(connect()) == stored
    destination.write_chunks(SPEC, CHUNKS)
    done = destination.publish(SPEC)
    assert (done.status, done.loaded, done.started) == ("completed", 6, pending.started)
    assert only(connect()) == done


def test_nothing_can_be_added_to_or_published_of_a_load_without_a_plan(connect):
    connect().announce_load(BARE)
    with pytest.raises(PermanentError):
        connect().write_chunks(SPEC, CHUNKS)
    with pytest.raises(PermanentError):
        connect().publish(SPEC)
    assert only(connect()).status == "pending"


def test_a_load_that_failed_before_its_plan_says_why_until_it_begins_again(connect):
    destination = connect()
    destination.announce_load(BARE)
    destination.announce_load(BARE, 'it\'s "drift"')
    failed = only(connect())
    assert (failed.status, failed.error, failed.planned) == ("failed", 'it\'s "drift"', False)
    assert failed.started <= failed.finished
    assert destination.find_load(SPEC.load_id) is None
    destination.announce_load(BARE)
    again = only(connect())
    assert (again.status, again.error, again.finished, again.started) == ("pending", "", "", failed.started)


def test_the_failure_of_one_command_does_not_keep_the_other_from_storing_the_plan(connect):
    connect().announce_load(BARE)
    connect().announce_load(BARE, "unreadable")
    stored = load_all(connect(), SPEC, CHUNKS)
    assert (stored.status, stored.error, stored.loaded) == ("completed", "", 6)


def test_a_load_that_has_a_plan_stays_as_it_is_whatever_is_announced(connect):
    destination = connect()
    stored = destination.create_load(SPEC)
    for error in ("", "too late"):
        connect().announce_load(BARE, error)
        assert only(connect()) == stored
    destination.write_chunks(SPEC, CHUNKS)
    done = destination.publish(SPEC)
    for error in ("", "much too late"):
        connect().announce_load(BARE, error)
        assert only(connect()) == done == destination.find_load(SPEC.load_id)


def test_a_load_that_failed_without_an_announcement_before_is_kept(connect):
    connect().announce_load(BARE, "unreadable")
    assert (only(connect()).status, only(connect()).error) == ("failed", "unreadable")


def test_the_loads_of_one_table_are_those_however_its_name_was_written(connect):
    destination, other = connect(), connect()
    usual = usual_schema(destination)
    for number, written in enumerate(("t", f"{usual}t", "other")):
        destination.announce_load(BARE._replace(load_id=f"{number}" * 32, table=written))
    assert {load.written for load in other.loads()} == {"t", f"{usual}t", "other"}
    other.table = f"{usual}t"
    assert {load.written for load in other.loads()} == {"t", f"{usual}t"}
    assert destination.canonical(f"{usual}t") == destination.canonical("t") == "t"


def test_a_load_without_a_plan_can_be_taken_back_and_announced_again(connect):
    destination = connect()
    destination.forget_load(BARE.load_id)
    assert list(connect().loads()) == [], "there was nothing to forget"
    for error in ("", "drift"):
        destination.announce_load(BARE, error)
        destination.forget_load(BARE.load_id)
        assert list(connect().loads()) == []
    destination.announce_load(BARE)
    assert only(connect()).status == "pending"


def test_a_load_that_has_a_plan_is_not_forgotten(connect):
    destination = connect()
    destination.announce_load(BARE)
    stored = destination.create_load(SPEC)
    connect().forget_load(SPEC.load_id)
    assert only(connect()) == stored


def test_a_file_or_a_folder_is_there_from_the_first_write_on(connect, request):
    destination = connect()
    made_by_us = request.node.callspec.params["connect"] in {"duckdb", "sqlite", "parquet"}
    assert destination.is_there() is not made_by_us
    destination.forget_load(BARE.load_id)
    assert connect().is_there() is not made_by_us, "forgetting makes nothing"
    destination.announce_load(BARE)
    assert connect().is_there()


def test_commands_at_once_announce_one_load_and_store_one_plan(connect):
    def work(number: int):
        destination = connect()
        retried(lambda: destination.announce_load(BARE, "unreadable" if number == 3 else ""))
        return retried(lambda: destination.create_load(SPEC)) if number % 2 else None

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    stored = only(connect())
    assert (stored.status, stored.spec, stored.error) == ("processing", SPEC, "")
