"""Fixtures for all tests: the servers of tests/servers, each started when the first test asks for it.

Property tests try the same examples in every run, so that a run says something of the change that it tests; with
HORNBEAM_TEST_RANDOM=1 they look for new ones.
"""

import os

from hypothesis import settings

from tests.servers.fixtures import (  # noqa: F401 - a fixture is found by its name
    _pubsub_server,
    fault_proxy,
    gcs_server,
    pubsub_server,
    s3_environment,
    s3_server,
    secret_manager,
    web_server,
)
from tests.servers.postgres import postgres  # noqa: F401 - a fixture is found by its name
from tests.services.copy_fixtures import new_end  # noqa: F401 - a fixture is found by its name

settings.register_profile("same", derandomize=True)
settings.register_profile("random", derandomize=False)
settings.load_profile("random" if os.environ.get("HORNBEAM_TEST_RANDOM") else "same")
