#!/bin/sh
# A week in the lab, from the command line only. Run it in an empty folder: it leaves week.csv, bbo.db and week.html there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

cp "$here/week.yaml" .
bbo create week.yaml

for day in $(seq "${DAYS:-5}"); do
    echo "--- day $day"
    bbo ask week.yaml -n 6 --csv week.csv       # six recipes are appended to the sheet
    python3 "$here/lab.py" week.csv "$day"      # the day's work: yields are filled in
    bbo tell week.yaml week.csv --yes           # the whole sheet is read; what was told before is told once
done

echo "--- the end of the week"
bbo best week.yaml                              # the best that was measured
bbo recommend week.yaml                         # the best by the model, which knows that a single high yield may be luck
bbo plot week.yaml slices --out week.html
