# SPDX-License-Identifier: Apache-2.0
"""What `hepar plan` predicts: the study's size is counted, fewer hours with more ranks, and what was not measured says so."""
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "law"))
import training_run as t  # noqa: E402

with tempfile.TemporaryDirectory() as scratch:
    folder = pathlib.Path(scratch)
    store = t.make_store(folder)
    config = folder / "experiment.yaml"
    config.write_text(t.EXPERIMENT)
    words = ["plan", "--config", config, "--store", store, "--seeds", "3", "--trials", "4", "--ranks", "1,2,4", "--time_limit_hours", "0.001", "--measured_steps", "2", "--quiet"]
    result = json.loads(t.made_cohort.run(t.PROGRAM, *words, "--json", ranks=2).stdout)
    assert result["folds"] == 3 and result["trainings"] == 3 * 3 * 4 and result["steps"] % 3 == 0 and result["measured_ranks"] == 2, result
    assert result["memory_bytes_per_rank"] > 50e6, result["memory_bytes_per_rank"]
    one, two, four = result["predictions"]
    assert [p["basis"] for p in (one, two, four)] == ["from the measured step", "measured", "extrapolation"], result
    assert one["efficiency"] == 1 and 0 < four["efficiency"] <= 1 and 0 < two["efficiency"] <= 1, result
    for p in (one, two, four):
        assert abs(p["hours"] - p["step_seconds"] * result["steps"] * 36 / 3600) < 1e-9 * p["hours"] and p["jobs"] >= p["hours"] / 0.001, p
    table = t.made_cohort.run(t.PROGRAM, *words).stdout
    assert "extrapolation" in table and "36 trainings (3 folds x 3 seeds x 4 trials)" in table, table
    done = t.made_cohort.run(t.PROGRAM, "plan", "--store", store, "--ranks", "few", check=False)
    assert done.returncode == 2 and "whole numbers" in done.stderr, done.stderr
print("the plan adds up")
