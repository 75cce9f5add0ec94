"""Tell: tables to one neutral `Report`, which the exporters write in their formats. Pure.

`document` is the neutral report; `summary` makes it of one run, with its tables from `sections` and its cases from
`examples`; `totals` is `summary.json`; `exporters` holds a file per format, `terminal` the short one for stdout.
"""
