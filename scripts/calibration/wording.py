"""What the page says around its numbers."""

from typing import Final

TEXT: Final = """\
# Calibration

How often every decision rule errs, how often it sees what is there, and how often every interval covers. Written by
`make calibrate` (`python -m scripts.calibration`), which goes on where it broke off; no number here is written by hand.
(b) How well localizers find planted neurons is on [a page of its own](calibration/localizers.md).

## What is simulated

Populations whose truth is known, behind the controls: relations are drawn at random, and facts within them. Every
interval takes {bootstrap} bootstrap draws here; claims take 10,000.

- *shares*: a relation's share of K_II is drawn from a beta distribution with the mean and the intraclass correlation of
  the row; CS2 is even from 0 to 0.1 in K_II facts and a heap between 0.12 and 0.89 in the others, in hundredths.
- *agreement*: three localizers call facts K_II; relations differ in their share (beta 2, 2) and in how many calls
  are wrong (standard deviation 0.05).
- *trend*: three models of 0.12, 0.7 and 8 billion parameters; shares of relations start between 0.3 and 0.6 and their
  slopes differ by a standard deviation of 0.08.
- *curve*, *conjunction*, *replication*: shares as above, with what their rows say.
- *localizations*: sets of neurons, of which each fact keeps a part over its queries
  (`scripts/calibration/populations.py`); 8 queries a fact, or 4 and relations of unequal sizes from 24 relations on.
- *effects*, *selection*, *edits*: changes of log p by interventions on neurons and synapses, and scores of edits, with
  what their rows say; half of the facts are K_II.

Draws are numbered, and a draw depends on its case and number alone. Monte-Carlo errors are one standard error, in
percentage points:

{draws}

## Verdicts

A rule is rejected only if the 99 % lower bound of its error exceeds 5 % (24 relations or more) or 7 % (fewer), or the
99 % upper bound of its power lies below 90 % where power is asked for: with 24 relations or more of 30 facts (of 700 in
replication), in one world a rule. An interval fails where, with 8 relations or more, the 99 % upper bound of its
coverage lies below 92 %; it is called cautious where the lower bound lies above 98 %. *Decides*: a verdict rests on it;
the others stand in a record beside one that does. An interval under Otsu's cut is counted where a claim would let it
decide. Where that is fewer than a fifth of the populations, the gate has picked them for being unusual, such as for
having more of a rare kind than there is, and no interval knows of that; there it is judged as a verdict is: it fails if
it is made and misses in more of all populations than a rule may err. *Fallback*: how often an interval had to be the
exact binomial one, or the whole range, because relations agree. Errors and coverage in per cent, 99 % bounds in
brackets.

{rules}

{intervals}

A cautious interval is no failure, but it costs power. Clopper-Pearson's is cautious by construction; bootstrap-t where
nearly all facts of nearly all relations are of one class, because draws that miss the other relations have a small
standard error and t grows long tails, or the exact interval takes its place.

## Failures explained

{failures}

## Power against relations and facts

How often a rule says what is true, in per cent. The curves are of the world in which power is asked for, or else of the
first in its table.

![Power of each rule against the number of relations]({curves}/power.svg)

{power}

## Errors

How often a rule says what is not true, in per cent; bold where that rejects it.

{errors}

## Coverage

How often a 95 % interval covers, in per cent; bold where the interval fails by the criterion, with 4 relations too,
which carry no verdict; in parentheses, and not in the curves, where it is made in fewer than a fifth of them. Every
line is a world and a number of facts; what lies below 70 % is cut off.

![Coverage of each interval against the number of relations]({curves}/coverage.svg)

{coverage}
"""
