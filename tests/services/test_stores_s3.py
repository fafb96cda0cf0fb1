import itertools
import subprocess
import sys

import pytest

from tests.servers.fault_proxy import Fault
from tests.servers.s3 import run_moto_server
from transforms.core.errors import ConfigError, PermanentError
from transforms.core.objects.expansion import expand
from transforms.core.objects.store import ForbiddenError, MissingError, StoreAccess, open_store

_numbers = itertools.count()


@pytest.fixture
def bucket(s3_environment) -> str:
    return s3_environment.make_bucket(f"s3-{next(_numbers)}")


def test_our_objects_are_boto3s_objects(s3_environment, bucket):
    client = s3_environment.client()
    access = StoreAccess(endpoint_url=s3_environment.endpoint)
    store = open_store(f"s3://{bucket}", access)
    for key in ("ä b/+%2B?#.csv", "plain"):
        client.put_object(Bucket=bucket, Key=key, Body=b"theirs")
        info = store.head(f"s3://{bucket}/{key}")
        assert store.read(info, 0, 6) == b"theirs"
        assert info.etag == client.head_object(Bucket=bucket, Key=key)["ETag"].strip('"')
        store.write(f"s3://{bucket}/{key}", b"ours")
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"ours"
    listed = [item["Key"] for item in client.list_objects_v2(Bucket=bucket)["Contents"]]
    assert [info.uri for info in store.list(f"s3://{bucket}/")] == [f"s3://{bucket}/{key}" for key in listed]


def test_every_legal_key_is_listed_in_order_and_read(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    keys = [
        "a//b",
        "/lead",
        "./dot",
        "x/../y",
        "back\\slash",
        "tab\t",
        "\u00e4",
        "e\u0301",
        "end/",
        "%2F",
        "a/b",
        "a-b",
        "<&>",
    ]
    with run_moto_server() as server:
        root = f"s3://{server.make_bucket('legal')}/"
        store = open_store(root, StoreAccess(endpoint_url=server.endpoint))
        for key in keys:
            store.write(root + key, key.encode())
        listed = list(store.list(root))
        assert [info.uri for info in listed] == [root + key for key in sorted(keys, key=str.encode)]
        for info in listed:
            assert store.read(info, 0, info.size_bytes) == info.uri.removeprefix(root).encode()


def test_folder_markers_are_no_objects(s3_environment, bucket):
    client = s3_environment.client()
    access = StoreAccess(endpoint_url=s3_environment.endpoint)
    for key in ("in/", "in/a.csv", "in/sub/"):
        client.put_object(Bucket=bucket, Key=key, Body=b"")
    assert [info.uri for info in expand(f"s3://{bucket}/in/", access)] == [f"s3://{bucket}/in/a.csv"]
    assert [info.uri for info in expand(f"s3://{bucket}", access)] == [f"s3://{bucket}/in/a.csv"]


@pytest.mark.parametrize("where", ["head", "list"])
def test_a_wrong_secret_is_forbidden_and_not_shown(s3_environment, bucket, monkeypatch, where):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-s3cr3t")
    access = StoreAccess(endpoint_url=s3_environment.endpoint, region="us-east-1")
    store = open_store(f"s3://{bucket}", access)
    with pytest.raises(ForbiddenError, match=r"check the keys") as caught:
        store.head(f"s3://{bucket}/a") if where == "head" else list(store.list(f"s3://{bucket}/"))
    assert "wrong-s3cr3t" not in str(caught.value)
    with pytest.raises(ConfigError, match=rf"s3://{bucket}/a"):
        list(expand(f"s3://{bucket}/a*", access))


def test_anonymous_requests_are_unsigned(s3_environment, bucket, fault_proxy):
    fault_proxy.reset(s3_environment.endpoint)
    access = StoreAccess(endpoint_url=fault_proxy.endpoint, anonymous=True)
    with pytest.raises(PermanentError):
        open_store(f"s3://{bucket}", access).head(f"s3://{bucket}/a")
    assert "authorization" not in fault_proxy.log[-1][3]


def test_a_profile_brings_keys_and_requester_pays_is_said(s3_environment, bucket, fault_proxy, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "wrong")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    (tmp_path / "credentials").write_text(
        f"[it]\naws_access_key_id={s3_environment.access_key}\naws_secret_access_key={s3_environment.secret_key}\n"
    )
    fault_proxy.reset(s3_environment.endpoint)
    access = StoreAccess(endpoint_url=fault_proxy.endpoint, profile="it", requester_pays=True)
    store = open_store(f"s3://{bucket}", access)
    store.write(f"s3://{bucket}/a", b"x")
    assert store.head(f"s3://{bucket}/a").size_bytes == 1
    assert fault_proxy.log[-1][3]["x-amz-request-payer"] == "requester"


def test_the_region_that_the_bucket_names_is_used_from_then_on(s3_environment, bucket, fault_proxy, monkeypatch):
    monkeypatch.delenv("AWS_REGION")
    fault_proxy.reset(s3_environment.endpoint)
    fault_proxy.add(Fault(status=301, method="HEAD", headers={"x-amz-bucket-region": "eu-west-3"}))
    store = open_store(f"s3://{bucket}", StoreAccess(endpoint_url=fault_proxy.endpoint))
    with pytest.raises((MissingError, ForbiddenError)):
        store.head(f"s3://{bucket}/a")
    regions = [headers["authorization"].split("/")[2] for _, _, _, headers in fault_proxy.log]
    assert regions == ["us-east-1", "eu-west-3"]


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_the_endpoint_of_the_environment_is_honoured(s3_environment, bucket, fault_proxy, monkeypatch, name):
    fault_proxy.reset(s3_environment.endpoint)
    monkeypatch.setenv(name, fault_proxy.endpoint)
    store = open_store(f"s3://{bucket}", StoreAccess(requester_pays=name.endswith("S3")))
    store.write(f"s3://{bucket}/a", b"x")
    assert fault_proxy.total_requests(f"/{bucket}/a") == 1


def test_keys_in_the_environment_need_no_aws_library(s3_environment, bucket):
    code = f"""
import sys
from transforms.core.objects.store import StoreAccess, open_store
store = open_store("s3://{bucket}", StoreAccess(endpoint_url="{s3_environment.endpoint}"))
store.write("s3://{bucket}/a", b"x")
assert store.head("s3://{bucket}/a").size_bytes == 1
names = {{"boto3", "botocore", "google.auth", "requests", "pyarrow", "apache_beam"}}
print(sorted(names & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
