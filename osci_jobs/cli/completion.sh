# SPDX-License-Identifier: Apache-2.0
# What a word of osci's command line may be, for bash and for zsh. Only names that
# no shell takes for anything else are offered, for bash expands what it is given.
_osci_names() {  # of the files $2 in the directories $1, without their suffix $3
  find "$1" -mindepth 1 -maxdepth 1 -name "$2" -printf '%f\n' 2>/dev/null |
    sed -e "s/$3\$//" | LC_ALL=C grep -E '^[A-Za-z0-9][A-Za-z0-9._-]*$' | LC_ALL=C sort -u
}
_osci_state() { printf '%s' "${OSCI_STATE_DIR:-/var/lib/osci}/groups"; }
_osci_list_deployments() {
  local directory="${OSCI_DEPLOYMENT_CONFIG_DIR:-config/deploy}"
  [ -n "${OSCI_DEPLOYMENT_CONFIG_DIR-}" ] || [ -d "$directory" ] || directory=@samples@
  _osci_names "$directory" '*.json' '\.json'
}
_osci_list_scenarios() {
  local directory="${OSCI_STRESS_CONFIG_DIR:-config/stress}"
  [ -n "${OSCI_STRESS_CONFIG_DIR-}" ] || [ -d "$directory" ] || directory=@scenarios@
  _osci_names "$directory" '*.json' '\.json'
}
_osci_list_groups() { _osci_names "$(_osci_state)" '*.jsonl' '\.jsonl'; }
_osci_list_hosts() {  # of the group $1
  find "$(_osci_state)/$1" -mindepth 2 -maxdepth 2 -name console.log -printf '%h\n' 2>/dev/null |
    sed -e 's|.*/||' | LC_ALL=C grep -E '^[a-z0-9-]+$' | LC_ALL=C sort
}
_osci_list_mails() { _osci_names "${OSCI_STATE_DIR:-/var/lib/osci}/outbox" '*.json' '\.json'; }
_osci_list_runs() {
  echo latest
  _osci_names "${OSCI_OUTPUT:-results}" '*Z-*' '' | LC_ALL=C sort -r
}
_osci_list_group_or_deployment() { _osci_list_groups; _osci_list_deployments; }
