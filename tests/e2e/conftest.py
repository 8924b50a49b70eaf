import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from lab import Lab
from running_saslift import new_password
from servers.certificates import Authority
from servers.dovecot import Dovecot
from servers.postfix import Postfix
from servers.sign_in import SignIn

HERE = pathlib.Path(__file__).resolve().parent


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
