"""What the product is made of, and whether anything of it is known to be faulty.

    python -m scripts.parts sbom     CycloneDX 1.6 into dist/sbom/: of the machine, of the server, of the pages' scripts
    python -m scripts.parts audit    asks the public advisory service about every locked package

`audit` ends with 0 where nothing is known, 1 where something is, and 3 where the service cannot be reached from here:
nothing is known then, and it says so.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "dist" / "sbom"
LOCKS = ("device", "server", "dev")
UNREACHABLE = 3


def sbom() -> int:
    """Write the lists. Gives the exit status."""
    OUT.mkdir(parents=True, exist_ok=True)
    for lock in ("device", "server"):
        file = OUT / f"{lock}.cdx.json"
        finished = subprocess.run(
            [
                sys.executable,
                "-m",
                "cyclonedx_py",
                "requirements",
                f"requirements/{lock}.txt",
                "--pyproject",
                "pyproject.toml",
                "--output-reproducible",
                "--output-format",
                "JSON",
                "--output-file",
                str(file),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            print(finished.stderr, file=sys.stderr)
            return finished.returncode
        print(f"{file.relative_to(ROOT)}: {len(json.loads(file.read_text())['components'])} parts")
    scripts = OUT / "pages.cdx.json"
    scripts.write_text(json.dumps(scripts_list(), indent=2, ensure_ascii=False) + "\n")
    print(f"{scripts.relative_to(ROOT)}: {len(scripts_list()['components'])} parts")
    return 0


def scripts_list() -> dict[str, list[dict[str, object]]]:
    """The pages' scripts from package-lock.json, in the form that CycloneDX 1.6 asks for."""
    lock = json.loads((ROOT / "package-lock.json").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    components: list[dict[str, object]] = [
        {
            "type": "library",
            "bom-ref": name.removeprefix("node_modules/"),
            "name": name.removeprefix("node_modules/"),
            "version": one["version"],
            "scope": "excluded" if one.get("dev") else "required",
            "licenses": [{"license": {"id": one["license"]}}],
            "purl": f"pkg:npm/{name.removeprefix('node_modules/')}@{one['version']}",
        }
        for name, one in sorted(lock["packages"].items())
        if name
    ]
    told: dict[str, object] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "interval-coach-pages", "version": version}},
        "components": components,
    }
    return told  # type: ignore[return-value] # one form for all lists


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
