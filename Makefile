# The two commands of the course are `make course` and `make test`. Both set everything up in .venv.
PYTHON ?= python3
PY := .venv/bin/python
READY := .venv/.ready

# Keeps CPython 3.12 and newer from warning at the start of each kernel that it cannot be debugged.
export PYDEVD_DISABLE_FILE_VALIDATION := 1
# Any request ends at a closed port of this machine: the tests prove that no notebook needs a network.
OFFLINE := http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 no_proxy=127.0.0.1,localhost
# On tensors as small as the tests', a second thread costs more than it gains.
SMALL := OMP_NUM_THREADS=1
# Tests run side by side, on all cores or on as many as JOBS says.
JOBS ?= auto
# What `make quick` leaves out: child processes, browsers, trained photographs.
SLOW := abuse display/test_browser.py performance/test_distributed.py performance/test_footprint.py \
	cli/test_odd.py cli/test_starts.py cli/test_wheel.py course/test_book.py course/test_colab.py \
	course/test_exercises.py course/test_grade.py course/test_handout.py course/test_notebooks.py \
	course/test_your_picture.py course/test_environment.py results/test_shipped.py \
	results/test_reproduce.py

.PHONY: help course handout pages your-picture student grade test quick lint unit nbval colab-test colab soak audit clean
.DEFAULT_GOAL := help

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' Makefile | expand -t 14

course: $(READY)  ## execute the notebooks from nothing and build the handout in build/handout
	@rm -rf build/course
	@$(MAKE) --no-print-directory handout

handout: $(READY)  ## the same, going on from the checkpoints of the last build
	@SRGAN_PROFILE="$${SRGAN_PROFILE:-cpu}" SRGAN_WORK="$(CURDIR)/build/course" \
		$(PY) -m srgan_lib.course.handout.build

pages: $(READY)  ## the pages and PDFs anew, from the notebooks that the last build executed
	@$(PY) -m srgan_lib.course.handout.build --executed

your-picture: $(READY)  ## only the page that enlarges the reader's own picture, in build/handout
	@$(PY) -m srgan_lib.course.your_picture.build

student: $(READY)  ## notebooks without solutions, in build/student; REPO=OWNER/REPO@BRANCH: for there
	@$(PY) -m srgan_lib.course.student_set $(if $(REPO),--repo "$(REPO)") $(if $(FORCE),--force)

grade: $(READY)  ## points for the notebooks in SUBMISSIONS=FOLDER, a table in build/grades.csv
	@$(if $(SUBMISSIONS),,echo "Name the students' folder: make grade SUBMISSIONS=FOLDER"; exit 2)
	@$(SMALL) $(PY) -m srgan_lib.course.grade "$(SUBMISSIONS)"

test: $(READY)  ## every check: lint, unit tests, nbval, and each notebook as in Colab
	@begun=$$(date +%s); took=; \
	for part in lint unit nbval colab-test; do \
		started=$$(date +%s); \
		$(MAKE) --no-print-directory --jobs=1 $$part || { \
			echo "make test: FAILED in $$part; the first error above is the one to mend."; exit 1; }; \
		took="$$took $$part $$(( $$(date +%s) - started )) s,"; \
	done; \
	echo "make test:$$took $$(( $$(date +%s) - begun )) s in all; everything passed."

quick: $(READY)  ## lint and the tests without child processes and browsers, while you work
	@$(MAKE) --no-print-directory lint
	@$(SMALL) $(PY) -m pytest -q -n $(JOBS) --dist loadfile $(SLOW:%=--ignore=tests/%)

lint: $(READY)  ## ruff over the code, the spelling, and the shape of the notebooks
	@$(PY) -m ruff check .
	@$(PY) -m codespell_lib *.md *.cff Makefile data/*/*.md docs notebooks srgan_lib tests
	@$(PY) -m srgan_lib.course.notebooks --check
	@$(PY) -m check_jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml

unit: $(READY)  ## the unit tests in random order; SEED=N repeats one
	@seed=$(or $(SEED),$$(date +%s)); echo "make unit SEED=$$seed has this order."; \
	$(SMALL) $(PY) -m pytest -q -n $(JOBS) --dist loadfile --randomly-seed=$$seed

nbval: $(READY)  ## every cell of every notebook, in seconds and without a network
	@rm -rf build/nbval
	@$(OFFLINE) $(SMALL) SRGAN_PROFILE=smoke SRGAN_WORK="$(CURDIR)/build/nbval" \
		$(PY) -m pytest -q -p no:randomly --nbval-lax --nbval-current-env --nbval-cell-timeout=300 \
		-n $(JOBS) --dist loadfile notebooks

colab-test: $(READY)  ## each notebook alone in an empty folder, under Colab's recorded versions
	@$(SMALL) $(PY) tests/course/colab_run.py

colab: $(READY)  ## Colab's newest versions beside ours, and the notebooks under them; WRITE=1 records
	@$(SMALL) $(PY) tests/course/colab.py $(if $(WRITE),--write)

soak: $(READY)  ## the long tests: kills, hostile files, memory over 10,000 steps; half an hour
	@$(SMALL) $(PY) tests/abuse/soak.py

audit: $(READY)  ## known vulnerabilities of the installed packages; needs a network
	@$(PY) -m pip_audit --skip-editable --progress-spinner off

clean:  ## delete build/; checkpoints in work/ and downloads stay
	rm -rf build

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; name one: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv .venv
	@echo "Installing into .venv; PyTorch is large, the first time takes some minutes."
	@$(PY) -m pip install --disable-pip-version-check -r requirements.txt -e ".[dev]"
	@touch $(READY)
