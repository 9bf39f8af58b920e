"""A software bill of materials: CycloneDX, as JSON."""

from collections.abc import Sequence
from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component as Part
from cyclonedx.model.component import ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from scripts.sbom.component import Component

LICENCE: Final = "MIT"
"""This project's own."""


def document(name: str, version: str, components: Sequence[Component]) -> str:
    """What ``name`` is made of.

    :param components: in any order; a need that is not among them is none in this place
    """
    licences = LicenseFactory()
    bom = Bom()
    whole = Part(
        name=name, version=version, type=ComponentType.APPLICATION, bom_ref=name, licenses=[licences.make_from_string(LICENCE)]
    )
    bom.metadata.component = whole
    parts: dict[tuple[str, str], list[Part]] = {}
    for component in components:
        part = _part(component, licences)
        bom.components.add(part)
        parts.setdefault((component.world, component.name), []).append(part)
    bom.register_dependency(whole, list(bom.components))
    for component in components:
        needed = [part for need in component.needs for part in parts.get((component.world, need), [])]
        own = next(part for part in parts[component.world, component.name] if part.version == component.version)
        bom.register_dependency(own, needed)
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _part(component: Component, licences: LicenseFactory) -> Part:
    space, _, name = component.name.rpartition("/")
    purl = PackageURL(component.world, space or None, name, component.version)
    return Part(
        name=name,
        group=space or None,
        version=component.version,
        type=ComponentType.LIBRARY,
        bom_ref=str(purl),
        purl=purl,
        licenses=[licences.make_from_string(component.licence)],
        hashes=[HashType(alg=HashAlgorithm(algorithm), content=digest) for algorithm, digest in component.hashes],
    )
