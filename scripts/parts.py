"""What the product is made of, and whether anything of it is known to be faulty.

    python -m scripts.parts sbom     CycloneDX 1.6 into dist/sbom/: the parts of the machine, the server and the pages'
                                     scripts, each with its licence and hashes
    python -m scripts.parts audit    asks the public advisory service about every locked package

`audit` ends with 0 where nothing is known, 1 where something is, and 3 where the service cannot be reached from here:
nothing is known then, and it says so.
"""

import base64
import json
import subprocess
import sys
import tomllib
import uuid
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cyclonedx.spdx import is_expression, is_supported_id

from scripts.lock_files import read_lock

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "dist" / "sbom"
LOCKS = ("device", "server", "dev")
UNREACHABLE = 3
UNLISTED = "LicenseRef-"

# Packages whose metadata names no SPDX licence, or which not every Python gets: read from their licence files.
LICENCES = {
    "contourpy": "BSD-3-Clause",
    "cssselect2": "BSD-3-Clause",
    "cycler": "BSD-3-Clause",
    "defusedxml": "PSF-2.0",
    "django-csp": "BSD-3-Clause",
    "fhir-core": "BSD-3-Clause",
    "fhir-resources": "BSD-3-Clause",
    "kiwisolver": "BSD-3-Clause",
    "lgpio": "Unlicense",
    "matplotlib": "LicenseRef-Matplotlib",
    "pydyf": "BSD-3-Clause",
    "pygame": "LGPL-2.1-or-later",
    "pygame-ce": "LGPL-2.1-or-later",
    "pyphen": "GPL-2.0-or-later OR LGPL-2.1-or-later OR MPL-1.1",
    "pyrage": "MIT",
    "segno": "BSD-3-Clause",
    "sqlparse": "BSD-3-Clause",
    "tinycss2": "BSD-3-Clause",
    "weasyprint": "BSD-3-Clause",
    "webencodings": "BSD-3-Clause",
}
CLASSIFIED = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
}


def sbom(folder: Path = OUT) -> int:
    """Write the lists into a folder. Return the exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    lists = {f"{lock}.cdx.json": python_list(lock) for lock in ("device", "server")}
    lists["pages.cdx.json"] = scripts_list()
    for name, parts in lists.items():
        (folder / name).write_text(json.dumps(parts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{name}: {len(parts['components'])} parts")
    return 0


def python_list(lock: str) -> dict[str, Any]:
    """Return the packages of a lock as CycloneDX 1.6. Raises ValueError where a licence is not known."""
    return bill(
        "interval-coach",
        [
            {
                "type": "library",
                "bom-ref": f"pkg:pypi/{package.name}@{package.version}",
                "name": package.name,
                "version": package.version,
                "licenses": [licence_of(package.name)],
                # A package has a file for each Python and processor; the lock accepts any of them.
                "hashes": [{"alg": "SHA-256", "content": one} for one in package.hashes],
                "purl": f"pkg:pypi/{package.name}@{package.version}",
            }
            for package in read_lock(lock)
        ],
    )


def scripts_list() -> dict[str, Any]:
    """Return the pages' scripts from package-lock.json as CycloneDX 1.6."""
    lock = json.loads((ROOT / "package-lock.json").read_text())
    return bill(
        "interval-coach-pages",
        [
            {
                "type": "library",
                "bom-ref": name.removeprefix("node_modules/"),
                "name": name.removeprefix("node_modules/"),
                "version": one["version"],
                "scope": "excluded" if one.get("dev") else "required",
                "licenses": [spdx(one["license"])],
                "hashes": [npm_hash(one["integrity"])],
                "purl": f"pkg:npm/{quote(name.removeprefix('node_modules/'))}@{one['version']}",
            }
            for name, one in sorted(lock["packages"].items())
            if name
        ],
    )


def bill(name: str, components: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a CycloneDX 1.6 list, the same for the same commit: its time is the commit's."""
    about = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([name, about["version"], components]))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": time_of_commit().isoformat(),
            "component": {
                "type": "application",
                "bom-ref": name,
                "name": name,
                "version": about["version"],
                "licenses": [spdx(about["license"])],
            },
        },
        "components": components,
        "dependencies": [{"ref": name, "dependsOn": [one["bom-ref"] for one in components]}],
    }


def time_of_commit() -> datetime:
    """Return the time of the commit that is checked out; the time now where git knows none."""
    asked = subprocess.run(
        ["git", "log", "-1", "--format=%ct"],  # noqa: S607 - git is found on the path
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0 and asked.stdout.strip():
        return datetime.fromtimestamp(int(asked.stdout), UTC)
    return datetime.now(UTC).replace(microsecond=0)


def licence_of(package: str) -> dict[str, Any]:
    """Return the licence of a Python package: from our table, else from its own metadata. Raises ValueError."""
    if package in LICENCES:
        return spdx(LICENCES[package])
    try:
        about = metadata.metadata(package)
    except metadata.PackageNotFoundError as error:
        raise ValueError(f"{package} is not installed here, so its licence is not known. Run make set-up.") from error
    declared = about.get("License-Expression") or about.get("License") or ""
    if not is_spdx(declared):
        by_classifier = {CLASSIFIED[one] for one in about.get_all("Classifier") or [] if one in CLASSIFIED}
        if len(by_classifier) != 1:
            raise ValueError(f"{package} names no SPDX licence: read its licence, and add it to LICENCES.")
        declared = by_classifier.pop()
    return spdx(declared)


def is_spdx(declared: str) -> bool:
    """Return whether a text is an SPDX licence id or expression, or a reference to an unlisted licence."""
    return declared.startswith(UNLISTED) or is_supported_id(declared) or (declared != "" and is_expression(declared))


def spdx(declared: str) -> dict[str, Any]:
    """Return a CycloneDX licence choice for an SPDX id or expression. Raises ValueError for any other text."""
    if declared.startswith(UNLISTED):
        return {"license": {"name": declared.removeprefix(UNLISTED).replace("-", " ")}}
    if is_supported_id(declared):
        return {"license": {"id": declared}}
    if is_spdx(declared):
        return {"expression": declared}
    raise ValueError(f"«{declared}» is no SPDX licence.")


def npm_hash(integrity: str) -> dict[str, str]:
    """Return npm's `sha512-BASE64` as a CycloneDX hash."""
    algorithm, _, digest = integrity.partition("-")
    return {"alg": {"sha512": "SHA-512", "sha1": "SHA-1"}[algorithm], "content": base64.b64decode(digest).hex()}


def audit() -> int:
    """Ask about each lock. Gives the exit status."""
    worst = 0
    for lock in LOCKS:
        words = [
            "--require-hashes",
            "--disable-pip",
            "--progress-spinner",
            "off",
            "--timeout",
            "15",
            "--format",
            "json",
        ]
        finished = subprocess.run(
            [sys.executable, "-m", "pip_audit", "--requirement", f"requirements/{lock}.txt", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            packages = json.loads(finished.stdout)["dependencies"]
        except (ValueError, KeyError):
            packages = []
        faulty = [one for one in packages if one.get("vulns")]
        # A registry that has no advisories answers as one that knows of none: that is no answer.
        unknown = [one for one in packages if "skip_reason" in one]
        for one in faulty:
            known = ", ".join(fault["id"] for fault in one["vulns"])
            print(f"requirements/{lock}.txt: {one['name']} {one['version']}: {known}")
        if faulty:
            worst = max(worst, 1) if worst != UNREACHABLE else worst
        if unknown or not packages:
            print(
                f"requirements/{lock}.txt: the advisory service did not answer for "
                f"{len(unknown) if packages else 'any'} of the packages, so nothing is known of them. Ask again where "
                "it can be reached."
            )
            worst = UNREACHABLE
        elif not faulty:
            print(f"requirements/{lock}.txt: nothing known of {len(packages)} packages")
    return worst


if __name__ == "__main__":
    act = {"sbom": sbom, "audit": audit}.get(sys.argv[1] if len(sys.argv) > 1 else "")
    sys.exit(act() if act else "sbom or audit?")
