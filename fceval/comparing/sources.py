"""What a comparison is made of: scored runs, their variants, and baseline files, opened by reference."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fceval import runs
from fceval.comparing.baseline import is_baseline, read_baseline
from fceval.comparing.provenance import Provenance, provenance_of
from fceval.errors import ConfigError, did_you_mean
from fceval.runs import Run
from fceval.stats.compare import Side
from fceval.tables import ARGUMENTS, CALLS, frame, read_table


@dataclass(frozen=True, slots=True)
class Source:
    """A scored run or a baseline."""

    reference: str
    """As it was given."""
    provenance: Provenance
    variants: Mapping[str, Side]
    """Those that may be compared, in their order."""
    picked: bool
    """Whether one of its variants was asked for by name."""
    run: Run | None
    """None for a baseline."""

    def label(self, variant: str) -> str:
        """Return what a variant is called in a report: by its run alone, where that says enough."""
        return self.provenance.name if len(self.provenance.models) == 1 else f"{self.provenance.name}#{variant}"


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two variants to compare."""

    base: Source
    base_variant: str
    new: Source
    new_variant: str

    @property
    def sides(self) -> tuple[Side, Side]:
        """What is compared with, and what is compared."""
        return self.base.variants[self.base_variant], self.new.variants[self.new_variant]

    @property
    def labels(self) -> tuple[str, str]:
        """What they are called, told apart where two folders have one name."""
        labels = self.base.label(self.base_variant), self.new.label(self.new_variant)
        if labels[0] != labels[1] or self.base.reference == self.new.reference:
            return labels
        return self.base.reference, self.new.reference


def open_source(reference: str) -> Source:
    """Return what a reference names: a run's folder, `latest`, a baseline file; each may end in `#VARIANT`.

    Raises:
        ConfigError: There is no such run or variant, or the run is not scored.
        LocalError: A file of it cannot be used.
    """
    path, variant = _split(reference)
    if is_baseline(path):
        kept = read_baseline(path)
        return _picked(Source(reference, kept.provenance, kept.sides(), picked=False, run=None), variant)
    run = runs.open_run(path)
    return _picked(Source(reference, provenance_of(run), _sides(run), picked=False, run=run), variant)


def source_of(run: Run) -> Source:
    """Return a scored run as what a comparison takes."""
    return Source(str(run.folder), provenance_of(run), _sides(run), picked=False, run=run)


def tables_of(run: Run, *names: str) -> list[pl.LazyFrame]:
    """Return tables of a scored run.

    Raises:
        ConfigError: It is not scored.
    """
    paths = [run.folder / f"{name}.parquet" for name in names]
    if not all(path.exists() for path in paths):
        folder = shlex.quote(str(run.folder))
        msg = f"{folder}: is not scored yet: go on with it (fceval run --resume {folder}), or: fceval score {folder}"
        raise ConfigError(msg)
    return [read_table(path) for path in paths]


def _split(reference: str) -> tuple[Path, str | None]:
    path, mark, variant = reference.rpartition("#")
    if not mark or not path or Path(reference).exists():
        return Path(reference), None
    return Path(path), variant


def _sides(run: Run) -> dict[str, Side]:
    scores, calls, arguments = tables_of(run, "scores", "calls", "arguments")
    return {
        variant.name: Side(*(table.filter(pl.col("variant") == variant.name) for table in (scores, calls, arguments)))
        for variant in run.config.variants
    }


def _picked(source: Source, variant: str | None) -> Source:
    if variant is None:
        return source
    if variant not in source.variants:
        known = ", ".join(source.variants)
        msg = f"{source.reference}: no variant `{variant}`{did_you_mean(variant, source.variants)}; there are: {known}"
        raise ConfigError(msg)
    only = {variant: source.variants[variant]}
    return Source(source.reference, source.provenance, only, picked=True, run=source.run)


def pairings(base: Source, news: Sequence[Source]) -> list[Pairing]:
    """Return which variants are compared: those of one name, or all with the only one there is.

    Args:
        base: What is compared with.
        news: What is compared; none: the other variants of `base` with its first.

    Raises:
        ConfigError: It is not clear what is to be compared.
    """
    if not news:
        first, *others = base.variants
        if not others:
            msg = f"{base.reference}: has one variant: name a second run, fceval compare BASE NEW"
            raise ConfigError(msg)
        return [Pairing(base, first, base, variant) for variant in others]
    return [pair for new in news for pair in _matched(base, new)]


def _matched(base: Source, new: Source) -> list[Pairing]:
    common = [name for name in new.variants if name in base.variants]
    if len(base.variants) == 1 and (base.picked or not common or len(new.variants) == 1):
        (only,) = base.variants
        return [Pairing(base, only, new, variant) for variant in new.variants]
    if common:
        return [Pairing(base, name, new, name) for name in common]
    names = [" and ".join(each.variants) for each in (base, new)]
    msg = (
        f"{base.reference} has the variants {names[0]}, {new.reference} has {names[1]}: none in common; "
        f"pick one of the former: {base.reference}#{next(iter(base.variants))}"
    )
    raise ConfigError(msg)


def unmatched(base: Source, news: Sequence[Source], compared: Sequence[Pairing]) -> Iterator[str]:
    """Yield what of the sources takes part in no comparison, for a warning."""
    taken = {(id(side), name) for pair in compared for side, name in _ends(pair)}
    for source in (base, *news):
        left = [name for name in source.variants if (id(source), name) not in taken]
        if left:
            verb = "is" if len(left) == 1 else "are"
            yield f"{source.reference}: {', '.join(left)} {verb} in this run only and not compared"


def _ends(pair: Pairing) -> tuple[tuple[Source, str], tuple[Source, str]]:
    return (pair.base, pair.base_variant), (pair.new, pair.new_variant)


def no_facts() -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return tables of calls and of arguments without a row."""
    return frame([], CALLS).lazy(), frame([], ARGUMENTS).lazy()
