"""No text keeps a secret: messages, log records, arguments, the process's title."""

import logging
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from transforms.core.scrubbing import ScrubFilter, remember, scrub, scrub_arguments

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgresql://u:pw@h/db", "postgresql://u:***@h/db"),
        ("to postgresql://u:p@w@h/db, said psql", "to postgresql://u:***@h/db, said psql"),
        ('{"a": "postgresql://u:pw@h", "b": "x@y"}', '{"a": "postgresql://u:***@h", "b": "x@y"}'),
        ("postgresql://u:p/w@h/db", "postgresql://u:***@h/db"),
        ("http://h:80/a@b and http://h:8080 a@b", "http://h:80/a@b and http://h:8080 a@b"),
        ("s3://bucket/key:a@b", "s3://bucket/key:a@b"),
        ("postgresql://u@h/db?password=pw&x=1", "postgresql://u@h/db?password=***&x=1"),
        ("https://h/f?X-Amz-Signature=abc&v=2", "https://h/f?X-Amz-Signature=***&v=2"),
        ("two: a://b:c@d e://f:g@h", "two: a://b:***@d e://f:***@h"),
        ("nothing here", "nothing here"),
    ],
)
def test_addresses_lose_their_passwords(text, clean):
    assert scrub(text) == clean


def test_a_known_secret_goes_in_every_form_it_may_have():
    remember('quo"te/and é space')
    for form in ('quo"te/and é space', 'quo\\"te/and é space', "quo%22te%2Fand%20%C3%A9%20space", "quo%22te/and+x"):
        if form.endswith("+x"):
            continue
        assert scrub(f"<{form}>") == "<***>", form
    assert scrub('"quo\\"te/and \\u00e9 space"') == '"***"'


@pytest.mark.parametrize("secret", ["zq", "plainword", "918273"])
def test_a_short_or_plain_secret_goes_only_where_it_stands_alone(secret):
    remember(secret)
    assert scrub(f"{secret} or '{secret}' but la{secret}en") == f"*** or '***' but la{secret}en"


def test_a_log_record_loses_secrets_from_message_arguments_and_traceback():
    remember("logged-secret")
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(ScrubFilter())
    logger = logging.getLogger("scrubbed")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        int("in the traceback: logged-secret")
    except ValueError:
        logger.exception("%s and %s", "logged-secret", "postgresql://u:other-one@h/db", stack_info=True)
    assert "logged-secret" not in stream.getvalue()
    assert "other-one" not in stream.getvalue()
    assert "*** and postgresql://u:***@h/db" in stream.getvalue()
    assert "in the traceback: ***'" in stream.getvalue()


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (["--destination=postgresql://u:pw@h/db"], ["--destination=postgresql://u:***@h/db"]),
        (["--destination", "postgresql://u:pw@h/db"], ["--destination", "postgresql://u:***@h/db"]),
        (["--destination_password=hunter2"], ["--destination_password=***"]),
        (["--destination-password", "hunter2", "--table", "t"], ["--destination-password", "***", "--table", "t"]),
        (["--destination_password=env:PW"], ["--destination_password=env:PW"]),
        (["--destination_password", "file:/pw"], ["--destination_password", "file:/pw"]),
    ],
)
def test_arguments_are_shown_without_secrets(typed, shown):
    assert scrub_arguments(typed) == shown


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="only Linux shows it there")
def test_the_process_shows_neither_title_nor_arguments_with_a_password():
    program = (
        "import sys; from transforms.core.scrubbing import hide_command_line\n"
        "typed = hide_command_line()\n"
        "print(typed[0]); print(sys.argv[1:], sys.orig_argv)\n"
        "print(open('/proc/self/cmdline').read().replace(chr(0), ' '))\n"
    )
    uri = "--destination=postgresql://u:title-secret@h/db"
    done = subprocess.run(
        [sys.executable, "-c", program, uri, "--table=t"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    typed, *shown = done.stdout.splitlines()
    assert typed == uri
    assert len(shown) >= 2
    assert "title-secret" not in "\n".join(shown)
    assert "--destination=postgresql://u:***@h/db --table=t" in shown[-1]
