#!/bin/sh
# Runs in the build's first stage: every package into the one folder /opt/packages, made small and ready.
# $1: a team's own requirement specifiers, spaces between, or nothing.
set -eu
python=$(command -v python3)
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
pinned=/build/$version.txt
if [ ! -f "$pinned" ]; then
    echo "There are no pinned packages for Python $version; use a base with one of: $(ls /build | sed -n 's/\.txt$//p' | tr '\n' ' ')" >&2
    exit 1
fi
offline=""
if ls /build/*.whl >/dev/null 2>&1; then
    offline="--no-index --find-links=/build"
fi
pip="$python -m pip --disable-pip-version-check --no-cache-dir --quiet install --target=/opt/packages --no-compile --only-binary=:all: --root-user-action=ignore"
$pip $offline --require-hashes --no-deps -r "$pinned"
if [ -n "$1" ]; then
    # What is pinned above must not move because an addition would like another version.
    sed -n 's/^\([A-Za-z0-9._-]*==[^ ]*\).*/\1/p' "$pinned" >/build/held.txt
    PYTHONPATH=/opt/packages $pip $offline --upgrade -c /build/held.txt $1
fi

# Static libraries and the packages' own tests are never used by a program.
find /opt/packages -depth -type d -name tests -exec rm -rf {} +
rm -rf /opt/packages/bin /opt/packages/share/man
find /opt/packages -name '*.a' -delete
cp /build/pip_command.py /opt/packages/pip.py
# The base's own pip, for programs that may reach an index.
mkdir -p /opt/handoff/pip
cp -r "$("$python" -c 'import os, pip; print(os.path.dirname(pip.__file__))')" /opt/handoff/pip/pip

# A read-only root can't take bytecode later, and checked bytecode would look at every source file's clock.
# Without the columns of every instruction: tracebacks show the lines of a library, and a container is smaller.
PYTHONNODEBUGRANGES=1 "$python" -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/packages

# What programs can import, for the description of the tool: a container sends it when it is ready.
PYTHONPATH=/opt/packages "$python" - "$1" >/opt/handoff/installed.json <<'END'
import json, re, sys
from importlib.metadata import PackageNotFoundError, version

versions = {}
for wanted in [*open("/build/packages.in").read().split(), *sys.argv[1].split()]:
    name = re.split(r"[^\w.-]", wanted)[0]
    try:
        versions[name] = version(name)
    except PackageNotFoundError:  # a file or an address, which is named by no word of its own
        pass
print(json.dumps(versions))
END
