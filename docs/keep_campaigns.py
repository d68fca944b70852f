"""Keeps the figures of campaigns: the newest line of each test, in `docs/reference/reliability.json`.

`python docs/keep_campaigns.py target/campaigns.jsonl`. Not for writing the page: `docs/generate.py` does.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

KEPT = Path(__file__).resolve().parent / "reference" / "reliability.json"


def main() -> None:
    lines = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else []
    kept = {(str(line["row"]), line["test"]): line for line in lines}
    for text in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        kept[(str(line["row"]), line["test"])] = line
    ordered = [
        kept[key] for key in sorted(kept, key=lambda key: (key[0].zfill(2) if key[0].isdigit() else key[0], key[1]))
    ]
    KEPT.write_text("[\n" + ",\n".join(json.dumps(line) for line in ordered) + "\n]\n", encoding="utf-8")
    print(f"{len(ordered)} figures are kept in {KEPT.name}")


if __name__ == "__main__":
    main()
