import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # for the stand-in, tests/exchange

from exchange import Exchange  # noqa: E402
from exchange_lab import ExchangeLab  # noqa: E402
from lab import Lab  # noqa: E402
from running_saslift import new_password  # noqa: E402
from servers.certificates import Authority  # noqa: E402
from servers.dovecot import Dovecot  # noqa: E402
from servers.postfix import Postfix  # noqa: E402
from servers.sign_in import SignIn  # noqa: E402


@pytest.fixture(scope="session")
def directory():
    """Readable by the users that the servers drop to, which pytest's own temporary directories are not."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="saslift-e2e-"))
    path.chmod(0o755)
    yield path
    if os.environ.get("SASLIFT_KEEP_LOGS"):
        print(f"\nlogs kept in {path}")
    else:
        shutil.rmtree(path)


@pytest.fixture(scope="session")
def authority(directory):
    return Authority(directory, "trusted")


@pytest.fixture(scope="session")
def sign_in_service(directory, authority):
    if not (HERE / "node_modules" / "oidc-provider").is_dir():
        subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=HERE, check=True, capture_output=True)
    service = SignIn(HERE, directory, authority)
    yield service
    service.stop()


@pytest.fixture
def sign_in(sign_in_service):
    yield sign_in_service
    sign_in_service.switch("issue")


@pytest.fixture(scope="session")
def dovecot(directory, authority, sign_in_service):
    server = Dovecot(directory, authority, sign_in_service.jwt_key)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postfix(directory, authority, dovecot):
    server = Postfix(directory, authority, dovecot)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def binary():
    path = pathlib.Path(os.environ.get("SASLIFT", HERE.parent.parent / "build" / "debug" / "saslift")).resolve()
    assert path.is_file(), f"no {path}: build it, or set SASLIFT"
    return path


@pytest.fixture(scope="session")
def password(binary):
    """The device password that most accounts share: each costs an argon2id hash."""
    return new_password(binary, "user1")


@pytest.fixture(scope="session")
def lab_parts(binary, directory, password, sign_in_service, dovecot, postfix):
    return binary, directory, password, sign_in_service, dovecot, postfix


@pytest.fixture
def lab(lab_parts):
    """For tests that need a saslift of their own."""
    made = Lab(*lab_parts)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def saslift(lab_parts):
    """One saslift for all tests that leave it as they found it."""
    made = Lab(*lab_parts)
    yield made.run(made.office(workers=2))
    made.stop()


@pytest.fixture(scope="session")
def exchange_site():
    with Exchange() as site:
        yield site


@pytest.fixture
def exchange(exchange_site):
    """With all switches as they should be and no record of earlier tests."""
    exchange_site.clear()
    yield exchange_site
    exchange_site.clear()


@pytest.fixture
def exchange_lab(binary, directory, password, exchange):
    """For tests that need a saslift of their own on the stand-in."""
    made = ExchangeLab(binary, directory, password, exchange)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def offices(binary, directory, password, exchange_site):
    """(one saslift on the stand-in for a module's tests, an iterator of offices that none of them has used)"""
    lab = ExchangeLab(binary, directory, password, exchange_site)
    configuration, numbered = lab.at(lab.ports(), offices=64)
    yield lab.run(configuration), iter(numbered)
    lab.stop()


@pytest.fixture
def office(offices):
    """An identity that has no token yet."""
    return next(offices[1])


@pytest.fixture
def at_exchange(offices):
    """The saslift that serves every office."""
    return offices[0]
