#!/bin/sh
# Runs every case against the sender, and leaves reports in chargeproof-out. The exit code decides: 0 says
# that every promise was exercised and held, 10 that a charge was sent twice, 5 that evidence is missing.
#
#   ci/chargeproof.sh [SENDER-FILE] [OPTION...]     options are those of `chargeproof run`
set -eu

chargeproof="${CHARGEPROOF:-chargeproof}"
if ! command -v "$chargeproof" >/dev/null 2>&1; then
    echo "there is no \`$chargeproof\` here: install it, or set CHARGEPROOF to where it lies" >&2
    exit 2
fi

sender="${1:-sender.yaml}"
if [ "$#" -gt 0 ]; then shift; fi

# One charge first: what is wrong with the sender file is said in seconds, and in plain words.
"$chargeproof" doctor "$sender"
# Last, so that its exit code is that of the script.
exec "$chargeproof" run --sender "$sender" --out chargeproof-out --report json,junit,markdown "$@"
