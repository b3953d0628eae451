# SPDX-License-Identifier: Apache-2.0
"""Unit tests that work in threads with every race watched (preset tsan). Built by `tools/check --long` alone, in the preset's own folder.
usage: sanitizers_test.py PROGRAM SOURCE_DIR [PRESET [TEST...]]"""
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(sys.argv[2]).resolve()
# Preset -> CTest entries; each is built as its program (test_<room>, test_<room>_ranks).
WATCHED = {"tsan": ["collective"]}
ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1", "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
               "TSAN_OPTIONS": "halt_on_error=0:second_deadlock_stack=1"}


def programs(tests):
    return sorted({"test_" + test.split(".")[0] + ("_ranks" if "." in test else "") for test in tests})


def watch(preset, tests):
    folder = SOURCE / "build" / preset
    subprocess.run(["cmake", "--preset", preset, "-DHEPAR_BUILD_TESTS=ON"], cwd=SOURCE, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "--preset", preset, "--target", *programs(tests)], cwd=SOURCE, check=True, stdout=subprocess.DEVNULL)
    names = "|".join(test.replace(".", "\\.") for test in tests)
    return subprocess.run(["ctest", "--test-dir", folder, "-R", f"^({names})$", "--no-tests=error", "--output-on-failure"], env={**os.environ, **ENVIRONMENT}).returncode == 0


chosen = sys.argv[3:4] or list(WATCHED)
if os.environ.get("HEPAR_LONG", "0") != "1" and not sys.argv[3:]:
    print("skipped: tools/check --long watches memory and threads")
    sys.exit(77)
clean = [watch(preset, sys.argv[4:] or WATCHED[preset]) for preset in chosen]
sys.exit(0 if all(clean) else 1)
