# Shared by the scripts of this folder: paths, messages, the environment of a run, and the
# private PostgreSQL. Source it after `set -euo pipefail`; it starts nothing by itself.
# shellcheck shell=bash

# Several checkouts and runs may be active at once; all paths are found from here.
WABA_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
WABA_DEV=$WABA_ROOT/.dev
WABA_ADDON=$WABA_DEV/addons/waba_campaign
WABA_BRIDGE=$WABA_DEV/addons/waba_campaign_website
WABA_PYTHON=$WABA_DEV/venv/bin/python
ODOO_FETCHED=$WABA_DEV/odoo/usr/lib/python3/dist-packages

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# lock FILE COMMAND...: runs COMMAND while no other process holds FILE. Descriptor 7 is the lock,
# so COMMAND must not leave a process behind that has it, nor lock again.
lock() {
    exec 7>>"$1"
    flock -n 7 || { say "waiting for another run ($(basename "$1" .lock))"; flock 7; }
    "${@:2}"
    exec 7>&-
}

# quietly COMMAND...: its output goes to a log, and is shown when it fails.
quietly() {
    local log=$WABA_DEV/log/setup.log
    mkdir -p "$WABA_DEV/log"
    "$@" >"$log" 2>&1 && return
    tail -n 30 "$log" >&2
    return 1
}

# install_packages NAME...: Debian packages, by apt, when this user may.
install_packages() {
    local become=()
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || die "this needs Debian packages: sudo apt-get install $*"
        become=(sudo -n)
    fi
    say "  installing $* by apt-get"
    quietly "${become[@]}" apt-get update -q || say "  apt-get update failed; going on with the lists at hand"
    # RUNLEVEL=1 keeps a freshly installed PostgreSQL from starting a service of its own.
    quietly "${become[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" ||
        apt_failed "$@"
}

# apt_failed NAME...: says why these packages could not be installed, after `quietly` ran apt. Without
# a mirror apt reports packages it cannot locate, although `apt-get update` succeeds.
apt_failed() {
    local offline='unable to locate|no installation candidate|failed to fetch|could not (resolve|connect)|temporary failure|unable to fetch'
    if grep -qiE "$offline" "$WABA_DEV/log/setup.log"; then
        die "the Debian mirror cannot be reached, so these packages are missing: $*
  Check the network, the proxy (http_proxy, https_proxy) and /etc/apt/sources.list, then run this again."
    fi
    die "apt-get could not provide: $*"
}

# --- The environment of a run ----------------------------------------------------------------

odoo_home() { printf '%s' "${ODOO_HOME:-$ODOO_FETCHED}"; }

# An Odoo checkout keeps its addons beside the odoo package; Debian's package inside it.
addons_path() {
    local community
    community=$(odoo_home)/addons
    [ -d "$community" ] && printf '%s,' "$community"
    printf '%s' "$WABA_DEV/addons"
}

# Where PostgreSQL is, in libpq's own variables (Odoo reads them too).
export_database() {
    if [ -n "${WABA_PG:-}" ]; then
        local exports
        exports=$(python3 "$WABA_ROOT/dev/pg_url.py" "$WABA_PG") || die "WABA_PG is no postgresql:// address"
        eval "$exports"
    else
        PGHOST=$(socket_dir) PGPORT=5432 PGUSER=waba
        unset PGPASSWORD
        export PGHOST PGPORT PGUSER
    fi
}

# The variables of scripts started from here; also the interface for the demo.
export_environment() {
    ODOO_HOME=$(odoo_home)
    WABA_ADDONS_PATH=$(addons_path)
    ODOO_RC=$WABA_DEV/odoo.conf
    export WABA_ROOT WABA_DEV WABA_ADDON WABA_PYTHON WABA_ADDONS_PATH ODOO_HOME ODOO_RC
    export_database
}

# In an EXIT trap a bare `return` gives the status of the command before the trap, so what runs
# there (end_run and all it calls) names its status or has none.

# begin_run: everything set up, PostgreSQL up and held until this shell ends.
begin_run() {
    "$WABA_ROOT/dev/setup" --quiet
    export_environment
    trap end_run EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    hold_postgres
}

end_run() {
    local status=$?
    trap '' INT TERM HUP
    [ -z "${CHILD_GROUP:-}" ] || kill -KILL -- "-$CHILD_GROUP" 2>/dev/null || true
    release_postgres
    exit "$status"
}

# attend [--group] COMMAND...: runs COMMAND, passes signals on to it, returns its status. In a
# plain foreground call bash would delay a TERM until the command ended by itself. With --group
# the command leads its own process group, which end_run ends with it (browsers); only the leader
# is signalled, since a test hangs instead of failing when its browser is killed.
attend() {
    local leader=() target status=0
    if [ "$1" = --group ]; then leader=(setsid); shift; fi
    # Background commands of a script start with SIGINT ignored; give it back.
    setpriv --pdeathsig TERM "${leader[@]}" env --default-signal=INT,QUIT "$@" <&0 &
    target=$!
    SIGNALLED=
    if [ ${#leader[@]} -gt 0 ]; then
        CHILD_GROUP=$target
        # shellcheck disable=SC2064 # expanded now on purpose
        trap "SIGNALLED=1; kill -INT $target 2>/dev/null" INT
    else
        trap : INT # the terminal has told the child already
    fi
    # shellcheck disable=SC2064
    trap "SIGNALLED=1; kill -TERM $target 2>/dev/null" TERM HUP
    while :; do
        status=0
        wait "$target" || status=$?
        kill -0 "$target" 2>/dev/null || break
        [ -z "$SIGNALLED" ] || end_within_grace "$target"
    done
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    [ -z "$SIGNALLED" ] || exit 143
    return "$status"
}

# A command that was signalled to end gets 20 seconds.
end_within_grace() {
    local _
    for _ in {1..200}; do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null || true
}

# --- PostgreSQL ------------------------------------------------------------------------------

PG_HOME=$WABA_DEV/pg
PG_DATA=$PG_HOME/data

# The programs' folder: of the version that made the cluster, else the newest installed.
pg_bin() {
    local version bin
    version=$(cat "$PG_DATA/PG_VERSION" 2>/dev/null || true)
    bin=$(find /usr/lib/postgresql -path "*/${version:-*}/bin/initdb" 2>/dev/null | sort -V | tail -n 1)
    if [ -z "$bin" ] && command -v initdb >/dev/null; then bin=$(readlink -f "$(command -v initdb)"); fi
    [ -n "$bin" ] && dirname "$bin"
}

# The server refuses root; as root it runs as `postgres`, keeping the right to pass directories
# that only root may enter (a checkout below `mktemp -d`). Containers may withhold a capability.
as_postgres() {
    local become=() caps
    if [ "$(id -u)" -eq 0 ]; then
        become=(setpriv --reuid=postgres --regid=postgres --init-groups)
        for caps in +dac_override,+dac_read_search +dac_override; do
            if "${become[@]}" --inh-caps="$caps" --ambient-caps="$caps" true 2>/dev/null; then
                become+=(--inh-caps="$caps" --ambient-caps="$caps")
                break
            fi
        done
    fi
    "${become[@]}" "$@"
}

# A unix socket's whole path may have 107 bytes; a deep checkout gets a short directory instead.
socket_dir() {
    if [ -f "$PG_HOME/socket_dir" ]; then cat "$PG_HOME/socket_dir"; else printf '%s' "$PG_HOME/socket"; fi
}

make_socket_dir() {
    local dir=$PG_HOME/socket
    if [ "$(printf '%s/.s.PGSQL.5432' "$dir" | wc -c)" -gt 107 ]; then
        dir=$(socket_dir)
        if [ ! -d "$dir" ] || [ "$dir" = "$PG_HOME/socket" ]; then dir=$(mktemp -d /tmp/waba-pg.XXXXXX); fi
        printf '%s' "$dir" >"$PG_HOME/socket_dir"
    fi
    mkdir -p "$dir"
    chmod 0711 "$dir"
    [ "$(id -u)" -ne 0 ] || chown postgres: "$dir"
}

make_cluster() {
    local owner=()
    [ "$(id -u)" -ne 0 ] || owner=(-o postgres -g postgres)
    rm -rf "$PG_DATA" "$PG_DATA.new"
    mkdir -p "$PG_HOME"
    install -d -m 0700 "${owner[@]}" "$PG_DATA.new" "$PG_HOME/log"
    as_postgres "$(pg_bin)/initdb" --pgdata="$PG_DATA.new" --username=waba --auth=trust \
        --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$PG_HOME/initdb.log" 2>&1 ||
        { cat "$PG_HOME/initdb.log" >&2; die "initdb failed"; }
    echo "include_if_exists = 'waba.conf'" >>"$PG_DATA.new/postgresql.conf"
    mv "$PG_DATA.new" "$PG_DATA"
}

# fsync and synchronous_commit stay on: tests kill the server and count what survived.
write_server_settings() {
    cat >"$PG_DATA/waba.conf" <<CONF
listen_addresses = ''
port = 5432
unix_socket_directories = '"${1//\'/\'\'}"'
unix_socket_permissions = 0777
max_connections = 200
shared_buffers = 256MB
max_wal_size = 2GB
checkpoint_timeout = 15min
random_page_cost = 1.1
timezone = 'UTC'
log_timezone = 'UTC'
CONF
    chmod 0644 "$PG_DATA/waba.conf"
}

postgres_running() { [ -d "$PG_DATA" ] && as_postgres "$(pg_bin)/pg_ctl" -D "$PG_DATA" status >/dev/null 2>&1; }

# Without the locks' descriptors (7, 8), which a server would hold for its whole life.
start_postgres() {
    postgres_running && return
    make_socket_dir
    write_server_settings "$(socket_dir)"
    as_postgres "$(pg_bin)/pg_ctl" -D "$PG_DATA" -l "$PG_HOME/log/server.log" -w -t 120 start \
        >"$PG_HOME/start.log" 2>&1 7>&- 8>&- </dev/null ||
        { tail -n 20 "$PG_HOME/start.log" "$PG_HOME/log/server.log" >&2; die "PostgreSQL did not start"; }
}

stop_postgres() {
    if postgres_running; then
        as_postgres "$(pg_bin)/pg_ctl" -D "$PG_DATA" -m fast -w -t 120 stop >/dev/null ||
            say "PostgreSQL did not stop within two minutes; its log: $PG_HOME/log/server.log"
    fi
    rm -f "$PG_HOME/started_by_a_run"
    if [ -f "$PG_HOME/socket_dir" ]; then
        rm -rf "$(cat "$PG_HOME/socket_dir")" "$PG_HOME/socket_dir"
    fi
}

# Runs share the server: each holds a shared lock (descriptor 8), and the last to leave stops a
# server that a run, not a person, had started. A killed run's lock goes with it.
hold_postgres() {
    [ -z "${WABA_PG:-}" ] || return 0
    exec 8>>"$PG_HOME/users.lock"
    flock -s 8
    lock "$PG_HOME/start.lock" start_postgres_for_run
    export_database
}

start_postgres_for_run() {
    postgres_running && return
    touch "$PG_HOME/started_by_a_run"
    start_postgres
}

release_postgres() {
    [ -z "${WABA_PG:-}" ] && [ -d "$PG_HOME" ] || return 0
    exec 8>&-
    [ -f "$PG_HOME/started_by_a_run" ] || return 0
    exec 8>>"$PG_HOME/users.lock"
    if flock -n 8; then stop_postgres; fi
    exec 8>&-
}
