"""A password in --destination, a signature in --source: in nothing that a load leaves, says or shows of itself."""

import contextlib
import gzip
import json
import time
from urllib.parse import quote

import boto3
import psutil
import pytest
from botocore.config import Config

from tests.pipelines.ingest_jobs import csv_bytes, records, start
from tests.services.destination_cases import Place

PASSWORD = "Tr0ub4dor&3/ü:@%"
FORMS = (PASSWORD, quote(PASSWORD, safe=""), quote(PASSWORD), json.dumps(PASSWORD)[1:-1], "Tr0ub4dor")
PROCESSES = ["--direct_running_mode=multi_processing", "--direct_num_workers=2"]


@pytest.fixture
def account(postgres):
    """A database, and a user of it whose password is worth hiding."""
    database = postgres.new_database()
    user = f"u{database}"
    with postgres.connect(database) as connection:
        connection.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'")
        connection.execute(f"GRANT ALL ON SCHEMA public TO {user}")
    secret = quote(PASSWORD, safe="")
    return Place("postgresql", f"postgresql://{user}:{secret}@127.0.0.1:{postgres.port}/{database}", PASSWORD)


def watched(process, log) -> tuple[set[str], str]:
    """Every command line that the command and its workers showed once it had begun, and all that it said."""
    seen = set()
    while process.poll() is None:
        time.sleep(0.01)
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    if log.exists():
                        seen.add(" ".join(one.cmdline()))
    out, err = process.communicate(timeout=120)
    return seen, out + err


def everything_in(folder) -> str:
    return "\n".join(path.read_bytes().decode(errors="replace") for path in folder.rglob("*") if path.is_file())


def everything_stored(place) -> str:
    """All rows of all tables of the database, as text."""
    return "\n".join(str(place.run(f'SELECT t::text FROM "{table}" t')) for table in place.tables())


CASES = [
    ("one process", [], "amount", 0),
    ("worker processes", PROCESSES, "amount", 0),
    ("a failure", [], "no_such", 2),
]


@pytest.mark.parametrize(("flags", "column", "code"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_password_is_nowhere(account, tmp_path, flags, column, code):
    source, folder = tmp_path / "a.csv", tmp_path / "run"
    source.write_bytes(csv_bytes(records(200)))
    words = [f"--source={source}", "--destination", account.uri, "--table=t", f"--output={folder}", "--chunk_rows=20"]
    process = start(["ingest", *words, "--log_level=DEBUG", f"--columns=id,{column}", *flags])
    shown, said = watched(process, folder / "hornbeam.log")
    assert process.returncode == code, said
    assert any("ingest" in line for line in shown)
    left = everything_in(folder)
    assert '"destination": "postgresql://u' in left
    stored = everything_stored(account)
    assert account.uri.partition("@")[2] in left
    assert account.run("SELECT status FROM hornbeam_loads") == ([] if code else [("completed",)])  # 2: left nothing
    for text in ("\n".join(shown), said, left, stored):
        assert not [form for form in FORMS if form in text]


def test_a_wrong_password_is_told_of_without_it(account, tmp_path):
    source = tmp_path / "a.csv"
    source.write_bytes(csv_bytes(records(3)))
    wrong = account.uri.replace("Tr0ub4dor", "Tr0ub4dorX")
    for words in (["ingest"], ["validate", "ingest"]):
        process = start(
            [*words, f"--source={source}", f"--destination={wrong}", "--table=t", f"--output={tmp_path / 'r'}"]
        )
        out, err = process.communicate(timeout=120)
        assert process.returncode == 2
        assert "password" in out + err
        assert "Tr0ub4dor" not in out + err
    assert "Tr0ub4dor" not in everything_in(tmp_path)


def test_the_signature_of_a_presigned_source_is_nowhere(postgres, s3_server, tmp_path):
    """The server checks it, the schema's too. Loaded with rejects of both kinds and a file that fails; then again."""
    place = Place("postgresql", postgres.uri(postgres.new_database()), postgres.password)
    client, bucket = s3_server.client(), s3_server.make_bucket("presigned")
    keys = {"aws_access_key_id": s3_server.access_key, "aws_secret_access_key": s3_server.secret_key}
    config = Config(signature_version="s3v4", region_name="us-east-1")
    signer = boto3.client("s3", endpoint_url=s3_server.endpoint, config=config, **keys)
    rows = csv_bytes([*records(200), (7, "again", 1.0), ("x", "no number", 1.0)])
    files = {"a.csv": rows, "bad.csv.gz": gzip.compress(csv_bytes(records(50)))[:90]}
    for name, data in files.items():
        client.put_object(Bucket=bucket, Key=name, Body=data)
    kinds = {"id": {"type": "integer", "constraints": {"unique": True}}, "name": {}, "amount": {"type": "number"}}
    schema = json.dumps({"fields": [{"name": name, **kind} for name, kind in kinds.items()]})
    client.put_object(Bucket=bucket, Key="schema.json", Body=schema.encode())
    signatures = []

    def begin(folder, seconds: int, *given: str):
        words = ["--provenance", "--chunk_rows=20", "--log_level=DEBUG", f"--output={folder}"]
        for name in (*files, "schema.json"):
            wanted = {"Bucket": bucket, "Key": name}
            url = signer.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)
            signatures.append(url.partition("X-Amz-Signature=")[2].partition("&")[0])
            words.append(f"--{'source' if name in files else 'schema'}={url}")
        more = [f"--destination={place.uri}", "--table=t", *given]
        return start(["ingest", *words, *more], PGPASSWORD=postgres.password)

    def counted(folder) -> dict:
        return json.loads((folder / "summary.json").read_text())

    first, again, retried = (tmp_path / name for name in ("run", "again", "retried"))
    titles, said = watched(begin(first, 600), first / "hornbeam.log")
    assert (counted(first)["items"]["done"], counted(first)["items"]["failed"]) == (1, 1), said
    assert place.run("SELECT count(*), count(DISTINCT _source_file) FROM t") == [(200, 1)]
    assert len((first / "rejects.jsonl").read_text().splitlines()) == 2
    begin(again, 700).communicate(timeout=120)
    assert (counted(again)["items"]["skipped"], counted(again)["items"]["failed"]) == (1, 1)
    client.put_object(Bucket=bucket, Key="bad.csv.gz", Body=gzip.compress(csv_bytes(records(50, 500))))
    begin(retried, 800, f"--retry={again}").communicate(timeout=120)
    assert (counted(retried)["items"]["planned"], counted(retried)["rows"]["loaded"]) == (1, 50)
    assert len({*signatures}) == 9
    for text in ("\n".join(titles), everything_stored(place), *map(everything_in, (first, again, retried)), said):
        assert "bad.csv.gz?X-Amz-" in text or text is said
        assert [signature for signature in signatures if signature in text] == []
