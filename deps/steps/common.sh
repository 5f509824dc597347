# SPDX-License-Identifier: MIT
# Helpers of deps/setup: talking, failing, looking up pins, writing the answer.

say() { echo "deps: $*"; }

fail() {
    echo "deps: error: $*" >&2
    exit 2
}

# value FILE NAME: of a line `NAME = value`.
value() { sed -n "s/^$2 *= *//p" "$1"; }

# pin KIND NAME FIELD: a field of a line in deps/pins.
pin() { awk -v kind="$1" -v name="$2" -v field="$3" '$1 == kind && $2 == name { print $field }' deps/pins; }

# at_least VERSION MINIMUM
at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1) == "$2" ]]; }

# run_logged WHAT COMMAND...: its output goes to a log; a failure is told in one line by its cause.
run_logged() {
    local what=$1 log=$cache/log/${1// /-}.log
    shift
    "$@" >"$log" 2>&1 </dev/null || explain "$what" "$log"
}

# explain WHAT LOG [LOG...]: fails, with the cause found in the logs and what to do about it.
explain() {
    local what=$1 log=$2
    shift
    if grep -qiE 'no space left|not enough (free )?space|enough free space|disk quota' "$@"; then
        fail "$what: the disk is full: free 1 GB in $cache and /var, or set XDG_CACHE_HOME to a folder elsewhere, and run deps/setup again"
    elif grep -qE 'NO_PUBKEY|EXPKEYSIG' "$@"; then
        fail "$what: the archive keyring is too old: run 'sudo apt-get install debian-archive-keyring' and deps/setup again (log: $log)"
    elif grep -qE '^(E|W|Err):.*(resolv|onnect|unreachable|Failed to fetch|timed out)' "$@"; then
        fail "$what: no answer from the Debian mirror: check the network (or apt's proxy) and run deps/setup again (log: $log)"
    fi
    fail "$what failed: $(grep -v '^ *$' "$log" | tail -n1 | cut -c1-160) (whole log: $log)"
}

# need_space MEGABYTES WHAT-FOR: free in the cache; apt does not always end on a full disk.
need_space() {
    local free
    free=$(df --output=avail -BM "$cache" | tail -n1 | tr -dc 0-9)
    ((free >= $1)) ||
        fail "$2 needs $1 MB in $cache, $free MB are free: free some, or set XDG_CACHE_HOME to a folder elsewhere, and run deps/setup again"
}

# One deps/setup at a time works in the cache.
lock_cache() {
    [[ "$cache$PWD" != *[[:space:]]* ]] ||
        fail "make cannot work with a blank in a path: move this checkout, or set XDG_CACHE_HOME ('$PWD', '$cache')"
    mkdir -p "$cache/log" "$cache/downloads" build/deps 2>/dev/null ||
        fail "cannot write in $cache and build/: set XDG_CACHE_HOME to a folder of yours and run deps/setup again"
    exec 9>"$cache/lock"
    flock -n 9 && return
    say "waiting for another deps/setup"
    flock 9
}

# note NAME VALUE: a line of the answer. need PATH...: what it must be made anew without.
note() { lines+="$1 = $2"$'\n'; }
need() { paths+=" $*"; }

write_answer() {
    {
        echo "# Written by deps/setup: what it found or built. Made anew when that is gone or a pin changes."
        echo "DEPS_OVERRIDES = $overrides"
        echo "DEPS_PATHS =$paths"
        printf %s "$lines"
    } >"$answer.new"
    mv "$answer.new" "$answer"
}
