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

BUILD_PACKAGES=(libcurl4-openssl-dev libyaml-dev libpq-dev libssl-dev pkg-config)
RUN_PACKAGES=(postgresql openssl jq curl)
