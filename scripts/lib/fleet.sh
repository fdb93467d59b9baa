# Starts and stops the processes of a private fleet below $state. Sourced by scripts/demo.

started=()

# start NAME COMMAND...: runs a program in the background, its output in $state/logs/NAME.log.
start() {
  local name=$1; shift
  mkdir -p "$state/logs"
  "$@" >>"$state/logs/$name.log" 2>&1 &
  started+=("$!")
  printf '%s\n' "$!" >"$state/logs/$name.pid"
}

# await SECONDS WHAT COMMAND...: until the command succeeds.
await() {
  local deadline=$((SECONDS + $1)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || { tail -n 5 "$state"/logs/*.log >&2 2>/dev/null; fail "waited in vain for $what (logs: $state/logs)"; }
    sleep 0.1
  done
}

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

# as_database_user COMMAND...: PostgreSQL refuses to run as root.
as_database_user() {
  if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

start_postgres() {
  local bin; bin=$(postgres_programs)
  # It trusts whoever reaches its socket: nobody else of this machine does.
  mkdir -p "$state/postgres"; chmod 700 "$state/postgres"
  if [ "$(id -u)" -eq 0 ]; then chown postgres "$state/postgres"; fi
  (cd "$state/postgres" && as_database_user "$bin/initdb" -D "$state/postgres/data" -U swell --auth=trust --no-sync -E UTF8 --locale=C >/dev/null)
  # Only a Unix socket in a folder of its own: no port is open.
  (cd "$state/postgres" && as_database_user "$bin/pg_ctl" -D "$state/postgres/data" -w -t 30 -l "$state/postgres/log" \
    -o "-c listen_addresses='' -c unix_socket_directories='$state/postgres' -c unix_socket_permissions=0700 -c max_connections=100" start >/dev/null)
  database="postgres:///postgres?host=$state/postgres&user=swell"
  say "PostgreSQL is up"
}

start_coordinator() {
  agent_port=$(free_port) enroll_port=$(free_port) api_port=$(free_port)
  start coordinator "$programs/swell-coordinator" serve --state-dir "$state/coordinator" --database "$database" \
    --agent-listen "127.0.0.1:$agent_port" --enroll-listen "127.0.0.1:$enroll_port" --api-listen "127.0.0.1:$api_port" \
    --server-name localhost --server-name 127.0.0.1 --ready-file "$state/coordinator.ready"
  await 60 "the coordinator" test -s "$state/coordinator.ready"
  cat >"$state/env" <<TEXT
export SWELL_SERVER=https://localhost:$api_port
export SWELL_TOKEN_FILE=$state/coordinator/operator-token
export SWELL_CA_FILE=$state/coordinator/ca.pem
export PATH=$programs:\$PATH
TEXT
  . "$state/env"
  say "the coordinator is up: $SWELL_SERVER"
}

# The fleet's documents: the repository's own, or one cluster a kubeconfig over the same three regions.
fleet_documents() {
  documents=$state/documents
  cp -r clusters "$documents"
  if [ -n "$kubeconfigs" ]; then
    rm -rf "$documents/fleet"; mkdir -p "$documents/fleet" "$state/kubeconfigs"
    local regions=(us-east-1 us-west-1 eu-central-1) file name index=0
    for file in "$kubeconfigs"/*; do
      [ -f "$file" ] || continue
      name=$(basename "$file"); name=${name%.*}; name=$(tr 'A-Z_' 'a-z-' <<<"$name")
      cp "$file" "$state/kubeconfigs/$name.yaml"
      cat >"$documents/fleet/$name.yaml" <<TEXT
apiVersion: swell.dev/v1
kind: Cluster
metadata: {name: $name}
spec: {region: ${regions[index % 3]}, environment: production}
TEXT
      index=$((index + 1))
    done
    [ $index -ge 3 ] || fail "--kubeconfigs: '$kubeconfigs' holds $index files; the story needs at least three, one a region"
  fi
}

start_clusters() {
  start kubesim "$programs/swell-kubesim" serve --clusters-from "$documents/fleet" --kubeconfig-dir "$state/kubeconfigs" \
    --ready-file "$state/kubesim.ready"
  await 30 "the simulated clusters" test -s "$state/kubesim.ready"
  say "$(ls "$state/kubeconfigs" | wc -l) simulated clusters are up"
}

# start_agent CLUSTER: an agent that joins with a token of its own, or comes back with the certificate it has.
start_agent() {
  local cluster=$1 directory=$state/agents/$1
  mkdir -p "$directory"
  if [ ! -e "$directory/joined" ]; then
    (umask 077; swell cluster token "$cluster" >"$directory/join-token" 2>"$directory/join-token.note") \
      || { cat "$directory/join-token.note" >&2; fail "no token for the agent of $cluster"; }
    touch "$directory/joined"
  fi
  start "agent-$cluster" "$programs/swell-agent" run --cluster "$cluster" --state-dir "$directory" \
    --coordinator "localhost:$agent_port" --enroll "localhost:$enroll_port" --join-token-file "$directory/join-token" \
    --ca-hash "$(cat "$state/coordinator/ca-hash")" --kubeconfig "$state/kubeconfigs/$cluster.yaml"
}

all_connected() {
  swell get clusters -o json | jq -e '.items | length > 0 and all(.status.connected)'
}

connect_fleet() {
  swell apply -f "$documents"
  local cluster
  for cluster in $(swell get clusters -o json | jq -r '.items[].metadata.name'); do start_agent "$cluster"; done
  await 40 "every agent to connect" all_connected
  say "$(swell get clusters -o json | jq '.items | length') agents are enrolled and connected over mTLS"
}

stop_everything() {
  trap - EXIT
  local process
  for process in ${started[@]+"${started[@]}"}; do kill -TERM "$process" 2>/dev/null || true; done
  for process in ${started[@]+"${started[@]}"}; do
    for _ in $(seq 50); do kill -0 "$process" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$process" 2>/dev/null || true
  done
  wait ${started[@]+"${started[@]}"} 2>/dev/null || true
  if [ -d "$state/postgres/data" ]; then
    (cd "$state/postgres" && as_database_user "$(postgres_programs)/pg_ctl" -D "$state/postgres/data" -m fast -w -t 20 stop >/dev/null 2>&1) || true
  fi
}

remove_state() { rm -rf "$state"; }

# A sleeper that is ended like all else: a shell that waits for one in the foreground hears no signal.
wait_forever() { sleep infinity & started+=("$!"); wait "$!"; }
