# SPDX-License-Identifier: Apache-2.0
"""The report rules read the scored sentences no worse than they did: precision and recall of every group, of the whole set
and of each half, against the figures in scored/floors.csv. Rules that read better raise the floors; nothing lowers them."""
import csv
import pathlib
import sys

program, source = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(source / "tests/reports"))
import score  # noqa: E402

scored = source / "tests/reports/scored"
rows = score.read_rows([scored])
groups = score.by_group(rows, score.attributes_of(program, [row.text for row in rows]))
with open(scored / "floors.csv", encoding="utf-8", newline="") as handle:
    floors = {(row["group"], row["half"]): row for row in csv.DictReader(handle)}
print(score.group_table(groups))
wrong = []
if floors.keys() != groups.keys():
    wrong.append(f"floors.csv and the set differ: {sorted(floors.keys() ^ groups.keys())}")
for key in floors.keys() & groups.keys():
    count, texts = groups[key]
    if texts != int(floors[key]["texts"]):
        wrong.append(f"{key}: {texts} texts, the floor was taken on {floors[key]['texts']}")
    for name, (right, of) in (("precision", count.precision()), ("recall", count.recall())):
        least, trials = map(int, floors[key][name].split("/"))
        if right * trials < least * of:  # right / of < least / trials, exactly
            wrong.append(f"{key}: {name} {right}/{of} is below {least}/{trials}")
if wrong:
    sys.exit("\n".join(sorted(wrong)))
