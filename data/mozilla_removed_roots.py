#!/usr/bin/env python3
"""Writes mozilla-removed-roots.pem: the TLS roots that Mozilla trusted once and that the built-in list of today no longer holds.

The sources are the releases of the crate webpki-roots, each of which holds Mozilla's list of its day with the certificates in comments,
and the release of webpki-root-certs that Cargo.lock names, which is today's. cargo fetches them and knows the day of each release.
Needs cargo and Python 3, nothing else. Run it again whenever webpki-root-certs is updated:

    python3 data/mozilla_removed_roots.py
"""

import ast
import base64
import hashlib
import json
import os
import re
import subprocess
import tarfile
import textwrap
from glob import glob

HERE = os.path.dirname(os.path.abspath(__file__))
REGISTRY = os.path.join(os.environ.get("CARGO_HOME", os.path.expanduser("~/.cargo")), "registry")
# Releases before this one also held roots for mail alone.
FIRST = (0, 5, 0)

HEADER = """\
TLS roots that Mozilla's root program held once, and that today's list no longer holds, which is
{today}.
Written by mozilla_removed_roots.py from the releases {first} to {last} of the crate webpki-roots; do not edit.

"from" is the day of the earliest of these releases that holds the root, "until" the day of the first that no longer does.

The crate's releases before 1.0.0, from which the certificates of this file were taken, are under the Mozilla Public License 2.0,
those from 1.0.0 on under the Community Data License Agreement - Permissive 2.0; see README.md beside this file.

This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. If a copy of the MPL was not distributed with this
file, You can obtain one at https://mozilla.org/MPL/2.0/.
"""


def days(name):
    """The day of every full release of a crate by its version, as cargo's index has them."""
    subprocess.run(["cargo", "info", "--quiet", name], check=True, capture_output=True, cwd="/")
    (index,) = glob(os.path.join(REGISTRY, "index", "*", ".cache", name[:2], name[2:4], name))
    with open(index, "rb") as f:
        rows = [json.loads(row) for row in re.findall(rb'\{"name".*?\}(?=\x00)', f.read(), re.S)]
    return {row["vers"]: row["pubtime"][:10] for row in rows if "-" not in row["vers"]}


def releases():
    """(day, version) of the releases of webpki-roots, the earliest first."""
    number = lambda version: tuple(map(int, version.split(".")))
    found = sorted((day, number(version), version) for version, day in days("webpki-roots").items())
    # 0.26.11 only hands on what 1.0 holds.
    return [(day, version) for day, parts, version in found if parts >= FIRST and version != "0.26.11"]


def source(name, version):
    """src/lib.rs of a release."""
    subprocess.run(["cargo", "info", "--quiet", f"{name}@{version}"], check=True, capture_output=True, cwd="/")
    (crate,) = glob(os.path.join(REGISTRY, "cache", "*", f"{name}-{version}.crate"))
    with tarfile.open(crate) as tar:
        return tar.extractfile(f"{name}-{version}/src/lib.rs").read().decode()


def held(version):
    """Every root of a release of webpki-roots: its DER, and its subject as the comments have it."""
    found = {}
    blocks = re.finditer(r"\* Subject: ([^\n]*)\n(?:(?!\* Subject:).)*?-----BEGIN CERTIFICATE-----(.*?)-----END", source("webpki-roots", version), re.S)
    for block in blocks:
        der = base64.b64decode(re.sub(r"[^A-Za-z0-9+/=]", "", block[2]))
        found[der] = block[1].strip()
    return found


def today():
    """The version in Cargo.lock, and the DER of its roots."""
    with open(os.path.join(HERE, "..", "Cargo.lock")) as f:
        version = re.search(r'name = "webpki-root-certs"\nversion = "([^"]+)"', f.read())[1]
    literals = re.findall(r'from_slice\((b"(?:[^"\\]|\\.)*")\)', source("webpki-root-certs", version))
    return version, {ast.literal_eval(literal) for literal in literals}


def main():
    version, current = today()
    assert len(current) > 100, "the form of webpki-root-certs has changed"
    known = releases()
    lists = [(day, held(number)) for day, number in known]
    assert all(len(roots) > 100 for _, roots in lists), "the form of webpki-roots has changed"
    names = {der: name for _, roots in lists for der, name in roots.items() if der not in current}
    rows = []
    for der, name in names.items():
        held_on = [day for day, roots in lists if der in roots]
        # Patches of an older line are published beside the newer one: what counts is the last release that holds it.
        after = [day for day, _ in lists if day > held_on[-1]]
        if after:
            rows.append((after[0], held_on[0], hashlib.sha256(der).hexdigest(), name, der))
    with open(os.path.join(HERE, "mozilla-removed-roots.pem"), "w") as f:
        header = HEADER.format(today=f"webpki-root-certs {version} of {days('webpki-root-certs')[version]}", first=known[0][1], last=known[-1][1])
        f.write("".join(f"# {line}".rstrip() + "\n" for line in header.splitlines()))
        for until, first, _, name, der in sorted(rows):
            pem = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
            f.write(f"\n# {name}\n# from {first} until {until}\n-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----\n")
    print(len(rows), "roots")


if __name__ == "__main__":
    main()
