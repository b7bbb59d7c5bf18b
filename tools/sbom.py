"""Write the bill of materials of a server, CycloneDX JSON: `python -m tools.sbom FILE`, in an environment that has the libraries.

What is pinned and its hashes come from `requirements.txt`, licences and who needs whom from the libraries' own metadata.
The same tree and Python give the same bytes: the time is SOURCE_DATE_EPOCH's, and the serial number follows from the content.
"""

from __future__ import annotations

import os
import sys
import tomllib
import uuid
from datetime import UTC, datetime
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement

from tools.locked import SERVERS, Pin, runtime

ROOT = Path(__file__).resolve().parents[1]


def metadata_of(pin: Pin) -> Distribution | None:
    """Return what the library itself says, where this environment has just this version."""
    try:
        found = distribution(pin.name)
    except PackageNotFoundError:
        return None
    return found if found.version == pin.version else None


def licences(found: Distribution) -> list[License]:
    """Return an SPDX expression where the library gives one, or the words that it gives."""
    fields, make = found.metadata, LicenseFactory()
    if "License-Expression" in fields:
        return [make.make_from_string(fields["License-Expression"])]
    classifiers = [each.rpartition(" :: ")[2] for each in fields.get_all("Classifier") or [] if each.startswith("License :: ")]
    # Some have put the whole text there.
    words = [each for each in fields.get_all("License") or [] if each and "\n" not in each]
    return [make.make_from_string(each) for each in words or classifiers]


def component(pin: Pin) -> Component:
    """Return a library as the standard describes one."""
    found = metadata_of(pin)
    purl = PackageURL("pypi", None, pin.name, pin.version)
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(f"https://pypi.org/project/{pin.name}/{pin.version}/#files"),
        comment="the hashes of every file that the index has of this version",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in pin.hashes],
    )
    return Component(
        name=pin.name,
        version=pin.version,
        type=ComponentType.LIBRARY,
        bom_ref=str(purl),
        purl=purl,
        licenses=licences(found) if found else [],
        external_references=[files],
    )


def needs(requirements: list[str]) -> set[str]:
    """Return the names of what is required on a server."""
    parsed = [Requirement(each) for each in requirements]
    return {
        each.name.lower().replace("_", "-")
        for each in parsed
        if any(Pin(each.name, "", each.marker, ()).is_for(python) for python in SERVERS)
    }


def bill(project: dict[str, Any]) -> Bom:
    """Return the bill: the project, its libraries and who needs whom."""
    known = {pin: component(pin) for pin in runtime(ROOT)}
    bom = Bom(components=known.values())
    version = project["version"]
    root = Component(
        name=project["name"],
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref=f"pkg:generic/neuronova@{version}",
        description=project["description"],
        licenses=[LicenseFactory().make_from_string(project["license"])],
    )
    bom.metadata.component = root
    wanted = {root: needs(project["dependencies"])} | {
        each: needs(found.requires or []) for pin, each in known.items() if (found := metadata_of(pin))
    }
    for each, names in wanted.items():
        bom.register_dependency(each, [other for pin, other in known.items() if pin.name in names])
    bom.metadata.timestamp = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    content = "\n".join(sorted(f"{pin.name} {pin.version} {' '.join(pin.hashes)}" for pin in known))
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"neuronova {version}\n{content}")
    return bom


def main() -> None:
    """Write the bill, if it is one by the standard's schema."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = JsonV1Dot6(bill(project)).output_as_string(indent=2)
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        sys.exit(f"not a bill of materials by CycloneDX 1.6: {fault}")
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
