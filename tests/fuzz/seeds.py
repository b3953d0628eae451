# SPDX-License-Identifier: Apache-2.0
"""Small whole files to begin from, a folder a target, and a dictionary for the targets that read text.
usage: seeds.py PROGRAM FUZZ_SEEDS SOURCE_DIR OUT"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TABLES = ["patients", "follow_up", "treatments", "imaging", "slides", "reports"]  # the order of csv.cpp
MOST_BYTES = 32 * 1024


def write(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def dictionary(folder, file):
    """The words of the seeds: what a mutation would hardly spell."""
    words = sorted({word for seed in folder.iterdir() for word in re.findall(rb"[A-Za-z_][\w.]{2,24}:?|[^\x00-\x7f]{3,24}", seed.read_bytes())})
    file.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in words[:1500]))


def gather(program, seeds_program, source, out):
    subprocess.run([seeds_program, out], env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}, check=True)
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder) / "made"
        subprocess.run([program, "synth", "--level", "raw", "--patients", "2", "--centres", "2", "--quiet", "--out", made], check=True, stdout=subprocess.DEVNULL)
        for index, table in enumerate(TABLES):
            write(out / "csv", table, bytes([index]) + (made / f"{table}.csv").read_bytes())
        for letter in (made / "reports").iterdir():
            write(out / "report", letter.name, letter.read_bytes())
        for slice_ in sorted(made.glob("imaging/**/*"), key=lambda path: path.name)[:400:40]:
            if slice_.is_file() and slice_.stat().st_size < MOST_BYTES:
                write(out / "dicom", slice_.name, slice_.read_bytes())
        write(out / "yaml", "synthetic", (made / "cohort.yaml").read_bytes())
    for yaml in (source / "configs" / "cohort").glob("*.yaml"):
        write(out / "yaml", yaml.stem, yaml.read_bytes())
    for table in (source / "tests" / "reports" / "scored").glob("*.tsv"):
        lines = table.read_text(encoding="utf-8").splitlines()[1:]
        sentences = list(dict.fromkeys(line.split("\t")[0] for line in lines))
        write(out / "report", table.stem, "\n".join(sentences[:20]).encode())
    write(out / "report", "gb18030", "肝细胞癌，MVI：M1，切缘阴性".encode("gb18030"))
    write(out / "report", "utf16", "\ufeff肝细胞癌，MVI：M1".encode("utf-16-le"))
    for target in ("csv", "report", "yaml"):
        dictionary(out / target, out / f"{target}.dict")


if __name__ == "__main__":
    gather(sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4]))
