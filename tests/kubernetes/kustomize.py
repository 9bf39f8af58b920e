"""What `kubectl kustomize` makes of a folder, as far as deploy/kubernetes uses it; whatever it does not know is an error.

Unlike the real one it leaves the names of what is generated as they are, without a hash.
"""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml  # type: ignore[import-untyped]

Document: TypeAlias = dict[str, Any]

KNOWN: Final = {"namespace", "resources", "components", "configMapGenerator", "secretGenerator", "images"}
HEADS: Final = {
    ("kustomize.config.k8s.io/v1beta1", "Kustomization"),
    ("kustomize.config.k8s.io/v1alpha1", "Component"),
}


def built(folder: Path) -> list[Document]:
    """Every object of this folder."""
    told: Document = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    assert (told.pop("apiVersion"), told.pop("kind")) in HEADS, folder
    assert told.keys() <= KNOWN, folder
    documents: list[Document] = []
    for entry in (*told.get("resources", []), *told.get("components", [])):
        documents += _read(folder / entry)
    for kind, field in (("ConfigMap", "configMapGenerator"), ("Secret", "secretGenerator")):
        for generator in told.get(field, []):
            _generate(documents, kind, generator, folder)
    for document in documents:
        if "namespace" in told and document["kind"] != "Namespace":
            document["metadata"]["namespace"] = told["namespace"]
        for container in containers(document):
            for image in told.get("images", []):
                assert image.keys() <= {"name", "newName", "newTag"}
                if container["image"].partition(":")[0] == image["name"]:
                    container["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"
    return documents


def containers(document: Document) -> list[Document]:
    """Of what makes pods, else none."""
    template: Document = document["spec"].get("template", {}) if document["kind"] in {"Deployment", "StatefulSet"} else {}
    found: list[Document] = template.get("spec", {}).get("containers", [])
    return found


def parsed(text: str) -> list[Document]:
    """The objects of a file."""
    return [document for document in yaml.safe_load_all(text) if document is not None]


def _read(path: Path) -> list[Document]:
    return built(path) if path.is_dir() else parsed(path.read_text(encoding="utf-8"))


def _generate(documents: list[Document], kind: str, generator: Mapping[str, Any], folder: Path) -> None:
    assert generator.keys() <= {"name", "behavior", "envs", "literals"}
    data = dict(_pairs(generator, folder))
    more: Document = {}
    if kind == "Secret":
        data = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
        more = {"type": "Opaque"}
    same = [document for document in documents if (document["kind"], document["metadata"]["name"]) == (kind, generator["name"])]
    if generator.get("behavior") == "merge":
        same[0]["data"].update(data)
        return
    assert not same
    documents.append({"apiVersion": "v1", "kind": kind, "metadata": {"name": generator["name"]}, "data": data, **more})


def _pairs(generator: Mapping[str, Any], folder: Path) -> Iterator[tuple[str, str]]:
    lines = list(generator.get("literals", []))
    for name in generator.get("envs", []):
        lines += (folder / name).read_text(encoding="utf-8").splitlines()
    for line in lines:
        if line.strip() and not line.startswith("#"):
            name, equals, value = line.partition("=")
            assert equals, line
            yield name, value
