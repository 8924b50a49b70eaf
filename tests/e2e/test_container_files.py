"""The files of the image and of compose under docker/: what they name is there, what belongs together fits, and the
configuration among them passes `saslift check`. The image itself is tried by ./dev image."""

import json
import re

import pytest

from container_files import DOCKER, ROOT, checked, drain_of, duration, load, make_secrets


# Dockerfile


def instructions():
    joined = re.sub(r"\\\n", " ", (DOCKER / "Dockerfile").read_text())
    return [line.split(maxsplit=1) for line in joined.splitlines() if line and not line.startswith("#")]


def test_the_image_ends_from_scratch_as_a_numeric_user_that_is_not_root():
    last = max(at for at, (word, _) in enumerate(instructions()) if word == "FROM")
    final = dict(instructions()[last:])
    assert final["FROM"] == "scratch"
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", final["USER"])
    assert json.loads(final["ENTRYPOINT"]) == ["/usr/bin/saslift"]
    assert json.loads(final["HEALTHCHECK"].split("CMD ")[1]) == ["/usr/bin/saslift", "status", "--ready"]
    assert "RUN" not in final  # there is nothing in it that could run


def test_what_the_image_is_built_from_exists_and_is_let_through():
    passed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for dockerfile in ("Dockerfile", "stand_ins.Dockerfile"):
        for line in (DOCKER / dockerfile).read_text().splitlines():
            if line.startswith("COPY ") and "--from" not in line:
                for source in line.split()[1:-1]:
                    assert (ROOT / source).exists(), f"{dockerfile}: {line}"
                    assert source in passed, f"{dockerfile}: {line}"


# Compose


@pytest.fixture(scope="module")
def compose():
    [text] = load(DOCKER / "compose.yaml")
    return text


def test_compose_names_what_is_there(compose):
    for service in compose["services"].values():
        build = service["build"]
        dockerfile = DOCKER / build["context"] / build["dockerfile"]
        if "target" in build:
            assert re.search(rf"^FROM .* AS {build['target']}$", dockerfile.read_text(), re.MULTILINE)
        assert dockerfile.exists()
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        assert {one["source"] for one in service.get("configs", [])} <= set(compose["configs"])
        assert {one.split(":")[0] for one in service.get("volumes", [])} <= set(compose["volumes"])
        assert set(service.get("depends_on", [])) <= set(compose["services"])
    for kind in ("configs", "secrets"):
        for one in compose[kind].values():
            assert (DOCKER / one["file"]).is_file()


def test_the_sidecar_of_compose_is_confined_on_the_loopback_of_the_application(compose):
    sidecar = compose["services"]["saslift"]
    assert sidecar["network_mode"] == "service:application"
    assert sidecar["read_only"] is True and sidecar["cap_drop"] == ["ALL"]
    assert sidecar["security_opt"] == ["no-new-privileges:true"]
    assert not sidecar.get("ports") and not sidecar.get("privileged")


def test_the_sidecar_of_compose_has_time_to_drain(compose):
    text = (DOCKER / "compose/saslift.toml").read_text()
    assert duration(compose["services"]["saslift"]["stop_grace_period"]) >= drain_of(text) + 5


def test_the_configuration_of_compose_passes_check(binary, tmp_path):
    ran = checked(binary, (DOCKER / "compose/saslift.toml").read_text(), make_secrets(tmp_path))
    assert ran.returncode == 0, ran.stdout + ran.stderr
