"""Settings come from command line, file, environment and default, in that order, and errors name their place."""

import pytest

from pipelines.settings_sources import SettingsError, parse
from tests.pipelines.sample_settings import SampleSettings
from transforms.core.errors import ConfigError

NEEDED = ["--project=a"]


def read(*words, environ=None):
    return parse(SampleSettings, [*NEEDED, *words], environ or {}).settings


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (["--batch_size=7"], "batch_size", 7),
        (["--batch_size", "7"], "batch_size", 7),
        (["--batch-size", "7"], "batch_size", 7),
        (["--batch_size=7", "--batch_size=8"], "batch_size", 8),
        (["--wait_seconds=2.5"], "wait_seconds", 2.5),
        (["--words=a,b", "--words", "c"], "words", ("a", "b", "c")),
        (['--words="a,b", c'], "words", ("a,b", "c")),
        (["--words="], "words", ()),
        (["--words=a,"], "words", ("a", "")),
        (["--staging-words=x"], "words", ("x",)),
        (["--project=b,c"], "project", ("a", "b,c")),
        (["--project=b\nc"], "project", ("a", "b", "c")),
        (["--codec=ZSTD"], "codec", "zstd"),
        (["--log_level=debug"], "log_level", "DEBUG"),
        (["--keep"], "keep", True),
        (["--keep=true"], "keep", True),
        (["--keep=no"], "keep", False),
        (["--keep", "--no_keep"], "keep", False),
        (["--no-keep"], "keep", False),
        (["--dry-run"], "dry_run", True),
        (["--name=x"], "name_file", "x"),
        (["--name="], "name_file", None),
        (["--json"], "json_events", True),
        (["6", "2023"], "month", 6),
        (["6", "2023"], "year", 2023),
        (["--keep", "6"], "month", 6),
        ([], "batch_size", 100),
    ],
)
def test_a_command_line_is_read(words, field, value):
    assert getattr(read(*words), field) == value


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--batch_sise=7"], "unknown option --batch_sise: did you mean --batch_size?"),
        (["--no_kep"], "unknown option --no_kep: did you mean --no_keep?"),
        (["--qqqqqqqq", "x"], "unknown option --qqqqqqqq: --help lists all of them"),
        (["-x"], "unknown option -x"),
        (["--batch_size"], "--batch_size needs a value: 1 to 1000"),
        (["--batch_size", "--keep"], "--batch_size needs a value"),
        (["--batch_size=0"], "--batch_size: '0' is not 1 to 1000"),
        (["--batch_size=many"], "--batch_size: 'many' is not 1 to 1000"),
        (["--wait_seconds=61"], "--wait_seconds: '61' is not 0 to 60 s"),
        (["--codec=lzma"], "--codec: 'lzma' is not gzip or zstd"),
        (["--keep=perhaps"], "--keep: 'perhaps' is not true or false"),
        (["--no_keep=true"], "--no_keep takes no value; write --keep=true"),
        (["1", "2000", "3"], "'3' is a word without an option before it"),
        (["--database_key=hunter2"], "--database_key takes a reference, not the secret itself"),
        (["--direct_num_workers"], "--direct_num_workers (an option of Beam or Flink) needs a value"),
    ],
)
def test_a_wrong_word_is_an_error_that_says_what_is_right(words, message):
    with pytest.raises(SettingsError) as caught:
        read(*words)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_all_errors_are_found_at_once():
    with pytest.raises(SettingsError) as caught:
        parse(SampleSettings, ["--batch_size=0", "--codec=x", "--nonsense_x"], {})
    assert len(caught.value.findings) == 4
    assert "--project is required (addresses): Addresses." in caught.value.findings


def test_flags_of_beam_and_flink_pass_through_in_one_form():
    parsed = parse(
        SampleSettings,
        [
            "--direct_num_workers", "2", "--checkpointing_interval=3000", "--keep", "--streaming",
            "--direct-running-mode=multi_processing", "--state_backend", "filesystem", "--project=b", *NEEDED,
        ],
        {},
    )  # fmt: skip
    assert parsed.beam_args == [
        "--direct_num_workers=2",
        "--checkpointing_interval=3000",
        "--streaming",
        "--direct_running_mode=multi_processing",
        "--state_backend=filesystem",
    ]
    assert parsed.settings.keep
    assert parsed.settings.project == ("b", "a"), "ours goes before Beam's option of the same name"


FILES = {
    "yaml": ("job.yaml", "# a comment\nbatch_size: 5\nwords: [a, 'b,c']\nkeep: true\nname: 2023\n"),
    "json": ("job.json", '{\n "batch-size": 5,\n "words": ["a", "b,c"],\n "keep": true,\n "name_file": "2023"\n}'),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_config_file_is_read(tmp_path, kind):
    name, text = FILES[kind]
    (tmp_path / name).write_text(text)
    settings = read(f"--config={tmp_path / name}")
    assert (settings.batch_size, settings.words, settings.keep, settings.name_file) == (5, ("a", "b,c"), True, "2023")


def test_command_line_goes_before_file_before_environment_before_default(tmp_path):
    path = tmp_path / "job.yml"
    path.write_text("batch_size: 2\nwait_seconds: 2\n")
    environ = {
        "HORNBEAM_BATCH_SIZE": "3",
        "HORNBEAM_WAIT_SECONDS": "3",
        "HORNBEAM_CODEC": "zstd",
        "HORNBEAM_CONFIG": str(path),
        "HORNBEAM_KEEP": "",
        "HORNBEAM_TEST_SOMETHING": "not ours",
    }
    settings = read("--batch_size=1", environ=environ)
    assert (settings.batch_size, settings.wait_seconds, settings.codec) == (1, 2, "zstd")
    assert (settings.keep, settings.log_backups) == (False, 5)


def test_a_list_of_the_command_line_replaces_that_of_the_file(tmp_path):
    (tmp_path / "job.yaml").write_text("words: [a, b]\n")
    assert read(f"--config={tmp_path / 'job.yaml'}", "--words=c").words == ("c",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "keep: true\nbatch_sise: 5\n", "a.yaml line 2: unknown setting 'batch_sise': did you mean batch"),
        ("a.json", '{\n"keep": true,\n"batch_sise": 5}', "a.json line 3: unknown setting 'batch_sise': did you mean"),
        ("a.yaml", "batch_size: '5'\n", "a.yaml line 1: batch_size: '5' is a str, not a integer; it takes 1 to 1000"),
        ("a.yaml", "batch_size: true\n", "batch_size: True is a bool"),
        ("a.yaml", "keep: 1\n", "keep: 1 is a int, not a boolean"),
        ("a.yaml", "codec: [gzip]\n", "codec: ['gzip'] is a list"),
        ("a.yaml", "words: {a: 1}\n", "words: {'a': 1} is a dict"),
        ("a.yaml", "\nbatch_size: 0\n", "a.yaml line 2: 0 is not 1 to 1000"),
        ("a.yaml", "config: b.yaml\n", "can't name another one"),
        ("a.yaml", "name: a\nname_file: b\n", "line 2: name_file is given already"),
        ("a.yaml", "keep: true\nkeep: false\n", "a.yaml line 2: keep is there already (line 1)"),
        ("a.json", '{"keep": true,\n "keep": false}', "keep is there already"),
        ("a.yaml", "- a\n", "a.yaml holds a list, not settings"),
        ("a.json", "[1]", "a.json holds a list, not settings"),
        ("a.yaml", "a: [\n", "a.yaml line 2: not valid YAML"),
        ("a.json", '{"a":\n]', "a.json line 2: not valid JSON"),
        ("a.toml", "a = 1", "ends in .yaml, .yml, .json, not '.toml'"),
        ("a.yaml", None, "can't be read"),
    ],
)
def test_a_wrong_config_file_is_an_error_with_its_line(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        read(f"--config={tmp_path / name}")
    assert message in str(caught.value)


def test_yes_and_no_of_yaml_are_words_where_words_are_meant(tmp_path):
    (tmp_path / "a.yaml").write_text("name: yes\nwords: [no, 1, '']\n")
    settings = read(f"--config={tmp_path / 'a.yaml'}")
    assert (settings.name_file, settings.words) == ("yes", ("no", "1", ""))


@pytest.mark.parametrize("place", ["word", "file", "environment"])
def test_a_password_leaves_its_address_wherever_it_was_given(tmp_path, place):
    uri = "postgresql://u:in-address-1@h/db"
    (tmp_path / "a.yaml").write_text(f"database: {uri}\n")
    words = {"word": [f"--database={uri}"], "file": [f"--config={tmp_path / 'a.yaml'}"], "environment": []}[place]
    settings = read(*words, environ={"HORNBEAM_DATABASE": uri} if place == "environment" else {})
    assert settings.database == "postgresql://u@h/db"
    assert settings.database_key.startswith("env:HORNBEAM_SECRET_")


def test_help_is_printed_before_anything_is_judged(capsys):
    with pytest.raises(SystemExit) as caught:
        parse(SampleSettings, ["--nonsense", "--help"], {})
    assert caught.value.code == 0
    assert "--batch_size N" in capsys.readouterr().out
