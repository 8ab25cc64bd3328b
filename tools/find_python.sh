#!/bin/sh
# Prints the Python to use; exit status 1, with what to install, where there is none.
#
# The deployed runtime is Python 3.13: the newest of 3.13, 3.12 and 3.11 on this machine is taken, and
# a newer one where there is none of them. A candidate must run, since a version manager's shim may
# stand for a version that is not chosen.
for version in 3.13 3.12 3.11 3.14 3.15; do
  for python in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python3 python3; do
    "$python" -c "import sys, ssl, sqlite3, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null &&
      command -v "$python" && exit
  done
done
echo "Python 3.11, 3.12 or 3.13 is needed: brew install python@3.13 (macOS), apt-get install python3.13 python3.13-venv (Debian, WSL), uv python install 3.13 (anywhere)" >&2
exit 1
