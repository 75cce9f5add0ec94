"""`fceval baseline set`: keep what of a run a later one is held against."""

from __future__ import annotations

from pathlib import Path

from fceval import runs
from fceval.comparing.baseline import baseline_of, baseline_text
from fceval.comparing.sources import open_source
from fceval.errors import ConfigError


def keep_baseline(reference: str, path: Path) -> int:
    """Write the baseline of a scored run and return the number of its cases.

    Args:
        reference: As `fceval.comparing.sources.open_source` takes it; a variant may be picked.
        path: The file; one that is there is replaced.

    Raises:
        ConfigError: The run is not there, is not scored or is a baseline itself, or nothing of it was measured.
        LocalError: The file cannot be written.
    """
    source = open_source(reference)
    if source.run is None:
        msg = f"{reference}: is a baseline already: name a run's folder"
        raise ConfigError(msg)
    baseline = baseline_of(source.provenance, source.variants)
    if all(accuracy is None for accuracy in baseline.accuracy.values()):
        msg = f"{reference}: nothing of it was measured: there is nothing to be held against"
        raise ConfigError(msg)
    runs.write_file(path, baseline_text(baseline).encode())
    return len(baseline.cases)
