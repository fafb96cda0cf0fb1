"""Deleting many objects of S3 at once."""

import pytest

from tests.servers.fault_proxy import Fault
from tests.servers.s3 import run_moto_server
from tests.services.s3_places import Place, new_place
from transforms.core.objects.details import ANY, NO_CHECKSUMS, Attributes
from transforms.core.outcome import ObjectInfo


@pytest.fixture
def proxied(s3_environment, fault_proxy) -> Place:
    fault_proxy.reset(s3_environment.endpoint)
    return new_place(s3_environment, fault_proxy.endpoint)


def put(place: Place, key: str, data: bytes = b"1") -> ObjectInfo:
    return place.store.put(place.uri(key), data, Attributes(), NO_CHECKSUMS, ANY).info


def left(place: Place) -> list[str]:
    return [item.info.uri.removeprefix(place.root) for item in place.store.list_range(place.root, "", "")]


def posts(fault_proxy) -> int:
    return sum(method == "POST" for method, _, _, _ in fault_proxy.log)


def test_a_thousand_go_in_one_request(proxied, fault_proxy):
    infos = [put(proxied, f"k {n:04} ä&<>") for n in range(1_010)]
    put(proxied, "stays")
    assert proxied.store.delete_all(infos) == []
    assert left(proxied) == ["stays"]
    assert posts(fault_proxy) == 2
    assert proxied.store.delete_all(infos[:3]) == []
    assert proxied.store.delete_all([]) == []


def test_another_version_is_left_alone_and_told(proxied):
    old, same = put(proxied, "moved"), put(proxied, "same")
    put(proxied, "moved", b"2")
    ((info, why),) = proxied.store.delete_all([old, same])
    assert info == old
    assert "another version" in why
    assert left(proxied) == ["moved"]


@pytest.mark.parametrize(("status", "code"), [(501, "NotImplemented"), (405, "MethodNotAllowed")])
def test_a_server_without_such_a_request_is_asked_one_by_one(proxied, fault_proxy, status, code):
    infos = [put(proxied, f"{n}") for n in range(20)]
    old = put(proxied, "moved")
    put(proxied, "moved", b"2")
    fault_proxy.add(Fault(method="POST", status=status, body=f"<Error><Code>{code}</Code></Error>".encode()))
    ((info, _),) = proxied.store.delete_all([*infos, old])
    assert info == old
    assert left(proxied) == ["moved"]


def test_what_the_answer_says_of_each_key_counts(proxied, fault_proxy):
    infos = [put(proxied, key) for key in ("busy", "forbidden", "gone")]
    errors = zip(infos, ("SlowDown", "AccessDenied", "NoSuchKey"), strict=True)
    body = "".join(
        f"<Error><Key>{info.uri[len(proxied.root) :]}</Key><Code>{code}</Code></Error>" for info, code in errors
    )
    fault_proxy.add(Fault(method="POST", status=200, body=f"<DeleteResult>{body}</DeleteResult>".encode()))
    ((info, why),) = proxied.store.delete_all(infos)
    assert info == infos[1]
    assert "AccessDenied" in why
    assert left(proxied) == ["forbidden", "gone"]


def test_one_that_fails_singly_does_not_stop_the_others(proxied, fault_proxy):
    infos = [put(proxied, f"{n}") for n in range(3)]
    fault_proxy.add(Fault(method="POST", status=501))
    fault_proxy.add(Fault(method="DELETE", path="/1", status=403))
    ((info, why),) = proxied.store.delete_all(infos)
    assert info == infos[1]
    assert "403" in why
    assert left(proxied) == ["1"]


def test_an_answer_that_is_lost_is_asked_for_again(proxied, fault_proxy):
    infos = [put(proxied, f"{n}") for n in range(3)]
    fault_proxy.add(Fault(method="POST", lose_answer=True))
    assert proxied.store.delete_all(infos) == []
    assert left(proxied) == []


def test_keys_that_xml_cannot_hold_are_deleted_too(monkeypatch):
    with run_moto_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        place = new_place(server)
        infos = [put(place, key) for key in ("plain", "tab\t", " lead", "end ", "bell\x07", "cr\r", "//", "./a/../b")]
        assert place.store.delete_all(infos) == []
        assert place.server.client().list_objects_v2(Bucket=place.bucket)["KeyCount"] == 0
