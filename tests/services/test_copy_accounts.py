"""Two stores of two owners: each side is reached with its own endpoint, keys and flags, and never with the other's."""

import pytest

from tests.servers.fault_proxy import Fault
from tests.servers.google_keys import TOKEN, key_file
from tests.servers.juicefs import run_juicefs_server
from tests.services.copy_ends import GcsPrefix, S3Prefix, apart, bodies, copy, verify
from transforms.core.errors import ConfigError

BODIES = {"small": b"small", "empty": b"", "large": bytes(range(256)) * (6 << 12)}
FAR_KEYS = ("hornbeam-far", "hornbeam-far-secret")


@pytest.fixture(scope="module")
def far_server():
    """A server that knows other keys than the shared one, and takes no others."""
    with run_juicefs_server(*FAR_KEYS) as server:
        yield server


@pytest.fixture
def ends(s3_environment, far_server, new_end, tmp_path, monkeypatch):
    """A prefix of each owner; the keys of both are profiles, and the environment has none."""
    near, far = new_end("s3"), S3Prefix(far_server)
    profiles = tmp_path / "credentials"
    profiles.write_text(
        "".join(
            f"[{name}]\naws_access_key_id = {end.server.access_key}\naws_secret_access_key = {end.server.secret_key}\n"
            for name, end in (("near", near), ("far", far))
        )
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profiles))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    return {"near": near, "far": far}


@pytest.mark.parametrize("mode", ["auto", "direct_sync"])
@pytest.mark.parametrize(("source", "destination"), [("near", "far"), ("far", "near")])
def test_each_side_has_an_account_of_its_own(ends, tmp_path, source, destination, mode):
    here, there = ends[source], ends[destination]
    for key, body in BODIES.items():
        here.put(key, body)
    profiles = {"source_profile": source, "destination_profile": destination}
    run = copy(here, there, tmp_path, mode=mode, part_size_mb=5, **profiles)
    assert (run.summary.exit_code, run.counts, run.failures) == (0, (3, 0, 0, 0), {})
    assert bodies(there) == BODIES
    assert run.summary.details["modes"] == {"hybrid": 3}
    [why] = run.summary.details["fell_back"]
    assert "different" in why  # endpoints
    again = copy(here, there, tmp_path, mode=mode, part_size_mb=5, **profiles)
    assert (again.summary.exit_code, again.counts) == (0, (0, 3, 0, 0))
    compared = verify(here, there, tmp_path, **profiles)
    assert (compared.summary.exit_code, compared.counts) == (0, (3, 0, 0, 0))


@pytest.mark.parametrize("side", ["source", "destination"])
def test_the_other_sides_keys_open_nothing(ends, tmp_path, side):
    here, there = ends["near"], ends["far"]
    here.put("a", b"a")
    profiles = {"source_profile": "near", "destination_profile": "far"}
    with pytest.raises(ConfigError, match=f"--{side}: .*403"):
        copy(here, there, tmp_path, **profiles | {f"{side}_profile": "far" if side == "source" else "near"})


def signed(proxy):
    return {"authorization" in headers for *_, headers in proxy.log}


def test_an_anonymous_side_is_asked_without_a_signature_and_the_other_with_one(
    s3_environment, new_end, fault_proxy, tmp_path
):
    """SeaweedFS lets nobody in without one, so that the proxy's log is what tells."""
    here, there = new_end("s3", "here", fault_proxy.endpoint), new_end("s3")
    here.put("a", b"a")
    fault_proxy.reset(here.server.endpoint)
    with pytest.raises(ConfigError, match=r"--source: .*403"):
        copy(here, there, tmp_path, source_anonymous=True)
    assert signed(fault_proxy) == {False}
    fault_proxy.reset()
    assert copy(here, there, tmp_path, mode="traditional").counts == (1, 0, 0, 0)
    assert signed(fault_proxy) == {True}


@pytest.mark.parametrize("mode", ["hybrid", "traditional", "direct_sync"])
def test_who_pays_is_said_on_the_side_that_asks_for_it(new_end, fault_proxy, tmp_path, mode):
    here, there = new_end("s3", "here", fault_proxy.endpoint), new_end("s3", "there", fault_proxy.endpoint)
    fault_proxy.reset(here.server.endpoint)
    here.put("a", b"a")
    for side, end in (("source", here), ("destination", there)):
        fault_proxy.reset()
        given = {f"{side}_requester_pays": True} | (apart(here) if mode == "hybrid" else {})
        run = copy(here, there, tmp_path, mode=mode, incremental=False, **given)
        assert (run.counts, run.summary.details["modes"]) == ((1, 0, 0, 0), {mode: 1})
        said = [
            headers.get("x-amz-request-payer")
            for _, path, _, headers in fault_proxy.log
            if end.prefix in path or end.prefix in headers.get("x-amz-copy-source", "")
        ]
        assert set(said) == {"requester"}, fault_proxy.log


def regions(requests):
    return {headers["authorization"].split("/")[2] for *_, headers in requests}


@pytest.mark.parametrize("mode", ["traditional", "hybrid"])
def test_each_sides_region_stands_in_the_signatures_of_its_requests(new_end, fault_proxy, tmp_path, mode):
    here, there = new_end("s3", "here", fault_proxy.endpoint), new_end("s3", "there", fault_proxy.endpoint)
    fault_proxy.reset(here.server.endpoint)
    here.put("a", b"a")
    named = {"source_region": "eu-west-1", "destination_region": "ap-south-1"}
    run = copy(here, there, tmp_path, mode=mode, **named)
    assert (run.counts, bodies(there)) == ((1, 0, 0, 0), {"a": b"a"})
    written = [entry for entry in fault_proxy.log if there.prefix in entry[1]]
    read = [entry for entry in fault_proxy.log if here.prefix in entry[1]]
    listed = [entry for entry in fault_proxy.log if entry not in (*written, *read)]
    assert (regions(written), regions(listed)) == ({"ap-south-1"}, {"eu-west-1", "ap-south-1"})
    if mode == "traditional":
        assert regions(read) == {"eu-west-1"}


@pytest.mark.parametrize("side", ["source", "destination"])
def test_an_anonymous_side_of_gcs_shows_no_token_though_a_key_file_is_there(
    new_end, gcs_server, fault_proxy, tmp_path, monkeypatch, side
):
    bucket = GcsPrefix(gcs_server, fault_proxy.endpoint, f"keyed-{side}")  # no test before it asked as somebody else
    folder = new_end("file", "folder")
    here, there = (bucket, folder) if side == "source" else (folder, bucket)
    fault_proxy.reset(bucket.server.endpoint)
    here.put("a", b"a")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", key_file(tmp_path, f"{fault_proxy.endpoint}/token"))
    for anonymous in (True, False):
        fault_proxy.reset()
        fault_proxy.add(Fault(path="/token", method="POST", times=9, **TOKEN))
        run = copy(here, there, tmp_path, incremental=False, **{f"{side}_anonymous": anonymous})
        assert run.counts == (1, 0, 0, 0)
        shown = {headers.get("authorization") for _, path, _, headers in fault_proxy.log if path != "/token"}
        assert shown == ({None} if anonymous else {"Bearer t0ken"})
        assert (fault_proxy.total_requests("/token") == 0) is anonymous


def kind_of(path):
    return "list" if path.endswith("/o") else "rewrite" if "/rewriteTo/" in path else "read"


@pytest.mark.parametrize(("mode", "asked"), [("traditional", {"list", "read"}), ("auto", {"list", "rewrite"})])
def test_every_request_to_gcs_says_which_project_pays(new_end, fault_proxy, tmp_path, monkeypatch, mode, asked):
    here = new_end("gs", "here", fault_proxy.endpoint)
    there = new_end("gs", "there", fault_proxy.endpoint if mode == "auto" else "")
    fault_proxy.reset(here.server.endpoint)
    here.put("a", b"a")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "who-pays")
    assert copy(here, there, tmp_path, mode=mode, source_requester_pays=True).counts == (1, 0, 0, 0)
    paid = {(kind_of(path), headers.get("x-goog-user-project")) for _, path, _, headers in fault_proxy.log}
    if mode == "auto":
        paid.discard(("list", None))  # the look at the destination beforehand: there nobody was to pay
    assert {project for _, project in paid} == {"who-pays"}
    assert asked <= {kind_of(path) for _, path, *_ in fault_proxy.log}
    fault_proxy.reset()
    assert copy(here, there, tmp_path, mode=mode, incremental=False).counts == (1, 0, 0, 0)
    assert {headers.get("x-goog-user-project") for *_, headers in fault_proxy.log} == {None}, "nobody asked for it"


@pytest.mark.parametrize("side", ["source", "destination"])
def test_paying_for_gcs_without_a_project_is_refused_before_any_request(
    new_end, fault_proxy, tmp_path, monkeypatch, side
):
    here, there = new_end("gs", "here", fault_proxy.endpoint), new_end("gs", "there")
    if side == "destination":
        here, there = there, here
    fault_proxy.reset(here.server.endpoint)
    here.put("a", b"a")
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    with pytest.raises(ConfigError, match=f"--{side}: .*GOOGLE_CLOUD_PROJECT"):
        copy(here, there, tmp_path, **{f"{side}_requester_pays": True})
    assert fault_proxy.log == []
