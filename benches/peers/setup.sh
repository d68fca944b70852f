#!/usr/bin/env bash
# usage: setup.sh VENVDIR [PYTHON]   one virtual environment per peer (they conflict with each other), and the C floors.
# A peer that does not install is reported and left out; the rest goes on.
set -u
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1" && W=$(cd "$1" && pwd)
py=${2:-python3}
export PIP_DISABLE_PIP_VERSION_CHECK=1

peer() { # name, packages...
  local name=$1; shift
  [ -e "$W/$name/.ready" ] && return
  echo "peer environment $name: $*"
  "$py" -m venv "$W/$name" && "$W/$name/bin/pip" install --quiet "$@" && touch "$W/$name/.ready" || echo "absent: $name" >&2
}

peer core -r "$here/requirements-core.txt"
peer ccxt ccxt orjson coincurve uvloop
peer pb python-binance orjson uvloop
peer bc binance-connector
peer naut nautilus_trader orjson uvloop
peer ubwa unicorn-binance-websocket-api picows
peer alpaca alpaca-py orjson
peer cf cryptofeed uvloop

if [ ! -e "$W/floors/.ready" ] || [ -n "$(find "$here/floors" "$here/../floors" -type f -newer "$W/floors/.ready")" ]; then
  mkdir -p "$W/simdjson"
  # The source distribution of pysimdjson carries the single-header simdjson that the decode floor is built from.
  "$W/core/bin/pip" download --quiet --no-binary :all: --no-deps --no-build-isolation -d "$W/simdjson" pysimdjson 2>/dev/null ||
    "$W/core/bin/pip" download --quiet --no-binary :all: --no-deps -d "$W/simdjson" pysimdjson
  tar -xzf "$W"/simdjson/*.tar.gz -C "$W/simdjson"
  header=$(find "$W/simdjson" -name simdjson.h | head -n 1)
  simdjson=$(dirname "$header")
  SIMDJSON=$simdjson "$here/floors/build.sh" "$W/floors" "$W/core/bin/python" &&
    g++ -O3 -march=native -std=c++17 -I"$simdjson" -o "$W/floors/recording_floor" "$here/../floors/recording_floor.cpp" "$simdjson/simdjson.cpp" &&
    touch "$W/floors/.ready"
fi
