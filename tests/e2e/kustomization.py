"""docker/kubernetes/ as `kubectl kustomize` reads it, as far as the files there need."""

from container_files import load

MERGED_BY = {"volumeMounts": "mountPath"}  # other lists of a patch are merged by name


class Kustomization:
    """What `kubectl kustomize` makes of a directory, but for the hashes in names: resources, configMapGenerator of files,
    and strategic merge patches by path. Anything else in it is refused, since it would go untested."""

    def __init__(self, directory):
        [text] = load(directory / "kustomization.yaml")
        unknown = set(text) - {"apiVersion", "kind", "resources", "configMapGenerator", "patches"}
        assert not unknown, f"{directory}: {unknown}"
        self.documents, self.configurations = [], {}
        for resource in text["resources"]:
            path = (directory / resource).resolve()
            if path.is_dir():
                below = Kustomization(path)
                self.documents += below.documents
                self.configurations |= below.configurations
            else:
                self.documents += load(path)
        for made in text.get("configMapGenerator", []):
            assert (made.get("behavior") == "replace") == (made["name"] in self.configurations)
            self.configurations[made["name"]] = [directory / name for name in made["files"]]
        for patch in text.get("patches", []):
            [change] = load(directory / patch["path"])
            [changed] = [one for one in self.documents if _identity(one) == _identity(change)]
            _merge(changed, change)

    def of_kind(self, kind):
        return [document for document in self.documents if document["kind"] == kind]

    @property
    def pods(self):
        return [deployment["spec"]["template"] for deployment in self.of_kind("Deployment")]


def _identity(document):
    return document["apiVersion"], document["kind"], document["metadata"]["name"]


def _merge(into, change):
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        elif isinstance(value, list) and isinstance(into.get(key), list):
            _merge_lists(into[key], value, MERGED_BY.get(key, "name"))
        else:
            into[key] = value


def _merge_lists(into, change, key):
    for item in change:
        [*same] = [one for one in into if one[key] == item[key]]
        if item.get("$patch") == "delete":
            into.remove(*same)
        elif same:
            _merge(same[0], item)
        else:
            into.append(item)


def containers(pod):
    return pod["spec"].get("initContainers", []) + pod["spec"]["containers"]


def saslift_container(pod):
    [found] = [one for one in containers(pod) if one["name"] == "saslift"]
    return found
