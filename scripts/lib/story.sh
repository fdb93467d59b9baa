# The story that the demo plays, and the claims that it checks afterwards. Sourced by scripts/demo.

application=shop
canary_region=us-east-1
pause_region=eu-central-1
policy=region-waves
good_rollout=shop-1-1-0

status() { swell rollout get "$1" -o json; }
phase_is() { [ "$(status "$1" | jq -r .status.phase)" = "$2" ]; }

# What stands true of a rollout: a jq condition over its JSON.
holds() { status "$1" | jq -e "$2"; }

# release VERSION: stores the release from the application's manifests of that version.
release() {
  swell release create "$application" --version "$1" -f "$documents/applications/$application/$1" \
    --message "demo $1"
}

# follow ROLLOUT: shows it live until it ends, or waits for a person.
follow() { swell rollout watch "$1" || true; }

play_story() {
  canary_cluster=$(swell get clusters -o json | jq -r "[.items[] | select(.spec.region == \"$canary_region\" and .spec.environment == \"production\")][0].metadata.name")
  returned_cluster=$(swell get clusters -o json | jq -r "[.items[] | select(.spec.region == \"us-west-1\")][0].metadata.name")

  say "1. Release 1.0.0 goes over the fleet: canary region, soak, then two regions side by side"
  release 1.0.0
  swell rollout start "$application" --version 1.0.0 --policy $policy --name shop-1-0-0
  follow shop-1-0-0

  say "2. Release 1.1.0; at the first dispatch of the waves, region $pause_region is paused while the rest go on"
  release 1.1.0
  swell rollout start "$application" --version 1.1.0 --policy $policy --name $good_rollout
  follow $good_rollout &
  local watcher=$!
  await 60 "the canary's soak" holds $good_rollout '.status.stages[0].phase == "soaking"'
  swell region pause "$pause_region" --reason "three in the morning"
  await 90 "the other region to go on" holds $good_rollout \
    '[.status.targets[] | select(.region == "us-west-1" and .phase == "healthy")] | length > 0'
  status $good_rollout >"$state/while-paused.json"
  say "   while paused, it waits for: $(jq -r '[.status.waitingFor[].why] | join("; ")' "$state/while-paused.json")"
  swell region resume "$pause_region"
  wait $watcher
  # It may have left when nothing but the pause was left to wait for.
  follow $good_rollout

  say "3. One cluster, $returned_cluster, goes back on its own; every other stays"
  swell cluster rollback "$returned_cluster" --application "$application" --reason "customer report" 
  await 60 "$returned_cluster to be back on 1.0.0" runs "$returned_cluster" 1.0.0
  await 30 "its rollback to end" rollback_ended

  say "4. Release 1.2.0 cannot start its pods: it is stopped in the canary region and taken back"
  release 1.2.0
  swell rollout start "$application" --version 1.2.0 --policy $policy --name shop-1-2-0
  follow shop-1-2-0
  await 60 "the canary to be back on 1.1.0" runs "$canary_cluster" 1.1.0
}

# The rollback of the one cluster has ended, whatever else somebody may have started meanwhile.
rollback_ended() {
  swell get rollouts -o json | jq -e --arg name "$good_rollout-undo" 'all(.items[] | select(.metadata.name == $name) | .status.phase; . as $phase | ["succeeded", "rolledBack", "failed", "aborted", "superseded"] | index($phase))'
}

# runs CLUSTER VERSION: the agent says that it runs this version, healthy.
runs() {
  swell describe cluster "$1" -o json | jq -e \
    ".status.applications[] | select(.application == \"$application\") | .version == \"$2\" and .health == \"healthy\""
}

passed=0 failed=0
# claim TEXT COMMAND...
claim() {
  local text=$1; shift
  if "$@" >/dev/null 2>&1; then passed=$((passed + 1)); printf '  ok      %s\n' "$text"
  else failed=$((failed + 1)); printf '  FAILED  %s\n' "$text"; fi
}

# ordered ROLLOUT: no wave target was dispatched before the soak's stored end.
soak_kept() { holds "$1" '.status.stages[0].soakEndsAt as $soaked | [.status.targets[] | select(.stage != "canary" and .dispatchedAt != null)] | length > 0 and all(.dispatchedAt >= $soaked)'; }
side_by_side() {
  # The two regions' windows of work overlap.
  holds "$1" '[.status.targets[] | select(.stage != "canary")] | group_by(.region) | map({first: (map(.dispatchedAt) | min), last: (map(.healthyAt) | max)}) | length == 2 and (.[0].first < .[1].last) and (.[1].first < .[0].last)'
}
paused_held() {
  jq -e "([.status.targets[] | select(.region == \"$pause_region\")] | length > 0 and all(.dispatchedAt == null)) and ([.status.waitingFor[] | select(.what == \"regionPause\")] | length > 0)" "$state/while-paused.json"
}
others_stayed() {
  local cluster
  for cluster in $(status $good_rollout | jq -r '.status.targets[].cluster'); do
    [ "$cluster" = "$returned_cluster" ] || runs "$cluster" 1.1.0 || return 1
  done
}
bad_never_left() { holds shop-1-2-0 '[.status.targets[] | select(.stage != "canary" and .dispatchedAt != null)] | length == 0'; }
culprit_named() { swell rollout history shop-1-2-0 -o json | jq -e '[.. | strings | select(test("image|Image"))] | length > 0'; }
audited() { swell events -o json --limit 1000 | jq -e "[.items[] | select(.what == \"region.paused\" or .what == \"region.resumed\")] | length >= 2"; }

figures() {
  status $good_rollout | jq -r '
    def ms: sub("Z$"; "") | split(".") | (.[0] + "Z" | fromdateiso8601) * 1000 + (.[1] | tonumber);
    .status as $s | ($s.stages[0].healthyAt | ms) as $healthy | ($s.stages[0].soakEndsAt | ms) as $soaked
    | ([$s.targets[] | select(.stage != "canary") | .dispatchedAt | ms] | min) as $first
    | "  canary healthy -> soak ended: \($soaked - $healthy) ms; soak ended -> first dispatch of the waves: \($first - $soaked) ms"'
}

check_claims() {
  say "the claims, from the API"
  claim "1.0.0 went over the whole fleet" phase_is shop-1-0-0 succeeded
  claim "no wave began before the canary's soak had ended" soak_kept shop-1-0-0
  claim "the two regions of the wave ran side by side" side_by_side shop-1-0-0
  claim "while $pause_region was paused nothing went there, and waitingFor said so" paused_held
  claim "after the resume 1.1.0 went over the whole fleet" phase_is $good_rollout succeeded
  claim "$returned_cluster went back to 1.0.0 on its own" runs "$returned_cluster" 1.0.0
  claim "every other cluster stayed on 1.1.0" others_stayed
  claim "the bad release never left the canary region" bad_never_left
  claim "the bad release was taken back" phase_is shop-1-2-0 rolledBack
  claim "the canary cluster runs 1.1.0 again, healthy" runs "$canary_cluster" 1.1.0
  claim "the culprit was named" culprit_named
  claim "pause and resume stand in the audit log" audited
  figures
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
}
