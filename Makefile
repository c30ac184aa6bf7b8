# Everything a developer or a newcomer runs. `make` alone says what there is.

SHELL := /bin/bash
SPEED ?= 30
RUN := .venv/bin/python
QUICK := not slow and not hardware
ROOMS := coach firmware display sync server
export PYGAME_HIDE_SUPPORT_PROMPT := 1

.DEFAULT_GOAL := help
.PHONY: bench-web bench-whole campaign-power help demo set-up test test-all coverage lint format bench bench-delivery campaign-delivery lock voices screens
.PHONY: server-archive test-server-install test-containers
.PHONY: release wheel clean texts sbom audit screens-web install uninstall test-install test-any-hour test-vm test-pi

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a whole session and its way to a server, 30 times as fast (SPEED=1: real time); then a filled clinic's pages
	@scripts/set-up.sh demo
	@nice .venv/bin/interval-coach-server demo --past-only demo-output/past & past=$$!; \
		.venv/bin/interval-coach demo --speed $(SPEED) && wait $$past && .venv/bin/interval-coach-server demo --past demo-output/past

set-up: ## system packages, .venv and all locked packages; the other targets do this themselves
	@scripts/set-up.sh dev

# Tests draw and play into memory, also where there is a screen and a loudspeaker.
test test-all test-any-hour coverage: export SDL_VIDEODRIVER := dummy
test test-all test-any-hour coverage: export SDL_AUDIODRIVER := dummy

# tests.support of this checkout, not the folder of that name that a dependency installs.
bench bench-whole bench-guidance bench-delivery bench-web: export PYTHONPATH := $(CURDIR)

test: set-up ## the test suite; ARGS="-k journal" to choose
	@$(RUN) -m pytest -n 2 --dist loadgroup -m "$(QUICK)" $(ARGS)

test-all: set-up ## the test suite with the long campaigns
	@$(RUN) -m pytest -m "not hardware" --timeout 0 $(ARGS)

coverage: set-up ## branch coverage of the session engine; fails under 100 %, as a test of the suite does too
	@$(RUN) -m pytest -m "$(QUICK)" tests/coach --cov --cov-config=tests/coach/coverage.toml $(ARGS)

lint: set-up ## ruff, mypy, the import law, spelling, shell scripts
	@scripts/lint.sh

format: set-up ## lets ruff format and mend what it can
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix-only .

# Guidance, delivery and the region have long benchmarks: `make bench` shows their figures from a smaller run, which says so itself.
bench: set-up ## every figure, with its target beside it, in some twenty minutes
	@failed=0; for file in benchmarks/bench_*.py; do \
		case $$file in */bench_guidance.py | */bench_delivery.py | */bench_web_region.py) short=--quick ;; *) short= ;; esac; \
		echo "--- $$file $$short"; $(RUN) "$$file" $$short || failed=1; \
	done; exit $$failed

bench-whole: set-up ## cues and services measured over whole sessions in real time; takes hours
	@failed=0; for name in cues services; do $(RUN) "benchmarks/bench_$$name.py" --full || failed=1; done; exit $$failed

campaign-power: set-up ## the long faults of the diary: 500 power cuts, 500 kills, 200 damaged files (needs strace)
	@$(RUN) -m pytest --timeout 0 -m "slow and not hardware" tests/faults/test_journal_faults.py $(ARGS)

.PHONY: campaign-clock
campaign-clock: set-up ## wrong refusals by a clock that is not set, in 1,000 weeks without a network; about a minute
	@$(RUN) -m benchmarks.campaign_clock $(ARGS)

bench-guidance: set-up ## the guidance against four others on 1,000 simulated people; some fifteen minutes
	@$(RUN) benchmarks/bench_guidance.py
	@$(RUN) benchmarks/bench_groups.py

.PHONY: test-screens
test-screens: set-up ## every face of 200 random sessions: sizes, contrast, other eyes, overlap, contradictions; half an hour
	@$(RUN) -m pytest --timeout 0 -n auto tests/display/test_random_sessions.py $(ARGS)

.PHONY: mutate
mutate: set-up ## mistakes put into the coach's guards, one by one: does a test fail? hours. ARGS="limits --sample 40 --seed 1"
	@nice $(RUN) -m scripts.mutate $(ARGS)

.PHONY: campaign-guidance campaign-restraints
campaign-guidance: set-up ## 100,000 random sessions of the guidance that learns; hours. ARGS="--minutes 10" for some of them
	@$(RUN) -m benchmarks.campaign_guidance $(ARGS)

campaign-restraints: set-up ## urging and intervals where they are forbidden, in 10,000 sessions with faults; hours. ARGS="--minutes 10 --count FILE" to go on later
	@$(RUN) -m benchmarks.campaign_restraints $(ARGS)

bench-delivery: set-up ## the figures of delivery, beside a naive way; some minutes, with broker and PostgreSQL
	@failed=0; for file in benchmarks/bench_delivery*.py; do $(RUN) "$$file" || failed=1; done; exit $$failed

bench-web: set-up ## the figures of the web pages; some minutes, with broker, PostgreSQL and chromium
	@failed=0; for file in benchmarks/bench_web*.py; do $(RUN) "$$file" || failed=1; done; exit $$failed

.PHONY: attack
attack: set-up ## the attacks of the security review against a started clinic, each with its figure; ARGS="--quick" for smaller ones
	@$(RUN) -m benchmarks.campaign_attack $(ARGS)

campaign-delivery: set-up ## the long faults of delivery: network, broker, server, identity (needs root for some)
	@$(RUN) -m pytest --timeout 0 -m "slow and not hardware" tests/faults -k "delivery or collector" $(ARGS)

install: ## makes this computer a machine beside a treadmill: sudo make install (docs/installation.md)
	@systemd/install.sh

uninstall: ## takes the machine away again, and leaves diary and settings: sudo make uninstall
	@systemd/install.sh uninstall

test-install: ## README's commands in a bare Debian; a machine installed, booted, upgraded; an image; as root; SUITE=trixie
	@scripts/packages.sh mmdebstrap systemd-container util-linux procps dosfstools mtools fdisk e2fsprogs || true
	@for one in checkout install image; do scripts/test-$$one.sh $(SUITE) || { status=$$?; [ $$status -eq 77 ] || exit $$status; }; done

test-any-hour: set-up ## what depends on the date, with the clock of all programs set to 15 moments, in UTC and in Oslo; hours
	@scripts/packages.sh faketime || true
	@$(RUN) -m scripts.any_hour $(ARGS)

test-vm: set-up ## boots a machine under qemu: real systemd, bluetoothd, pins, display, power cuts (docs/virtual-machine.md)
	@[ "$$(uname -m)" != x86_64 ] || scripts/packages.sh mmdebstrap e2fsprogs qemu-system-x86 || true
	@INTERVAL_COACH_VM_TESTS=yes $(RUN) -m pytest --timeout 0 -s tests/vm $(ARGS)

test-pi: set-up ## boots the SD card on an emulated Raspberry Pi 3B: its drivers, a session by keypad, power cuts (docs/raspberry-emulation.md)
	@scripts/packages.sh mmdebstrap e2fsprogs fdisk mount device-tree-compiler cpio kmod qemu-system-arm || true
	@[ "$$(uname -m)" = aarch64 ] || scripts/packages.sh qemu-user-static binfmt-support || true
	@INTERVAL_COACH_PI_TESTS=yes $(RUN) -m pytest --timeout 0 -s tests/raspberry_pi $(ARGS)

lock: set-up ## locks the dependencies anew; UPGRADE=--upgrade takes the newest releases
	@scripts/lock.sh $(UPGRADE)

voices: set-up ## synthesises the default voice pack again
	@$(RUN) -m display.sound.voice_command build display/voices

texts: set-up ## adds the web pages' new texts to their catalogues, and says which have no bokmål yet
	@$(RUN) -m scripts.catalogues --update

sbom: set-up ## lists every part of the product as CycloneDX, into dist/sbom/
	@$(RUN) -m scripts.parts sbom

audit: set-up ## asks the public advisory service about known faults of the locked packages
	@$(RUN) -m scripts.parts audit

screens: set-up ## draws the pictures of docs/screens/ again, of the screen and of the small screen
	@$(RUN) scripts/draw_screens.py

screens-web: set-up ## draws the pictures of docs/screens/web/ again: each web page, in both languages, on tablet and phone
	@$(RUN) scripts/draw_pages.py

release: set-up ## builds, signs and tags the commit that is checked out: KEY=file [IMAGE=file] [ARCHIVE=yes] (docs/release.md)
	@[ -n "$(KEY)" ] || { echo "Name the key that signs: make release KEY=~/.ssh/interval-coach-release" >&2; exit 2; }
	@$(RUN) -m scripts.release --key "$(KEY)" $(if $(IMAGE),--image "$(IMAGE)") $(if $(ARCHIVE),--server-archive)

wheel: set-up ## the installable package, into dist/
	@$(RUN) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

server-archive: wheel ## the server's self-contained archive, with its checksum, into dist/
	@$(RUN) scripts/server_archive.py --wheel "$$(ls -t dist/interval_coach-*.whl | head -n 1)"

test-server-install: set-up ## makes a server from docs/operations.md alone, in a booted Debian; needs root; SUITE=trixie
	@scripts/packages.sh mmdebstrap systemd-container util-linux procps || true
	@for way in wheel archive; do scripts/test-server-install.sh $(or $(SUITE),bookworm) $$way || { status=$$?; [ $$status -eq 77 ] || exit $$status; }; done

test-containers: set-up ## builds the server's image and starts its containers; needs root
	@scripts/packages.sh mmdebstrap buildah podman runc docker-compose || true
	@scripts/test-containers.sh || { status=$$?; [ $$status -eq 77 ] || exit $$status; }

clean: ## removes everything that can be made again
	@rm -rf .venv build dist demo-output display/voices .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache *.egg-info
	@find $(ROOMS) tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +
