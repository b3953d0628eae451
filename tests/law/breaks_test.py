# SPDX-License-Identifier: Apache-2.0
"""Each law is broken on purpose, once, and its test must fail. `tools/check --long` builds every break; otherwise it is only
checked that each still is a change of the source."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(sys.argv[2])
# law, what is broken, file, the source as it is, as it is broken, the test that must fail (and its words)
BREAKS = [
    (1, "an epoch takes one patient twice and another never", "trainer/dataset/sampler.cpp",
     "order[static_cast<std::size_t>(i)]", "order[static_cast<std::size_t>(i > 0 ? i - 1 : 0)]", ["law/exactly_once_test.py"]),
    (2, "what is random depends on the rank", "trainer/engine/reproducible.cpp",
     "const std::uint64_t key = slot_key(step, slot.index);",
     "const std::uint64_t key = slot_key(step, slot.index + 1000 * group_.rank());", ["law/one_answer_test.py"]),
    (3, "files are written under their final name", "data/base/files.cpp",
     "temporary_(final_.string() + std::string(kMark) + host_name() + \".\" + std::to_string(::getpid()))", "temporary_(final_)", ["law/killed_mid_write_test.py"]),
    (4, "what cannot be read is left out in silence", "sharding/extract/extract.cpp",
     "if (failed || (feature.present() && !feature.detail.empty()))", "if (feature.present() && !feature.detail.empty())", ["law/nothing_silent_test.py"]),
    (5, "the mixture of strategies is fitted to the held-out patients", "trainer/validation/fold_run.cpp",
     "ArmShares::fit(store, selection.columns, request.fold.train)", "ArmShares::fit(store, selection.columns, request.fold.test)", ["law/held_out_test.py"]),
    (5, "columns are scaled with all patients of the store", "trainer/engine/training_setup.cpp",
     "dataset::Transform::fit(store, selection_.modalities, selection_.columns, patients_)",
     "dataset::Transform::fit(store, selection_.modalities, selection_.columns, everybody(store))", ["law/held_out_test.py"]),
    (6, "every rank prints the error that all agree on", "tools/hepar/main.cpp",
     "if (!agreed || world.root()) {", "if (agreed || world.root()) {", ["cases/cases_test.py", "shard-two-ranks-fail-once"]),
    (7, "progress without the time that is left", "data/base/log.cpp", "} else if (rate > 0) {", "} else if (rate < 0) {", ["law/bill_test.py"]),
]
# What a break needs beside its one line.
HELP = {"everybody": ("trainer/engine/training_setup.cpp", "}  // namespace\n",
                      "std::vector<std::int64_t> everybody(const store::Store& store) {\n  std::vector<std::int64_t> all;\n"
                      "  for (std::int64_t p = 0; p < store.patients(); ++p) all.push_back(p);\n  return all;\n}\n\n}  // namespace\n")}


def put(root, file, old, new):
    text = (root / file).read_text()
    (root / file).write_text(text.replace(old, new, 1))


def ends_well(test, program, root):
    return subprocess.run([sys.executable, root / "tests" / test[0], program, root, *test[1:]], capture_output=True, text=True)


for law, what, file, old, new, test in BREAKS:
    count = (SOURCE / file).read_text().count(old)
    assert count == 1, f"law {law}, '{what}': {file} holds the line {count} times, not once"
    assert (SOURCE / "tests" / test[0]).exists(), test
if os.environ.get("HEPAR_LONG", "0") != "1":
    print(f"{len(BREAKS)} breaks stand ready; tools/check --long builds them")
    sys.exit(0)

with tempfile.TemporaryDirectory() as scratch:
    root = pathlib.Path(scratch) / "broken"
    shutil.copytree(SOURCE, root, ignore=shutil.ignore_patterns("build", ".git"))
    build = [["cmake", "--preset", "release"], ["cmake", "--build", "--preset", "release", "--target", "hepar"]]
    subprocess.run(build[0], cwd=root, check=True, stdout=subprocess.DEVNULL)
    program = root / "build" / "release" / "hepar"
    failures = []
    for law, what, file, old, new, test in BREAKS:
        whole = {path: (root / path).read_text() for path in {file} | {helped[0] for helped in HELP.values()}}
        put(root, file, old, new)
        for word, (helped, before, after) in HELP.items():
            if word in new:
                put(root, helped, before, after)
        subprocess.run(build[1], cwd=root, check=True, stdout=subprocess.DEVNULL)
        done = ends_well(test, program, root)
        verdict = "caught" if done.returncode not in (0, 77) else "NOT CAUGHT"
        print(f"law {law}: {what}: {verdict} by {' '.join(test)}: {(done.stderr.strip().splitlines() or [''])[-1][:160]}", flush=True)
        if verdict != "caught":
            failures.append(what)
        for path, text in whole.items():
            (root / path).write_text(text)
    subprocess.run(build[1], cwd=root, check=True, stdout=subprocess.DEVNULL)
    for test in {tuple(one[5]) for one in BREAKS}:
        done = ends_well(list(test), program, root)
        assert done.returncode in (0, 77), f"{test} fails without any break: {done.stderr}"
    assert not failures, failures
