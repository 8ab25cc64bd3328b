#!/bin/sh
# Makes a virtual environment from a lock file: set_up.sh <folder> <python> <lock file>
# Shows how far it is: one line that moves on a terminal, a line for every 20 packages elsewhere.
set -u
folder=$1 python=$2 lock=$3
if [ -L "$folder" ]; then
  echo "$folder is a link: making it anew would empty what it leads to" >&2
  exit 1
fi
total=$(grep -c '^[A-Za-z0-9].*==' "$lock")
began=$(date +%s)
echo "setting up $folder: $("$python" --version 2>&1), $total packages, a minute or two"
# Asked here: within the pipe below, nothing is a terminal.
moves=
[ -t 1 ] && moves=1
"$python" -m venv --clear "$folder" || exit 1
log=$folder/set-up.log
status=$folder/set-up.status
{ "$folder/bin/pip" install --no-deps --require-hashes --no-color -r "$lock" 2>&1; echo $? > "$status"; } |
  tee "$log" |
  awk -v total="$total" -v moves="$moves" '
    /^Collecting / { seen++; if (moves) printf "\r  %d of %d packages", seen, total
                     else if (seen % 20 == 0) printf "  %d of %d packages\n", seen, total
                     fflush() }
    /^Installing / { printf "%s  installing%s", moves ? "\r" : "", moves ? "            " : "\n"; fflush() }
    END { if (moves) printf "\r\033[2K" }'
if [ "$(cat "$status")" != 0 ]; then
  tail -15 "$log" >&2
  echo "$folder could not be set up. The packages are locked for Python 3.11 to 3.13: if there is none for $("$python" --version 2>&1), install Python 3.13 (macOS: brew install python@3.13; Debian: apt-get install python3.13 python3.13-venv; anywhere: uv python install 3.13)" >&2
  exit 1
fi
echo "$folder is ready, after $(($(date +%s) - began)) s"
touch "$folder/ready"
