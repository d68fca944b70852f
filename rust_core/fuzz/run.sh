#!/bin/bash
# Fuzzes each target for so many seconds (20): sh run.sh [SECONDS] [TARGET ...]. Works on stable Rust: no sanitizer, but
# overflow checks and debug assertions are on. A finding is kept in artifacts/ and ends the run with an error.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools=$(cd "$here/../.." && pwd)/.tools
seconds=${1:-20}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(wire decoder numbers)

if [ ! -x "$tools/bin/cargo-fuzz" ]; then
  echo "Installing cargo-fuzz into .tools ..."
  cargo install --quiet --debug --locked --root "$tools" --version '^0.13' cargo-fuzz
fi

# cargo-fuzz sets RUSTFLAGS, which hides .cargo/config.toml: name the processor level of the shipped build here too.
if [ "$(uname -m)" = x86_64 ]; then export RUSTFLAGS="-C target-cpu=x86-64-v2"; fi

cd "$here"
for target in "${targets[@]}"; do
  mkdir -p "corpus/$target"
  PATH="$tools/bin:$PATH" cargo fuzz run --fuzz-dir . --sanitizer none "$target" "corpus/$target" "seeds/$target" -- \
    -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=512 -print_final_stats=1
done
