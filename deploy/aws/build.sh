#!/usr/bin/env bash
# Make deploy/aws/build, the folder that template.yaml deploys: the packages for Lambda's Python, this code, feeds.toml.
# Best with the very Python that the template names, on the path as python3.13 or so; else with Python 3.11 or newer.
set -euo pipefail
cd "$(dirname "$0")"
root=../..

version=$(sed -nE 's/^ *Runtime: python([0-9.]+).*/\1/p' template.yaml)
machine=$(sed -nE 's/^ *Architectures: \[([a-z0-9_]+)\].*/\1/p' template.yaml)
wheels=${machine/arm64/aarch64}
python="python$version"
"$python" -m pip --version >/dev/null 2>&1 || python=python3
run() { "$python" -m "$@" --quiet --disable-pip-version-check; }

rm -rf build
mkdir build
echo '*' >build/.gitignore
"$python" - "$root/pyproject.toml" >build/all.txt <<'PY'
import sys, tomllib
print(*tomllib.load(open(sys.argv[1], "rb"))["project"]["dependencies"], sep="\n")
PY
grep '^feedgen' build/all.txt >build/source.txt # published as source only: pure Python, so a wheel from here fits there
run pip wheel --no-deps --wheel-dir build/wheels --requirement build/source.txt
run pip install --target build --no-compile --requirement build/all.txt --find-links build/wheels \
  --only-binary=:all: --implementation cp --python-version "$version" \
  --platform "manylinux_2_28_$wheels" --platform "manylinux_2_17_$wheels" --platform "manylinux2014_$wheels"
rm -rf build/bin build/wheels build/*.txt
cp -R "$root/api" "$root/core" "$root/public" "$root/feeds.toml" build/
find build -name __pycache__ -prune -exec rm -rf {} +

# Lambda cannot write bytecode beside the code, and without it every start compiles everything. Only the same version of
# Python can make it here. The dates of files do not survive being zipped, so they are not to be compared.
bytecode="without bytecode, because there is no python$version here: starts take longer"
if [ "$python" != python3 ]; then
  "$python" -m compileall -q --invalidation-mode unchecked-hash build
  bytecode="with bytecode"
fi

"$python" - "for Python $version on $machine, $bytecode" <<'PY'
import sys, zlib
from pathlib import Path
files = [path.read_bytes() for path in Path("build").rglob("*") if path.is_file()]
size, packed = (sum(map(len, made)) / 1e6 for made in (files, map(zlib.compress, files)))
print(f"deploy/aws/build: {size:.1f} MB, {packed:.1f} MB zipped, {sys.argv[1]}.")
PY
