"""docker/kubernetes/: every object is what its schema allows, what belongs together fits, and every configuration passes
`saslift check`."""

import json
import re
import subprocess

import pytest

from container_files import DOCKER, ROOT, checked, drain_of, make_secrets
from kustomization import Kustomization, containers, saslift_container

KUBERNETES = ("sidecar", "workload-identity", "site")


@pytest.fixture(scope="module", params=KUBERNETES)
def kustomization(request):
    return Kustomization(DOCKER / "kubernetes" / request.param)


def test_kubernetes_objects_are_what_their_schemas_allow(kustomization):
    lines = "".join(json.dumps(document) + "\n" for document in kustomization.documents)
    ran = subprocess.run(["node", "kubernetes_schemas.mjs"], input=lines, capture_output=True, text=True,
                         cwd=ROOT / "tests/e2e")
    assert (ran.stdout, ran.stderr, ran.returncode) == ("", "", 0)


def test_the_schemas_refuse_what_is_wrong(kustomization):
    wrong = kustomization.of_kind("Deployment")[0] | {"metadata": {"name": "wrong"}}
    wrong["spec"] = json.loads(json.dumps(wrong["spec"]))
    wrong["spec"]["template"]["spec"]["containers"][0]["imagine"] = "x"
    mistyped = json.loads(json.dumps(wrong))
    mistyped["spec"]["selector"] = "x"
    ran = subprocess.run(["node", "kubernetes_schemas.mjs"], input=json.dumps(wrong) + "\n" + json.dumps(mistyped) + "\n",
                         capture_output=True, text=True, cwd=ROOT / "tests/e2e")
    assert "unknown field /spec/template/spec/containers/0/imagine" in ran.stdout
    assert "data/spec/selector must be object" in ran.stdout


def test_what_pods_mount_is_there(kustomization):
    for pod in kustomization.pods:
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        mounted = {mount["name"] for container in containers(pod) for mount in container.get("volumeMounts", [])}
        assert mounted == set(volumes)
        for volume in volumes.values():
            if "configMap" in volume:
                assert volume["configMap"]["name"] in kustomization.configurations
        if name := pod["spec"].get("serviceAccountName"):
            assert name in [account["metadata"]["name"] for account in kustomization.of_kind("ServiceAccount")]


def test_probes_services_and_policies_name_ports_of_the_pod(kustomization):
    for pod in kustomization.pods:
        ours = saslift_container(pod)
        ports = {port["name"]: port["containerPort"] for port in ours["ports"]}
        probes = {kind: ours[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
        assert {kind: probe["path"] for kind, probe in probes.items()} == {
            "startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
        asked = {probe["port"] for probe in probes.values()}
        asked |= {port["targetPort"] for service in kustomization.of_kind("Service") for port in service["spec"]["ports"]}
        asked |= {port["port"] for policy in kustomization.of_kind("NetworkPolicy")
                  for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        asked |= {end["port"] for monitor in kustomization.of_kind("PodMonitor")
                  for end in monitor["spec"]["podMetricsEndpoints"]}
        assert asked <= set(ports)
        [configuration] = kustomization.configurations["saslift"]
        listened = set(map(int, re.findall(r'^(?:address|metrics)\s*=\s*".*:(\d+)"', configuration.read_text(), re.MULTILINE)))
        assert listened == set(ports.values())


def test_selectors_find_the_pods(kustomization):
    [pod] = kustomization.pods
    labels = pod["metadata"]["labels"].items()
    selectors = [one["spec"]["selector"]["matchLabels"] for kind in ("Deployment", "PodDisruptionBudget", "PodMonitor")
                 for one in kustomization.of_kind(kind)]
    selectors += [one["spec"]["selector"] for one in kustomization.of_kind("Service")]
    selectors += [one["spec"]["podSelector"]["matchLabels"] for one in kustomization.of_kind("NetworkPolicy")]
    for selector in selectors:
        assert selector and selector.items() <= labels


def test_pods_are_confined_and_have_time_to_drain(kustomization):
    version = re.search(r"^project\(saslift VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)[1]
    [configuration] = kustomization.configurations["saslift"]
    for pod in kustomization.pods:
        ours, spec = saslift_container(pod), pod["spec"]
        assert ours["image"] == f"saslift:{version}"
        assert ours["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                           "capabilities": {"drop": ["ALL"]}}
        assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"] > 0
        assert spec["automountServiceAccountToken"] is False
        assert "memory" in ours["resources"]["limits"]
        paused = ours.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert spec["terminationGracePeriodSeconds"] >= drain_of(configuration.read_text()) + paused + 5


def test_the_configurations_for_kubernetes_pass_check(kustomization, binary, tmp_path):
    [configuration] = kustomization.configurations["saslift"]
    secrets = make_secrets(tmp_path)
    for pod in kustomization.pods:
        environment = {one["name"]: one["value"] for one in saslift_container(pod).get("env", [])}
        if "AZURE_FEDERATED_TOKEN_FILE" in environment:
            environment["AZURE_FEDERATED_TOKEN_FILE"] = str(secrets / "token")
        ran = checked(binary, configuration.read_text(), secrets, environment.items())
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_workload_identity_pod_has_no_secret_and_says_where_its_token_is():
    kustomization = Kustomization(DOCKER / "kubernetes/workload-identity")
    [pod] = kustomization.pods
    ours = saslift_container(pod)
    assert not any("secret" in volume for volume in pod["spec"]["volumes"])
    assert pod["metadata"]["labels"]["azure.workload.identity/use"] == "true"
    environment = {one["name"]: one["value"] for one in ours["env"]}
    [token] = [volume for volume in pod["spec"]["volumes"] if "projected" in volume]
    [source] = [one["serviceAccountToken"] for one in token["projected"]["sources"]]
    [mount] = [one for one in ours["volumeMounts"] if one["name"] == token["name"]]
    assert environment["AZURE_FEDERATED_TOKEN_FILE"] == f"{mount['mountPath']}/{source['path']}"
    assert source["audience"] == "api://AzureADTokenExchange" and 3600 <= source["expirationSeconds"] <= 86400
    [account] = kustomization.of_kind("ServiceAccount")
    assert account["metadata"]["annotations"]["azure.workload.identity/client-id"] == environment["AZURE_CLIENT_ID"]
