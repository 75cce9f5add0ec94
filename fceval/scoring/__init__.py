"""Stage 4, judge: an answer against what its case expects.

`align` pairs expected with predicted calls, `arguments` compares one pair, `facts` writes down what was found as
rows, `verdict` ranks the outcomes. Comparing is Python's job and yields facts; judgement is one polars chain.
"""
