"""What docs/kubernetes.md shows is taken by kustomize, and does what is said."""

import shutil
import tomllib
from pathlib import Path
from typing import Final

import pytest
import yaml  # type: ignore[import-untyped]

from tests.documentation import read
from tests.kubernetes.kustomize import built, containers
from tests.kubernetes.test_manifests import BUILDERS, FOLDER, PARTS, ROOT, by_kubectl, complaints, has_kubectl, of

PAGES: Final = [ROOT / "docs" / name for name in ("kubernetes.md", "kubernetes.zh-CN.md")]
VERSION: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def shown(page: Path, begin: str) -> list[str]:
    return [block.text for block in read(page).blocks if block.language == "yaml" and block.text.startswith(begin)]


def overlay(folder: Path, more: str) -> Path:
    """A folder beside a copy of the base, which is all of it but for what is shown."""
    shutil.copytree(FOLDER, folder / "kubernetes", ignore=shutil.ignore_patterns("secrets.env"))
    own = folder / "kubernetes" / "own"
    own.mkdir()
    head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
    (own / "kustomization.yaml").write_text(f"{head}resources: [../base]\ncomponents: [../components/store]\n{more}")
    return own


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_images_are_found_where_they_were_pushed(page: Path, tmp_path: Path) -> None:
    (images,) = shown(page, "images:")
    (pushed,) = (block.text for block in read(page).blocks if "docker push" in block.text)
    names = pushed.partition("for part in ")[2].partition(";")[0].split()
    assert set(names) == set(PARTS)
    assert f'docker push "registry.example.org/sluice/$part:{VERSION}"' in pushed
    own = overlay(tmp_path, images)
    for build in BUILDERS:
        found = {container["image"] for document in build(own) for container in containers(document)}
        assert {image for image in found if "valkey" not in image} == {
            f"registry.example.org/sluice/{name}:{VERSION}" for name in names
        }
        (store,) = (image for image in found if "valkey" in image)
        (unchanged,) = (made["image"] for document in built(FOLDER / "components" / "store") for made in containers(document))
        assert store == f"hub.example.org/{unchanged}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_patches_fit(page: Path, tmp_path: Path) -> None:
    patches = shown(page, "patches:")
    assert len(patches) == 2
    together = yaml.safe_dump({"patches": [patch for text in patches for patch in yaml.safe_load(text)["patches"]]})
    patched = by_kubectl(overlay(tmp_path, together))
    assert [complaint for document in patched for complaint in complaints(document)] == []
    names = of(patched, "NetworkPolicy")["names"]["spec"]["egress"]
    assert sorted(port["port"] for rule in names for port in rule["ports"]) == [53, 53, 53, 53, 5353, 5353]
    for name in ("stream", "worker", "pot-provider"):
        (container,) = containers(of(patched, "Deployment")[name])
        assert {"name": "SSL_CERT_FILE", "value": "/run/extra-ca/ca.pem"} in container["env"]


if not has_kubectl():
    del test_patches_fit  # only kustomize itself applies patches
