# SPDX-License-Identifier: Apache-2.0
"""What a site copies: the job's body, the module file and the container's definition are read here by the tools that are there."""
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

program, source = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
folder = source / "slurm"


def checked(words, text, **options):
    done = subprocess.run(words, input=text, capture_output=True, text=True, **options)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def job_scripts():
    """The scripts of every kind of job, as they would be submitted."""
    with tempfile.TemporaryDirectory() as scratch:
        work = pathlib.Path(scratch)
        (work / "sweep.yaml").write_text("schema: hepar-sweep/1\nhold_out: []\nspace: {train.warmup: {float: [0, 0.1]}}\n")
        (work / "container.yaml").write_text("schema: hepar-cluster/1\ncontainer: hepar.sif\nbind: [/data]\nsetup: [module purge]\nextra: ['--exclusive']\n")
        for words in (["shard", "--cohort", "c.yaml", "--out", "a store"], ["train", "--store", "s", "--out", "r"], ["sweep", "--config", "sweep.yaml", "--store", "s", "--out", "w", "--tasks", "6"]):
            for site in [*sorted((source / "configs" / "cluster").glob("*.yaml")), work / "container.yaml"]:
                yield checked([program, "submit", *words, "--cluster", site, "--dry-run"], None, cwd=work)


def scripts_are_clean():
    scripts = list(job_scripts())
    assert len(scripts) == 9 and sum("#SBATCH --array=0-5" in script for script in scripts) == 3
    for script in scripts:
        checked(["bash", "-n"], script)
        if shutil.which("shellcheck"):
            checked(["shellcheck", "--severity=warning", "-"], script)
    assert any("apptainer exec --bind /data hepar.sif hepar shard" in script for script in scripts)


def log_of(script):
    """As sbatch reads the line: quotes group words, %% is a per cent sign."""
    line = next(line for line in script.splitlines() if line.startswith("#SBATCH --output="))
    words = shlex.split(line.removeprefix("#SBATCH "), comments=True)
    assert len(words) == 1, line
    return words[0].removeprefix("--output=")


def any_folder_has_its_log():
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("plain", "a b", "100%j", "it's #1", 'say "x"'):
            words = [program, "submit", "train", "--store", "s", "--out", f"{scratch}/{name}/r", "--cluster", source / "configs" / "cluster" / "example.yaml", "--dry-run"]
            log = log_of(checked(words, None))
            assert log == f"{scratch}/{name}/r.submit/".replace("%", "%%") + "%x-%j.log", log
        for name in ("a\nb", "a\x1bb", "a\\b"):
            words[words.index("--out") + 1] = f"{scratch}/{name}/r"
            done = subprocess.run(words, capture_output=True, text=True)
            assert done.returncode == 2 and done.stderr.count("\n") == 1 and "a job script cannot name" in done.stderr, (name, done)


def the_module_file_sets_the_path():
    if not shutil.which("tclsh"):
        return
    stubs = "".join(f"proc {name} args {{ puts \"{name} $args\" }}\n" for name in ("module-whatis", "conflict", "prepend-path", "setenv"))
    text = (folder / "modulefile").read_text()
    assert text.startswith("#%Module1.0\n")
    said = checked(["tclsh"], stubs + text)
    assert "prepend-path PATH /opt/hepar/bin" in said and "conflict hepar" in said, said


def the_container_definition_is_whole():
    text = (folder / "hepar.def").read_text()
    head, *parts = re.split(r"^%(\w+)\n", text, flags=re.M)
    sections = dict(zip(parts[::2], parts[1::2]))
    keys = dict(line.split(": ", 1) for line in head.splitlines() if line and not line.startswith("#"))
    assert keys == {"Bootstrap": "docker", "From": "debian:12-slim"}, keys
    assert set(sections) == {"files", "post", "environment", "runscript", "test", "labels", "help"}, sections.keys()
    for name in ("post", "environment", "runscript", "test"):
        checked(["bash", "-n"], sections[name])
    for tool in re.findall(r"^ +(tools/\S+)", sections["post"], re.M):
        assert (source / tool).exists(), tool
    assert "hepar doctor" in sections["test"]


for check in (scripts_are_clean, any_folder_has_its_log, the_module_file_sets_the_path, the_container_definition_is_whole):
    check()
print("4 passed, 0 failed")
