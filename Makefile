# Every target runs in the environment that is active. `make setup` brings what `make check` needs.
.PHONY: setup run test test-slow check format bench calibrate

setup:
	python -m pip install -c constraints.txt -e ".[dev]"

run:
	pytest kntests -n auto

test:
	pytest -n auto

# The tests too that take long, or start whole sessions.
test-slow:
	KNTESTS_SLOW=1 pytest -n auto

check:
	ruff check .
	ruff format --check .
	pyright
	pytest -qq --collect-only benchmarks -p no:cacheprovider
	lint-imports

format:
	ruff check --fix .
	ruff format .

# By hand: minutes, and the machine should have nothing else to do.
bench:
	OMP_NUM_THREADS=2 pytest benchmarks -p no:cacheprovider --benchmark-columns=min,mean,rounds

# By hand: hours; goes on where it broke off. DRAWS=200 is a first look.
DRAWS ?= 2000
calibrate:
	OMP_NUM_THREADS=1 python -m scripts.calibration --draws $(DRAWS)
	python scripts/calibrate_localizers.py
