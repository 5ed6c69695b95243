#!/bin/sh
# Print the first Python 3.11 to 3.13 that can create a virtual environment. If there is none, say what to install.
for python in python3 python3.13 python3.12 python3.11 python; do
  if "$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
      >/dev/null 2>&1; then
    echo "$python"
    exit 0
  fi
done
echo "kerasnets needs Python 3.11, 3.12 or 3.13 with venv (on Debian: apt-get install python3-venv);" \
  "or name one with: make PYTHON=/path/to/python3" >&2
exit 1
