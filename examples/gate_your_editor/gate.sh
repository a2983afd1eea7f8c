#!/bin/sh
# Edits facts with the editor as it lies here and saves the run; every argument goes to pytest.
#   sh gate.sh --save base
#   sh gate.sh --save head --compare base --compare-fail "gen:-0.05@p<0.05"
# KNTESTS is a clone of kntests, MODEL what to edit.
set -eu
exec python -m pytest "${KNTESTS:-../kntests}/kntests" -m modification -p no:cacheprovider \
    --editor damped_neurons:DampedNeurons --model "${MODEL:-planted-gpt2}" --store .kntests "$@"
