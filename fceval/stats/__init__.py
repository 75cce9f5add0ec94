"""Count: scores and facts to metrics with intervals. Pure.

`metrics` holds the table of metrics and `measure`; `aggregate` is how a metric becomes numbers per group, and `batches`
how it reads tables of any length; `repeats` has what only several trials can tell; `intervals` the confidence
intervals; `compare` puts two runs side by side, `paired` and `resampling` say how sure a difference is, `gate` whether
a run may pass, and `history` when a metric became another.
"""
