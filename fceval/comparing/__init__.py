"""Runs beside runs: compared case by case, held to a gate, kept as a baseline, followed over time.

`sources` opens what is named (a run folder, one of its variants, a baseline file), `comparison`, `gating` and
`history` make of it what the commands of these names tell. What is counted is in `fceval.stats`, how it is told in
`fceval.report`.
"""
