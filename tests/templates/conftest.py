"""The mark of tests that take minutes: `make test PYTEST_ARGS='-m "not slow"'` leaves them out."""


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes minutes (installs the locked requirements)")
