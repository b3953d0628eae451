# SPDX-License-Identifier: Apache-2.0
"""Compares what `hepar inspect --json` says of stored files with what it said when they were written."""


def differences(before, now, path=""):
    """What was said before and is not said so now; whatever is said beside it is new and welcome."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [line for key, value in before.items() for line in differences(value, now.get(key), f"{path}.{key}")]
    return [] if before == now else [f"{path[1:]}: {now!r}, was {before!r}"]
