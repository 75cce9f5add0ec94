"""Tell: tables to one neutral `Report`, which the exporters write in their formats. Pure.

`document` is the neutral report; `summary` makes it of one run, with its tables from `sections`, its cases from
`examples` and the list of all of them from `case_list`; `totals` is `summary.json`; `exporters` holds a file per
format, `terminal` the short one for stdout. What is worth a picture says `run_charts` (of a comparison and a history:
their own modules), what is where in it `plots`, and `charts` draws it.
"""
