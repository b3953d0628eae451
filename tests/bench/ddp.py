# SPDX-License-Identifier: Apache-2.0
"""PyTorch's DistributedDataParallel with gloo takes the same training steps as `hepar bench step`: one rank of it.

ddp.py TWIN_FOLDER RANK RANKS PORT SETTINGS   (SETTINGS: JSON, {"bucket_mb", "view", "micro", "foreach"})

Reads what `hepar bench step --twin FOLDER` wrote: model sizes, weights, the inputs of all patients, the terms of their likelihood.
The network is written with PyTorch's batched operations, which equal bags allow. Rank 0 reads a line before each round, takes
`steps` steps and prints a line of JSON with their seconds and losses; "end" ends it.
"""
import json
import math
import os
import pathlib
import sys
import time

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn


def read_arrays(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    return {name: torch.from_numpy(np.frombuffer(data, "<f4", offset=8 + length + entry["data_offsets"][0], count=math.prod(entry["shape"])).copy()).view(entry["shape"])
            for name, entry in header.items()}


class Twin(nn.Module):
    """trainer/model, without its random masks: parameters keep their names, dots as double underscores."""

    def __init__(self, description, arrays):
        super().__init__()
        self.config, self.inputs, self.heads = description["config"], description["inputs"], description["heads"]
        for name, value in arrays.items():
            if name.startswith("param/"):
                self.register_parameter(name[6:].replace(".", "__"), nn.Parameter(value.clone()))
        self.embedding = int(self.config["model.embedding"])
        for kind in {one["kind"] for one in self.inputs}:
            assert kind in ("vector", "bag", "volume", "sequence"), kind

    def p(self, name):
        return getattr(self, name.replace(".", "__"))

    def linear(self, name, x):
        return F.linear(x, self.p(name + ".weight"), self.p(name + ".bias"))

    def norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.p(name + ".weight"), self.p(name + ".bias"), 1e-5)

    @staticmethod
    def pool(values, scores):
        """[P, N, D], [P, N, K] -> softmax-weighted sums, mean, maximum."""
        weight = torch.softmax(scores, 1)
        attended = torch.bmm(weight.transpose(1, 2), values).flatten(1)
        return torch.cat([attended, values.mean(1), values.amax(1)], 1)

    def vector(self, name, batch):
        hidden = F.gelu(self.linear(name + ".first", batch["values"]))
        return self.linear(name + ".second", hidden), 4 * batch["values"]

    def bag(self, name, batch):
        tiles = F.relu(self.linear(name + ".project", batch["values"]))
        gate = self.linear(name + ".gate", tiles)
        half = gate.shape[-1] // 2
        gated = torch.tanh(gate[..., :half]) * torch.sigmoid(gate[..., half:])
        pooled = self.norm(name + ".norm", self.pool(tiles, self.linear(name + ".score", gated)))
        return self.linear(name + ".out", pooled), 0.5 * (batch["values"].mean(1) * batch["inverse_spread"])

    def volume(self, name, batch):
        def convolution(part, x):
            weight = self.p(f"{name}.{part}.weight")
            return F.conv3d(x, weight, self.p(f"{name}.{part}.bias"), 2, weight.shape[2] // 2)

        def block(part, x):
            normed = F.group_norm(x, max(1, x.shape[1] // 4), self.p(f"{name}.{part}.norm.weight"), self.p(f"{name}.{part}.norm.bias"), 1e-5)
            return convolution(part + ".branch", F.relu(normed)) + convolution(part + ".path", x)

        maps = F.relu(block("block2", block("block1", convolution("stem", batch["values"])))).flatten(2)
        features = torch.cat([maps.mean(2), maps.amax(2), batch["statistics"]], 1)
        return self.linear(name + ".out", self.norm(name + ".norm", features)), 2 * batch["statistics"]

    def sequence(self, name, batch):
        tokens = batch["values"]
        patients, length = tokens.shape
        places = torch.arange(length).clamp(max=int(self.config["model.sequence.positions"]) - 1)
        x = F.embedding(tokens, self.p(name + ".tokens")) + F.embedding(places, self.p(name + ".positions"))
        width, heads = x.shape[-1], int(self.config["model.sequence.heads"])
        padded = F.pad(x, (0, 0, 1, 1))
        x = x + F.gelu(self.linear(name + ".phrase", torch.cat([padded[:, :-2], x, padded[:, 2:]], 2)))
        for layer in range(1, int(self.config["model.sequence.layers"]) + 1):
            at = f"{name}.layer{layer}"
            q, k, v = (part.view(patients, length, heads, width // heads).transpose(1, 2) for part in self.linear(at + ".qkv", self.norm(at + ".norm1", x)).split(width, 2))
            weight = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(width // heads), 3)
            x = x + self.linear(at + ".merge", (weight @ v).transpose(1, 2).reshape(patients, length, width))
            x = x + self.linear(at + ".back", F.gelu(self.linear(at + ".hidden", self.norm(at + ".norm2", x))))
        x = self.norm(name + ".last", x)
        return self.linear(name + ".out", self.norm(name + ".norm", self.pool(x, self.linear(name + ".score", x)))), None

    def head(self, head, x, direct):
        name, arms, causes, intervals = "head." + head["name"], head["arms"], head["causes"], head["intervals"]
        t = torch.linspace(-1, 1, intervals) if intervals > 1 else torch.zeros(1)
        basis = torch.stack([torch.ones(intervals), t, 1.5 * t * t - 0.5], 1)
        risk = (self.linear(name + ".risk", x) + F.linear(direct, self.p(name + ".direct"))).view(-1, 1, 3, causes)
        baseline = self.p(name + ".baseline") * 10
        if arms == 1:
            return basis @ risk + baseline
        effect = self.p(name + ".effect") * 3
        own = F.linear(x, self.p(name + ".interaction")).view(-1, arms - 1, 1, causes)
        own = torch.cat([torch.zeros(x.shape[0], 1, 1, causes), own], 1)
        return basis @ (risk + torch.cat([torch.zeros(1, 3, causes), effect])) + baseline + own

    def penalty(self):
        total = torch.zeros(())
        for head in self.heads:
            if head["arms"] > 1:
                effect, interaction = self.p(f"head.{head['name']}.effect") * 3, self.p(f"head.{head['name']}.interaction")
                total = total + (effect ** 2).sum() * float(self.config["model.heads.arm_shrinkage"]) + (interaction ** 2).sum() * float(self.config["model.heads.interaction_shrinkage"])
        return total

    def forward(self, batch, share):
        """The share of these patients in the step's loss; `share`: their number over the step's."""
        seen, direct = [], []
        for one in self.inputs:
            rows, terms = getattr(self, one["kind"])("encoder." + one["name"], batch[one["name"]])
            seen.append(rows)
            if terms is not None:
                direct.append(terms)
            # In use even where everybody has the input: DDP waits for every parameter.
            seen[-1] = seen[-1] + 0 * self.p(f"encoder.{one['name']}.absent")
        patients = seen[0].shape[0]
        x = F.gelu(self.linear("fusion.enter", torch.cat(seen + [torch.ones(patients, len(self.inputs))], 1)))
        for block in range(1, int(self.config["model.fusion.depth"]) + 1):
            at = f"fusion.block{block}"
            x = x + self.linear(at + ".back", F.gelu(self.linear(at + ".hidden", self.norm(at + ".norm", x))))
        x = self.norm("fusion.leave", x)
        direct = torch.cat(direct, 1)
        loss = share["penalty"] * self.penalty()
        for head in self.heads:
            loss = loss + share["mean"] * self.negative_log_likelihood(head, self.head(head, x, direct), batch["terms"][head["name"]])
        return loss

    @staticmethod
    def negative_log_likelihood(head, z, terms):
        first = 2 if head["causes"] == 3 else 1
        total = z.new_zeros(())
        rows = z[terms["patient"], terms["arm"], terms["interval"]]
        for process, part in ((0, slice(0, first)), (1, slice(first, None))):
            chosen = terms["process"] == process
            if chosen.any():
                own = rows[chosen][:, part]
                total = total + (terms["share"][chosen] * torch.logsumexp(torch.cat([own.new_zeros(own.shape[0], 1), own], 1), 1)).sum()
                event = terms["cause"][chosen] > 0
                if event.any():
                    total = total - own[event].gather(1, (terms["cause"][chosen][event] - 1).unsqueeze(1)).sum()
        return total


def batch_of(description, arrays, patients):
    """The inputs of these patients; bags and reports are of one length each."""
    everyone, batch = description["patients"], {"terms": {}}
    index = torch.as_tensor(patients)
    for one in description["inputs"]:
        values = arrays[f"input/{one['name']}/values"]
        own = {}
        if one["kind"] in ("bag", "sequence"):
            values = values.view(everyone, -1, *values.shape[1:])
        own["values"] = values[index].contiguous()
        if one["kind"] == "sequence":
            own["values"] = own["values"].long()
        if one["kind"] == "bag":
            own["inverse_spread"] = 1 / arrays[f"input/{one['name']}/spread"].clamp(min=0.02)
        if one["kind"] == "volume":
            own["statistics"] = arrays[f"input/{one['name']}/statistics"][index].contiguous()
        batch[one["name"]] = own
    place = {p: i for i, p in enumerate(patients)}
    for head in description["heads"]:
        rows = [row for row in arrays["terms/" + head["name"]].tolist() if int(row[0]) in place]
        columns = list(zip(*rows))
        batch["terms"][head["name"]] = {"patient": torch.tensor([place[int(p)] for p in columns[0]]), "share": torch.tensor(columns[5]),
                                        **{name: torch.tensor([int(v) for v in columns[i]]) for i, name in ((1, "arm"), (2, "interval"), (3, "process"), (4, "cause"))}}
    return batch


def main():
    folder, rank, ranks, port, settings = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], json.loads(sys.argv[5])
    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
    dist.init_process_group("gloo", rank=rank, world_size=ranks)
    description, arrays = json.loads((folder / "twin.json").read_text()), read_arrays(folder / "twin.safetensors")
    config, everyone = description["config"], description["patients"]
    model = Twin(description, arrays)
    mine = list(range(rank, everyone, ranks))
    size = settings["micro"] or len(mine)
    parts = [mine[i:i + size] for i in range(0, len(mine), size)]
    batches = [batch_of(description, arrays, part) for part in parts]
    # DDP takes the mean over ranks, the loss is a sum over them.
    shares = [{"mean": ranks / everyone, "penalty": ranks * len(part) / everyone} for part in parts]
    wrapped = nn.parallel.DistributedDataParallel(model, bucket_cap_mb=settings["bucket_mb"], gradient_as_bucket_view=settings["view"])
    decayed = {name.replace(".", "__") for name in description["decayed"]}
    rate = float(config["train.learning_rate"])
    groups = [{"params": [p for n, p in model.named_parameters() if (n in decayed) == decay], "weight_decay": float(config["train.weight_decay"]) if decay else 0.0} for decay in (True, False)]
    optimizer = torch.optim.AdamW(groups, lr=rate, foreach=settings["foreach"])
    clip = float(config["train.clip_norm"])

    def step():
        optimizer.zero_grad(set_to_none=not settings["view"])
        loss = 0.0
        for i, (batch, share) in enumerate(zip(batches, shares)):
            if i + 1 < len(batches):
                with wrapped.no_sync():
                    part = wrapped(batch, share)
                    part.backward()
            else:
                part = wrapped(batch, share)
                part.backward()
            loss += part.item() / ranks
        if clip > 0:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        return loss

    total = torch.zeros(1)
    order = torch.zeros(1, dtype=torch.int64)
    while True:
        if rank == 0:
            line = sys.stdin.readline().strip()
            order[0] = 0 if line in ("", "end") else int(line)
        dist.broadcast(order, 0)
        if order.item() == 0:
            break
        seconds, losses = [], []
        for _ in range(order.item()):
            dist.barrier()
            start = time.perf_counter()
            total[0] = step()
            took = torch.tensor([time.perf_counter() - start])
            dist.all_reduce(total)
            dist.all_reduce(took, op=dist.ReduceOp.MAX)
            seconds.append(took.item())
            losses.append(total.item())
        if rank == 0:
            print(json.dumps({"seconds": seconds, "losses": losses}), flush=True)


if __name__ == "__main__":
    main()
