"""What `copy` and `verify` take: wrong values and missing ends are told before anything is touched; limits hold."""

import pytest

from pipelines.__main__ import console
from pipelines.copy_job import ranges_for
from pipelines.copy_settings import CopySettings, VerifySettings, bytes_of, seconds_of
from pipelines.engines.choice import RunnerChoice
from pipelines.settings_help import pipeline_help
from tests.servers.fault_proxy import Fault
from tests.services.copy_ends import PART, bodies, copy
from transforms.core.copying.between import copy_between

NEEDED = ("--source=in/", "--destination=out/")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with something to copy in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(b"a")
    return tmp_path


def told(capsys, *words):
    """What a refused command prints; nothing may have happened."""
    code = console(list(words))
    printed = capsys.readouterr()
    assert code == 2, printed.err
    assert "Traceback" not in printed.err
    return printed.err


WRONG = [
    ("mode", "fast", "direct_sync"),
    ("fallback", "maybe", "none"),
    ("compare_by", "hash", "checksum"),
    ("if_exists", "ask", "overwrite"),
    ("verify", "maybe", "metadata"),
    ("max_delete", "110%", "10%"),
    ("max_delete", "ten", "10%"),
    ("max_delete", "-1", "10%"),
    ("batch_size", "0", "1"),
    ("batch_size", "10001", "10000"),
    ("batch_size", "x", "1 to 10000"),
    ("part_size_mb", "4", "5"),
    ("part_size_mb", "5121", "5120"),
    ("buffer_mb", "7", "8"),
    ("max_concurrent", "0", "1"),
    ("max_concurrent", "257", "256"),
    ("bytes_per_second", "-1", "0"),
    ("requests_per_second", "x", "0 to 1000000000000"),
    ("min_size", "huge", "10K"),
    ("max_size", "-1", "10K"),
    ("newer_than", "yesterday", "2024-05-31"),
    ("older_than", "31.12.2024", "2024-05-31"),
    ("source_endpoint_url", "ftp://host", "http"),
    ("destination_endpoint_url", "host:9000", "http"),
]


@pytest.mark.parametrize(("option", "value", "remedy"), WRONG)
def test_a_wrong_value_is_named_with_its_option_and_the_remedy(folder, capsys, option, value, remedy):
    err = told(capsys, "copy", *NEEDED, f"--{option}={value}")
    assert f"--{option}" in err
    assert value in err
    assert remedy in err.replace(",", "")
    assert sorted(path.name for path in folder.iterdir()) == ["in"]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--destination=out/"], ["--source or --manifest"]),
        ([*NEEDED, "--manifest=m.csv"], ["--source or --manifest"]),
        (["--source=in/"], ["--destination", "required"]),
        ([*NEEDED, "--modes=auto"], ["--modes", "--mode"]),
        ([*NEEDED, "--min_size=2K", "--max_size=1K"], ["--min_size", "--max_size"]),
        ([*NEEDED, "--newer_than=2024-02-01", "--older_than=2024-01-01"], ["--newer_than", "--older_than"]),
        ([*NEEDED, "--source_anonymous", "--source_profile=p"], ["--source_anonymous", "--source_profile"]),
        (["--source=in/", "--destination=http://host/x"], ["--destination", "only read from"]),
        (["--source=in/", "--destination=ftp://host/x"], ["ftp is unknown", "s3:// or gs://"]),
        (["--source=nobody/", "--destination=out/"], ["--source", "nobody"]),
        (["--source=in/*", "--include=b", "--destination=out/"], ["--include"]),
        (["--source=in", "--destination=in/deeper/"], ["in/deeper/", "one inside the other"]),
        (["--source=in/", "--destination=."], ["one inside the other"]),
        (["--source=in/a", "--destination=in/a"], ["one inside the other"]),
        (["--source=in/", "--destination=link/deeper/"], ["one inside the other"]),
        ([*NEEDED, "--output=in/runs"], ["--output", "in/runs"]),
        ([*NEEDED, "--output=out/runs", "--delete"], ["--output", "out/runs"]),
        ([*NEEDED, "--retry=nobody"], ["--retry", "nobody"]),
    ],
)
def test_what_cannot_be_is_named_before_anything_is_touched(folder, capsys, words, parts):
    (folder / "link").symlink_to(folder / "in")
    err = told(capsys, "copy", *words)
    assert all(part in err for part in parts), err
    assert sorted(path.name for path in folder.iterdir()) == ["in", "link"]
    assert [path.name for path in (folder / "in").iterdir()] == ["a"]


def test_verify_refuses_a_run_folder_that_would_be_an_extra(folder, capsys):
    err = told(capsys, "verify", *NEEDED, "--output=out/runs")
    assert "--output out/runs" in err
    assert sorted(path.name for path in folder.iterdir()) == ["in"]


def test_verify_refuses_to_compare_nothing_since_0_means_that_all_match(folder, capsys):
    """A copy may go unproved, and counts that apart; a comparison that proves nothing has no other purpose."""
    (folder / "out").mkdir()
    (folder / "out" / "a").write_bytes(b"b")
    err = told(capsys, "verify", *NEEDED, "--verify=none")
    assert "--verify" in err
    assert "auto, metadata" in err
    assert sorted(path.name for path in folder.iterdir()) == ["in", "out"]
    assert console(["verify", *NEEDED, "--verify=metadata"]) == 1, "no checksum tells of files"
    assert console(["verify", *NEEDED]) == 1
    (folder / "out" / "a").write_bytes(b"a")
    assert console(["verify", *NEEDED]) == 0
    assert console(["copy", *NEEDED, "--verify=none", "--no_incremental"]) == 0


@pytest.mark.parametrize(
    ("source", "destination"),
    [("in/a", "in/ab"), ("in/ab", "in/a"), ("in/", "inner/"), ("in/a", "in/b/")],
)
def test_neighbours_are_not_one_inside_the_other(folder, source, destination):
    (folder / "in" / "ab").write_bytes(b"ab")
    words = ["copy", f"--source={source}", f"--destination={destination}", f"--output={folder / 'run'}"]
    assert console(words) == 0


@pytest.mark.parametrize("command", ["copy", "verify"])
def test_help_fits_80_columns_and_names_every_option(capsys, command):
    assert console([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) < 80
    kind = CopySettings if command == "copy" else VerifySettings
    assert text == pipeline_help(kind)
    assert all(f"--{name}" in text or f"--no_{name}" in text for name in ("source", "destination", "verify", "include"))


def test_settings_survive_their_json():
    given = CopySettings(source="a/", destination="s3://b/", include=("*.csv", "x,y"), max_size="5M", delete=True)
    assert CopySettings.from_json(given.to_json()) == given


@pytest.mark.parametrize(
    ("text", "meant"), [("0", 0), ("10", 10), ("10K", 10_240), ("2M", 2 << 20), ("1GiB", 1 << 30), ("1t", 1 << 40)]
)
def test_sizes_are_read_as_people_write_them(text, meant):
    assert bytes_of(text) == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [("1717113600", 1717113600.0), ("2024-05-31", 1717113600.0), ("2024-05-31T02:00:00+02:00", 1717113600.0)],
)
def test_times_are_read_as_people_write_them(text, meant):
    assert seconds_of(text) == meant


class TestStores:
    def test_validate_says_that_all_is_well_or_what_is_not(self, new_end, folder, capsys):
        there = new_end("s3")
        words = ["--source=in/", f"--destination={there.root}", f"--destination_endpoint_url={there.endpoint}"]
        assert console(["validate", "copy", *words]) == 0
        assert "nothing was changed" in capsys.readouterr().out
        assert console(["validate", "copy", *words, "--mode=fast"]) == 2
        assert "--mode" in capsys.readouterr().out
        assert console(["validate", "copy", *[word.replace("=in/", "=nobody/") for word in words]]) == 2
        assert "--source" in capsys.readouterr().out
        assert (there.keys(), [path.name for path in folder.iterdir()]) == (set(), ["in"])

    @pytest.mark.parametrize("kind", ["s3", "gs"])
    def test_a_missing_bucket_is_named_on_either_side(self, new_end, folder, capsys, kind):
        there = new_end(kind)
        endpoint = there.server.endpoint
        missing = f"{kind}://hornbeam-nobody-s-bucket/x/"
        err = told(capsys, "copy", "--source=in/", f"--destination={missing}", f"--destination_endpoint_url={endpoint}")
        assert "--destination: " in err
        assert "hornbeam-nobody-s-bucket" in err
        err = told(capsys, "copy", f"--source={missing}", "--destination=out/", f"--source_endpoint_url={endpoint}")
        assert "--source: " in err
        assert "hornbeam-nobody-s-bucket" in err
        assert [path.name for path in folder.iterdir()] == ["in"]

    def test_an_empty_source_is_named(self, new_end, folder, capsys):
        empty = new_end("s3")
        endpoint = f"--source_endpoint_url={empty.endpoint}"
        err = told(capsys, "copy", f"--source={empty.root}", "--destination=out/", endpoint)
        assert f"{empty.root} holds nothing" in err

    def test_missing_credentials_are_named(self, new_end, folder, capsys, monkeypatch, tmp_path):
        there = new_end("s3")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        words = [f"--destination={there.root}", f"--destination_endpoint_url={there.endpoint}/"]
        err = told(capsys, "copy", "--source=in/", *words)
        assert "--destination: " in err
        assert "AWS_ACCESS_KEY_ID" in err

    def test_wrong_credentials_are_named_and_not_shown(self, new_end, folder, capsys, monkeypatch):
        there = new_end("s3")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret-1")
        words = [f"--destination={there.root}", f"--destination_endpoint_url={there.endpoint}//"]
        err = told(capsys, "copy", "--source=in/", *words)
        assert "403" in err
        assert "not-the-secret-1" not in err

    @pytest.mark.parametrize("slash", ["", "/"])
    def test_a_destination_inside_the_source_is_refused_in_a_bucket_too(self, new_end, folder, capsys, slash):
        here = new_end("s3")
        here.put("a", b"a")
        ends = [f"--source={here.root}", f"--destination={here.root}deeper/"]
        ends += [f"--source_endpoint_url={here.endpoint}", f"--destination_endpoint_url={here.endpoint}{slash}"]
        assert "one inside the other" in told(capsys, "copy", *ends)
        assert here.keys() == {"a"}

    @pytest.mark.parametrize(("profile", "code"), [("one", 2), ("two", 0)])
    def test_servers_may_be_told_apart_by_profiles(self, new_end, fault_proxy, folder, monkeypatch, profile, code):
        here = new_end("s3")
        here.put("a", b"a")
        fault_proxy.reset(here.endpoint)
        profiles = {"one": here.endpoint, "two": fault_proxy.endpoint}
        lines = [f"[profile {name}]\nendpoint_url = {endpoint}\n" for name, endpoint in profiles.items()]
        (folder / "config").write_text("".join(lines))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
        keys = f"aws_access_key_id = {here.server.access_key}\naws_secret_access_key = {here.server.secret_key}\n"
        (folder / "keys").write_text(f"[one]\n{keys}[two]\n{keys}")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "keys"))
        words = ["copy", f"--source={here.root}", f"--destination={here.root}deeper/", "--dry_run", "--output=run"]
        assert console([*words, "--source_profile=one", f"--destination_profile={profile}"]) == code


class TestLimits:
    @pytest.mark.parametrize("status", [503, 429])
    def test_a_server_that_asks_for_less_gets_it_and_no_object_is_lost(self, new_end, fault_proxy, tmp_path, status):
        here, there = new_end("file"), new_end("s3", "there", fault_proxy.endpoint)
        fault_proxy.reset(there.server.endpoint)
        sent = {f"{number:02}": b"x" for number in range(20)}
        for key, body in sent.items():
            here.put(key, body)
        slow = Fault(
            path=there.prefix, method="PUT", status=status, body=b"<Error><Code>SlowDown</Code></Error>", times=1
        )
        slow.retry_after = "1"
        fault_proxy.add(slow)
        run = copy(here, there, tmp_path, max_concurrent=2)
        assert (run.summary.exit_code, run.counts, bodies(there)) == (0, (20, 0, 0, 0), sent)
        assert [code for _, _, code, _ in fault_proxy.log].count(status) == 1
        assert run.summary.seconds >= 1.0  # nobody asked meanwhile

    def test_requests_a_second_hold(self, new_end, fault_proxy, tmp_path):
        here, there = new_end("file"), new_end("s3", "there", fault_proxy.endpoint)
        fault_proxy.reset(there.server.endpoint)
        for number in range(30):
            here.put(f"{number}", b"x")
        run = copy(here, there, tmp_path, requests_per_second=20)
        assert run.summary.exit_code == 0
        asked = sum(fault_proxy.requests.values())
        assert asked >= 30
        assert run.summary.seconds >= (asked - 8) / 20  # a burst, and what was asked before the clock began

    @pytest.mark.parametrize(("source", "destination"), [("file", "s3"), ("s3", "file"), ("s3", "gs")])
    def test_bytes_a_second_hold(self, new_end, tmp_path, source, destination):
        here, there = new_end(source), new_end(destination, "there")
        for number in range(4):
            here.put(f"{number}", b"x" * 500_000)
        run = copy(here, there, tmp_path, bytes_per_second=1_000_000)
        assert (run.summary.exit_code, run.summary.bytes.done) == (0, 2_000_000)
        assert run.summary.seconds >= 1.2  # 2 s, less one object's worth and a burst

    @pytest.mark.parametrize("mode", ["hybrid", "traditional"])
    def test_a_buffer_smaller_than_a_part_still_lets_objects_pass(self, new_end, tmp_path, mode):
        here, there = new_end("s3"), new_end("gs")
        sent = {str(number): bytes([number]) * (2 * PART + 1) for number in range(3)}
        for key, body in sent.items():
            here.put(key, body)
        run = copy(here, there, tmp_path, mode=mode, buffer_mb=8)
        assert (run.summary.exit_code, bodies(there)) == (0, sent)


@pytest.mark.parametrize(
    ("engine", "processes", "range_keys"),
    [("direct", 1, 25_000), ("direct", 2, 5000), ("prism", 1, 5000), ("flink", 1, 5000), ("dataflow", 1, 5000)],
)
def test_one_process_gets_large_ranges_and_several_workers_get_small_ones(engine, processes, range_keys):
    runner = RunnerChoice("Runner", processes, "in_memory", "", engine=engine)
    assert ranges_for(copy_between("s3://a/", "s3://b/"), runner).range_keys == range_keys
