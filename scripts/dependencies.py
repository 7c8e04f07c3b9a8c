#!/usr/bin/env python3
"""What is built into a release: the licences of all of it, and a bill of materials (CycloneDX 1.5).

usage: scripts/dependencies.py FOLDER [TARGET ...]
For Linux and Windows unless targets are given. Writes FOLDER/THIRD-PARTY-LICENCES.txt and FOLDER/recant.cdx.json from `cargo metadata` and `cargo tree`.
The same Cargo.lock gives the same bytes.
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tomllib
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[1]
OWN = ("recant", "recant-python")
TARGETS = ["x86_64-unknown-linux-gnu", "x86_64-pc-windows-gnu"]
LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|unlicense|copyright)", re.I)
NOT_A_TEXT = {".rs", ".py", ".h", ".c", ".toml", ".json", ".yml", ".yaml", ".html", ".svg", ".png"}
WITH_C_LIBRARY = """\
The static Linux program holds the GNU C library (LGPL-2.1-or-later, https://www.gnu.org/software/libc/); everything that is needed to link it
with another version is in Recant's repository (`scripts/dist.sh`). The Windows program holds parts of mingw-w64 (ZPL-2.1 and others,
https://www.mingw-w64.org) and of GCC's runtime library (GPL-3.0 with the GCC Runtime Library Exception). All programs hold the Rust standard
library (MIT OR Apache-2.0, https://www.rust-lang.org) and SQLite (public domain, https://www.sqlite.org/copyright.html).
"""


def cargo(*words):
    done = subprocess.run(["cargo", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"cargo {words[0]}: {done.stderr}")
    return done.stdout


def tree(targets, edges):
    """Name and version of every crate that is built, own ones too."""
    words = ["tree", "--locked", "--edges", edges, "--prefix", "none", "--format", "{p}"]
    words += [word for target in targets for word in ("--target", target)]
    lines = cargo(*words, *(word for name in OWN for word in ("-p", name))).splitlines()
    return {(words[0], words[1].removeprefix("v")) for words in map(str.split, lines) if len(words) > 1}


def licence_texts(folder, named):
    """The licence files of a crate, those of C libraries inside it too."""
    found = {}
    for path in sorted(folder.rglob("*")):
        own = named is not None and path == folder / named
        wanted = LICENCE_FILE.search(path.name) and path.suffix.lower() not in NOT_A_TEXT
        deep = len(path.relative_to(folder).parts) > 3
        if path.is_file() and (own or wanted) and not deep and path.stat().st_size < 200_000:
            text = path.read_text(encoding="utf-8", errors="replace").strip()
            found[str(path.relative_to(folder))] = "\n".join(line.rstrip() for line in text.splitlines())
    return found


def expression(package):
    """The licence as an SPDX expression."""
    licence = package["license"]
    if licence is None:
        sys.exit(f"{package['name']} {package['version']} tells no licence")
    return re.sub(r"\s*/\s*", " OR ", licence)


def write_licences(path, packages):
    texts, without = {}, []
    for package in packages:
        name = f"{package['name']} {package['version']}"
        found = licence_texts(pathlib.Path(package["manifest_path"]).parent, package["license_file"])
        if not found:
            without.append(f"{name}: {expression(package)}")
        for text in found.values():
            texts.setdefault(text, []).append(name)
    parts = ["What Recant is built from, and under which licences", WITH_C_LIBRARY]
    parts += ["Crates:\n" + "\n".join(f"  {package['name']} {package['version']}: {expression(package)}" for package in packages)]
    if without:
        parts.append("These packages hold no licence text of their own:\n" + "\n".join(f"  {line}" for line in without))
    for text, names in sorted(texts.items(), key=lambda item: (-len(item[1]), item[1])):
        parts.append("=" * 80 + "\n" + ", ".join(dict.fromkeys(names)) + "\n\n" + text)
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def url(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, checksums, shipped):
    key = (package["name"], package["version"])
    described = {
        "type": "library",
        "bom-ref": url(package),
        "name": package["name"],
        "version": package["version"],
        "scope": "required" if key in shipped else "excluded",
        "licenses": [{"expression": expression(package)}],
        "purl": url(package),
    }
    if key in checksums:
        described["hashes"] = [{"alg": "SHA-256", "content": checksums[key]}]
    if package["repository"]:
        described["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return described


def write_bill(path, own, packages, resolved, lock, shipped):
    checksums = {(entry["name"], entry["version"]): entry["checksum"] for entry in lock["package"] if "checksum" in entry}
    by_id = {package["id"]: package for package in [own, *packages]}
    depends = []
    for node in resolved:
        if node["id"] in by_id:
            on = sorted({url(by_id[other["pkg"]]) for other in node["deps"] if other["pkg"] in by_id and needed(other)})
            depends.append({"ref": url(by_id[node["id"]]), "dependsOn": on})
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": url(own),
                "name": own["name"],
                "version": own["version"],
                "description": own["description"],
                "licenses": [{"expression": expression(own)}],
                "purl": url(own),
            }
        },
        "components": [component(package, checksums, shipped) for package in packages],
        "dependencies": sorted(depends, key=lambda entry: entry["ref"]),
    }
    digest = hashlib.sha256(json.dumps(bill, sort_keys=True).encode()).digest()
    bill["serialNumber"] = f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}"
    path.write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")


def needed(dependency):
    """Whether it is needed by more than tests."""
    return any(kind["kind"] != "dev" for kind in dependency["dep_kinds"])


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__.splitlines()[2])
    folder = pathlib.Path(sys.argv[1])
    targets = sys.argv[2:] or TARGETS
    folder.mkdir(parents=True, exist_ok=True)
    metadata = json.loads(cargo("metadata", "--format-version", "1", "--locked"))
    built, shipped = tree(targets, "normal,build"), tree(targets, "normal")
    known = {(package["name"], package["version"]): package for package in metadata["packages"]}
    packages = [known[key] for key in sorted(built) if key[0] not in OWN]
    own = next(package for package in metadata["packages"] if package["name"] == OWN[0])
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    write_licences(folder / "THIRD-PARTY-LICENCES.txt", [known[key] for key in sorted(shipped) if key[0] not in OWN])
    write_bill(folder / "recant.cdx.json", own, packages, metadata["resolve"]["nodes"], lock, shipped)
    print(f"{len(shipped) - len(OWN)} crates in the program and the module, {len(built) - len(OWN)} with those that build them")


if __name__ == "__main__":
    main()
