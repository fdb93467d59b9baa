# Makes packages of programs and tries them. Sourced by scripts/package.

VERSION=$(sed -n 's/.*text = "\([^"]*\)".*/\1/p' Sources/SwellCommands/SwellVersion.swift)

describe_program() {
  case $1 in
    swell) echo "command line that rolls releases out over a fleet of Kubernetes clusters" ;;
    swell-coordinator) echo "service that decides how releases go over a fleet of Kubernetes clusters" ;;
    swell-agent) echo "agent that applies releases to a Kubernetes cluster and reports its health" ;;
  esac
}

# package_program PROGRAM BINARY OUTPUT: a tarball (program, units, licence of what it is) and a .deb with the same files in place.
package_program() {
  local program=$1 binary=$2 output architecture root name unit depends
  output=$(cd "$3" && pwd)
  architecture=$(dpkg --print-architecture)
  name=${program}_${VERSION}_${architecture}
  root=$(mktemp -d)
  chmod 755 "$root"
  install -D -m 755 "$binary" "$root/usr/bin/$program"
  strip --strip-unneeded "$root/usr/bin/$program"
  for unit in "deploy/systemd/$program.service" "deploy/systemd/$program@.service"; do
    [ -e "$unit" ] || continue
    mkdir -p "$root/lib/systemd/system" "$root/etc/swell"
    # By hand programs go to /usr/local; a package's are the distribution's.
    sed 's#/usr/local/bin/#/usr/bin/#' "$unit" >"$root/lib/systemd/system/$(basename "$unit")"
  done
  # Settings and credentials are nobody else's to read, each by its own mode; the unit's user comes to the database's authority in it.
  [ ! -d "$root/etc/swell" ] || chmod 711 "$root/etc/swell"
  depends=$(system_libraries "$root/usr/bin/$program")
  [ -n "$depends" ] || fail "dpkg-shlibdeps found no dependencies of $program"
  mkdir -p "$root/usr/share/doc/$program"
  write_bill "$program" "$depends" >"$root/usr/share/doc/$program/bill-of-materials.cdx.json"
  cp "$root/usr/share/doc/$program/bill-of-materials.cdx.json" "$output/$name.cdx.json"
  write_control "$program" "$root" "$architecture" "$depends"
  dpkg-deb --root-owner-group --build -Zxz "$root" "$output/$name.deb" >/dev/null
  rm -rf "$root/DEBIAN"
  tar --create --gzip --file "$output/${program}-${VERSION}-linux-${architecture}.tar.gz" --owner=0 --group=0 --sort=name \
    --mtime=@0 --directory "$root" --transform "s#^\./#${program}-${VERSION}/#" ./usr $([ ! -d "$root/lib" ] || echo ./lib)
  rm -rf "$root"
}

# system_libraries BINARY: the packages of the system whose libraries a program loads, as a control file lists them.
system_libraries() {
  local binary=$1 work
  work=$(mktemp -d)
  mkdir -p "$work/debian"
  printf 'Source: swell\n\nPackage: swell\nArchitecture: any\n' >"$work/debian/control"
  (cd "$work" && dpkg-shlibdeps -O --ignore-missing-info "$binary" 2>/dev/null) | sed -n 's/^shlibs:Depends=//p'
  rm -rf "$work"
}

# write_bill PROGRAM DEPENDS: what a program is made of, as CycloneDX 1.5 in JSON: the packages of Swift inside of it, at the revisions that
# scripts/check-dependencies holds them to, and the libraries that it loads, at the versions it was built with. The same for the same input.
write_bill() {
  local program=$1 depends=$2 library versions=""
  for library in $(sed 's/([^)]*)//g; s/|[^,]*//g; s/,/ /g' <<<"$depends"); do
    versions+="$library $(dpkg-query --show --showformat '${Version}' "$library" 2>/dev/null || true)"$'\n'
  done
  jq --null-input --sort-keys --arg program "$program" --arg version "$VERSION" --arg libraries "$versions" \
    --rawfile packages scripts/lib/dependencies.txt '
    def lines: split("\n") | map(select(. != "" and (startswith("#") | not)) | split(" "));
    {
      bomFormat: "CycloneDX", specVersion: "1.5", version: 1,
      metadata: {component: {type: "application", "bom-ref": $program, name: $program, version: $version}},
      components: (
        ($packages | lines | map({
          type: "library", "bom-ref": "swift:\(.[0])", name: .[0], version: .[1],
          properties: [{name: "swell:revision", value: .[2]}]}))
        + ($libraries | lines | map({
          type: "library", "bom-ref": "deb:\(.[0])", name: .[0], version: (.[1] // ""),
          purl: "pkg:deb/debian/\(.[0])@\((.[1] // "") | @uri)"})))
    }'
}

# write_control PROGRAM ROOT ARCHITECTURE DEPENDS: what the package is, and what it depends on.
write_control() {
  local program=$1 root=$2 architecture=$3 depends=$4
  mkdir -p "$root/DEBIAN"
  cat >"$root/DEBIAN/control" <<TEXT
Package: $program
Version: $VERSION
Architecture: $architecture
Maintainer: Swell <packages@swell.example>
Section: admin
Priority: optional
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f 1)
Depends: $depends, ca-certificates, tzdata
Description: $(describe_program "$program")
 Swell rolls one release over a fleet of Kubernetes clusters in region waves.
TEXT
  [ -d "$root/lib/systemd/system" ] || return 0
  # A service is started by whoever has written its settings: until then there is nothing that it could do.
  cat >"$root/DEBIAN/postinst" <<'TEXT'
#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
TEXT
  cat >"$root/DEBIAN/prerm" <<TEXT
#!/bin/sh
set -e
if [ "\$1" = remove ] && [ -d /run/systemd/system ]; then systemctl stop '$program*.service' || true; fi
TEXT
  chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm"
}

# unit_command UNIT KEY=VALUE...: the command line that a unit starts, with its variables put in.
unit_command() {
  local unit=$1 line pair; shift
  line=$(sed -n 's/^ExecStart=//p' "$unit")
  for pair in "$@"; do line=${line//"\${${pair%%=*}}"/${pair#*=}}; line=${line//"%${pair%%=*}"/${pair#*=}}; done
  printf '%s' "$line"
}

# try_packages DIR: a bare Debian 12, the packages and nothing by hand, then what the units start.
try_packages() {
  local packages root
  packages=$(cd "$1" && pwd)
  [ "$(id -u)" -eq 0 ] || fail "--try takes root, for chroot"
  install_packages debootstrap
  root=$(mktemp -d "${TMPDIR:-/tmp}/swell-bare.XXXXXX")
  chmod 755 "$root"
  mounted=() bare=$root
  trap 'end_bare' EXIT
  say "making a bare Debian 12 in $root"
  debootstrap --variant=minbase bookworm "$root" "${SWELL_DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$root.log" 2>&1 \
    || { tail -n 5 "$root.log" >&2; fail "debootstrap failed"; }
  # What apt needs of this machine to reach its registry.
  for file in /etc/resolv.conf /etc/hosts /etc/apt/apt.conf.d/*proxy*; do [ ! -f "$file" ] || install -D -m 644 "$file" "$root$file"; done
  mount --bind /proc "$root/proc" && mounted+=("$root/proc")
  mount --bind /dev "$root/dev" && mounted+=("$root/dev")
  mkdir -p "$root/packages" && cp "$packages"/*.deb "$root/packages/"
  in_bare() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"; }
  say "installing $(cd "$packages" && ls -- *.deb | tr '\n' ' ')"
  in_bare apt-get update -qq >/dev/null
  in_bare env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get install -y -qq --no-install-recommends /packages/*.deb' >"$root.log" 2>&1 \
    || { tail -n 20 "$root.log" >&2; fail "the packages did not install"; }
  for program in swell swell-coordinator swell-agent; do in_bare "$program" --version >&2 || fail "$program does not start"; done
  [ -z "$(in_bare find /usr/bin/swell /usr/bin/swell-agent /usr/bin/swell-coordinator -perm /022)" ] || fail "others may write to a program"
  start_bare "$root"
  say "installed on a bare Debian 12, and started: coordinator, agent, command line"
}

# start_bare ROOT: the coordinator over a PostgreSQL of the same Debian, an agent that joins, as unprivileged users of no name.
start_bare() {
  local root=$1 settings command database=postgres://swell@/swell?host=/run/postgresql
  in_bare env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >"$root.log" 2>&1 \
    || { tail -n 20 "$root.log" >&2; fail "there is no PostgreSQL to be had"; }
  in_bare pg_ctlcluster 15 main start || true
  in_bare runuser -u postgres -- psql -qc 'CREATE ROLE swell LOGIN' -c 'CREATE DATABASE swell OWNER swell'
  in_bare sh -c 'echo "local swell swell trust" >/tmp/hba && cat /etc/postgresql/15/main/pg_hba.conf >>/tmp/hba && cat /tmp/hba >/etc/postgresql/15/main/pg_hba.conf && pg_ctlcluster 15 main reload'
  in_bare install -d -o 64001 -g 64001 -m 700 /var/lib/swell-coordinator /run/swell-coordinator
  in_bare install -d -o 64002 -g 64002 -m 700 /var/lib/swell-agent /run/swell-agent
  # Other ports than the usual, which somebody else may have on this machine.
  command=$(unit_command "$root/lib/systemd/system/swell-coordinator.service" STATE_DIRECTORY=/var/lib/swell-coordinator \
    RUNTIME_DIRECTORY=/run/swell-coordinator SWELL_API_LISTEN=127.0.0.1:0 \
    SWELL_AGENT_LISTEN=127.0.0.1:0 SWELL_ENROLL_LISTEN=127.0.0.1:0 H=bare)
  say "coordinator: $command"
  as_bare 64001 "SWELL_DATABASE_URL=$database" $command >"$root.coordinator" 2>&1 &
  started+=("$!")
  await_bare "the coordinator to serve" test -s /run/swell-coordinator/ready
  local api agents enrolment
  api=$(jq -r .api "$root/run/swell-coordinator/ready")
  agents=$(jq -r .agents "$root/run/swell-coordinator/ready")
  enrolment=$(jq -r .enrolment "$root/run/swell-coordinator/ready")
  settings="SWELL_SERVER=https://localhost:$api SWELL_TOKEN_FILE=/var/lib/swell-coordinator/operator-token SWELL_CA_FILE=/var/lib/swell-coordinator/ca.pem"
  printf 'apiVersion: swell.dev/v1\nkind: Cluster\nmetadata: {name: bare}\nspec: {region: here, environment: test}\n' >"$root/cluster.yaml"
  in_bare env $settings swell apply -f /cluster.yaml
  in_bare install -d -m 755 /run/credentials
  (umask 077; in_bare env $settings swell cluster token bare >"$root/run/credentials/join-token" 2>/dev/null)
  # Its cluster is a simulated one, outside of the bare Debian.
  start_simulated_cluster "$root"
  cp "$root/run/simulated/bare.yaml" "$root/run/credentials/kubeconfig"
  chown 64002:64002 "$root/run/credentials/join-token" "$root/run/credentials/kubeconfig"; chmod 400 "$root/run/credentials/kubeconfig"
  command=$(unit_command "$root/lib/systemd/system/swell-agent@.service" STATE_DIRECTORY=/var/lib/swell-agent \
    RUNTIME_DIRECTORY=/run/swell-agent CREDENTIALS_DIRECTORY=/run/credentials i=bare "SWELL_COORDINATOR=localhost:$agents" \
    "SWELL_ENROLL=localhost:$enrolment" "SWELL_CA_HASH=$(cat "$root/var/lib/swell-coordinator/ca-hash")")
  say "agent: $command"
  as_bare 64002 "" $command >"$root.agent" 2>&1 &
  started+=("$!")
  await_here "the agent to connect" grep -q 'connected to the coordinator' "$root.agent"
  in_bare env $settings swell get clusters >&2
  in_bare env $settings swell doctor >&2
}

start_simulated_cluster() {
  local root=$1
  swift build --product swell-kubesim >"$root.log" 2>&1 || { tail -n 5 "$root.log" >&2; fail "swell-kubesim cannot be built"; }
  "$(swift build --show-bin-path)/swell-kubesim" serve --cluster bare:here --kubeconfig-dir "$root/run/simulated" \
    --ready-file "$root/run/simulated.ready" >"$root.log" 2>&1 &
  started+=("$!")
  await_here "the simulated cluster" test -s "$root/run/simulated.ready"
}

# as_bare USER VARIABLE COMMAND...: as a unit's own user would.
as_bare() {
  local user=$1 variable=$2; shift 2
  exec chroot --userspec="$user:$user" "$bare" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/nonexistent ${variable:+"$variable"} "$@"
}

await_here() {
  local deadline=$((SECONDS + 60)) what=$1; shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || { tail -n 5 "$bare".coordinator "$bare".agent >&2 2>/dev/null; fail "waited in vain for $what"; }
    sleep 0.2
  done
}
await_bare() { local what=$1; shift; await_here "$what" chroot "$bare" "$@"; }

started=()
end_bare() {
  local process place
  for process in ${started[@]+"${started[@]}"}; do kill -TERM "$process" 2>/dev/null || true; done
  wait ${started[@]+"${started[@]}"} 2>/dev/null || true
  [ ! -x "$bare/usr/bin/pg_ctlcluster" ] || chroot "$bare" pg_ctlcluster 15 main stop -m fast >/dev/null 2>&1 || true
  for place in ${mounted[@]+"${mounted[@]}"}; do umount "$place" 2>/dev/null || umount -l "$place" || true; done
  # Never through a mount that is still there.
  mountpoint -q "$bare/proc" || mountpoint -q "$bare/dev" || rm -rf "$bare" "$bare".log "$bare".coordinator "$bare".agent
}
