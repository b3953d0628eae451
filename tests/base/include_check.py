# SPDX-License-Identifier: Apache-2.0
"""Holds every #include to the table of rooms: include_check.py SOURCE_DIR ROOMS_TXT

ROOMS_TXT has one line a room ("data/cohort: base"), written by CMake from its own table; edges are transitive and every
room may use base. Project includes must follow the edges, a library's headers stay in the rooms that own the library,
and neither the table nor the includes may hold a cycle. Before the check, violations of each kind are planted in a
scratch tree: the check must see them all.
"""
import pathlib
import re
import sys
import tempfile

TOPS = ("data", "sharding", "trainer", "tools", "tests")
# A library's headers, and the rooms that may see them.
LIBRARIES = [
    (r"mpi\.h$", {"sharding/mpi", "trainer/collective"}),
    (r"(hdf5|H5\w+)\.h$", {"sharding/store", "data/pathology", "data/synthetic"}),
    (r"(torch|ATen|c10)/", {"trainer/dataset", "trainer/model", "trainer/objective", "trainer/engine", "trainer/encode"}),
    (r"nccl\.h$", {"trainer/collective"}),
    (r"openslide", {"data/pathology"}),
    (r"(tiff|tiffio|jpeglib)", {"data/pathology", "data/imaging", "data/synthetic"}),
    (r"dcmtk/", {"data/imaging", "data/synthetic"}),
    (r"(nifti/|nifti1|znzlib)", {"data/imaging", "data/synthetic"}),
    (r"openjpeg", {"data/imaging"}),
    (r"yaml-cpp/", {"data/base"}),
    (r"openssl/", {"data/base", "data/cohort"}),
    (r"xxhash\.h", {"data/base"}),
    (r"(unsupported/)?Eigen/", {"trainer/statistics", "data/imaging"}),
    (r"boost/program_options", {"tools/hepar"}),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)


def read_rooms(path):
    rooms = {}
    for line in path.read_text().splitlines():
        if line.strip():
            folder, _, uses = line.partition(":")
            rooms[folder.strip()] = uses.split()
    return rooms


def find_cycle(graph):
    """A list of nodes that come back to the first one, or None."""
    done, stack = set(), []

    def visit(node):
        if node in stack:
            return stack[stack.index(node):] + [node]
        if node in done:
            return None
        stack.append(node)
        for after in sorted(graph.get(node, ())):
            cycle = visit(after)
            if cycle:
                return cycle
        stack.pop()
        done.add(node)
        return None

    for node in sorted(graph):
        cycle = visit(node)
        if cycle:
            return cycle
    return None


def reachable(folder, edges):
    seen, todo = set(), [folder]
    while todo:
        for after in edges.get(todo.pop(), ()):
            if after not in seen:
                seen.add(after)
                todo.append(after)
    return seen


def sources(root):
    for top in ("data", "sharding", "trainer"):
        for path in sorted((root / top).rglob("*")):
            if path.suffix in (".cpp", ".hpp", ".h", ".cu"):
                yield path


def check(root, rooms):
    """The violations, one line of text each."""
    wrong = []
    by_name = {folder.rsplit("/", 1)[1]: folder for folder in rooms}
    edges = {folder: {by_name[name] for name in uses if name in by_name} for folder, uses in rooms.items()}
    for folder, uses in rooms.items():
        wrong += [f"{folder}: the table names the unknown room '{name}'" for name in uses if name not in by_name]
    cycle = find_cycle(edges)
    if cycle:
        return wrong + ["the table of rooms has a cycle: " + " -> ".join(cycle)]
    build = root / "CMakeLists.txt"
    declared = set(re.findall(r"hepar_room\((\S+)", build.read_text())) if build.exists() else set(rooms)
    seen = {}
    for path in sources(root):
        folder = path.parent.relative_to(root).as_posix()
        where = path.relative_to(root).as_posix()
        if folder not in rooms:
            if folder not in declared:
                wrong.append(f"{where}: '{folder}' is no room of CMakeLists.txt")
            continue  # a room of the half that this build leaves out
        allowed = reachable(folder, edges) | {folder, "data/base"}
        text = path.read_text()
        for match in INCLUDE.finditer(text):
            name = match.group(2)
            line = text.count("\n", 0, match.start(2)) + 1
            if name.split("/")[0] in TOPS and "/" in name:
                target = name.rsplit("/", 1)[0]
                seen.setdefault(folder, set()).add(target)
                if target not in allowed:
                    wrong.append(f"{where}:{line}: '{folder}' may not use '{target}'")
                elif not (root / name).exists():
                    wrong.append(f"{where}:{line}: '{name}' does not exist")
                continue
            if match.group(1) == '"':
                wrong.append(f"{where}:{line}: '{name}' is not written from the repository root")
            wrong += [f"{where}:{line}: <{name}> belongs to {', '.join(sorted(owners))}"
                      for pattern, owners in LIBRARIES if re.match(pattern, name) and folder not in owners]
    cycle = find_cycle({folder: uses - {folder} for folder, uses in seen.items()})
    if cycle:
        wrong.append("the includes have a cycle: " + " -> ".join(cycle))
    return wrong


def self_test():
    """Plants one violation at a time in a clean scratch tree."""
    rooms = {"data/base": [], "data/cohort": ["base"], "sharding/mpi": [], "trainer/model": ["cohort"]}
    clean = {"data/base/a.hpp": "", "data/cohort/b.hpp": '#include "data/base/a.hpp"\n', "sharding/mpi/c.cpp": "#include <mpi.h>\n",
             "trainer/model/d.cpp": '#include "data/cohort/b.hpp"\n#include "data/base/a.hpp"\n#include <ATen/core/Tensor.h>\n'}
    planted = [
        ("may not use 'trainer/model'", "data/cohort/x.cpp", '#include "trainer/model/d.hpp"\n', rooms),
        ("may not use 'sharding/mpi'", "trainer/model/x.cpp", '#include "sharding/mpi/c.hpp"\n', rooms),
        ("may not use 'tools/hepar'", "data/base/x.cpp", '#include "tools/hepar/command.hpp"\n', rooms),
        ("<mpi.h> belongs to", "data/cohort/x.cpp", "#include <vector>\n#include <mpi.h>\n", rooms),
        ("<torch/torch.h> belongs to", "sharding/mpi/x.hpp", "#include <torch/torch.h>\n", rooms),
        ("<hdf5.h> belongs to", "trainer/model/x.hpp", "  #  include <hdf5.h>\n", rooms),
        ("is not written from the repository root", "data/cohort/x.cpp", '#include "b.hpp"\n', rooms),
        ("does not exist", "data/cohort/x.cpp", '#include "data/base/absent.hpp"\n', rooms),
        ("is no room", "data/hall/x.cpp", "", rooms),
        ("the table of rooms has a cycle", "data/cohort/x.cpp", "", {**rooms, "data/cohort": ["model"]}),
        ("unknown room 'attic'", "data/cohort/x.cpp", "", {**rooms, "data/cohort": ["attic"]}),
        ("the includes have a cycle", "data/base/x.hpp", '#include "data/cohort/b.hpp"\n', rooms),
    ]
    for expected, name, text, table in [(None, "data/base/a.hpp", "", rooms)] + planted:
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch)
            for path, body in {**clean, name: text}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(body)
            wrong = check(root, table)
            if expected is None:
                assert not wrong, f"the clean tree is refused: {wrong}"
            else:
                assert any(expected in line for line in wrong), f"planted '{expected}', seen: {wrong}"


def main():
    self_test()
    root, table = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    wrong = check(root, read_rooms(table))
    print("\n".join(wrong) or "every include follows the table")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
