# The one door to the project: make help lists the targets.

PG_CONFIG ?= pg_config
PREFIX ?= /usr/local
BUILD = build/default
SOURCES = $(shell find extension test frontend bench tools -name '*.cpp' -o -name '*.h')

all: extension cmake  ## build the extension and all that CMake builds (the default)

extension:  ## build the PostgreSQL extension alone
	+$(MAKE) -C extension PG_CONFIG=$(PG_CONFIG)

cmake:  ## build bullad, the core library and the unit tests, under build/
	cmake --preset default
	+cmake --build $(BUILD)

install:  ## install the extensions into PostgreSQL (PG_CONFIG names which) and bullad into PREFIX/bin (DESTDIR is honoured)
	+$(MAKE) -C extension install PG_CONFIG=$(PG_CONFIG) DESTDIR=$(DESTDIR)
	DESTDIR=$(DESTDIR) cmake --install $(BUILD) --prefix $(PREFIX)

deps:  ## install the Debian packages that building and testing need
	tools/deps

check: deps  ## install what is needed, build, and run every test on private clusters
	test/check

demo: deps  ## install what is needed, build, and show Bulla at work on a private cluster
	tools/demo

bench:  ## install what is needed, build, and measure on a private cluster
	tools/deps wrk
	bench/run

soak: deps  ## run the isolation, recovery, fuzz and witness tests with ROUNDS (100) of each fault, again until MINUTES (0) are over
	BULLA_SOAK_ROUNDS=$(or $(ROUNDS),100) test/check --minutes $(or $(MINUTES),0) isolation recovery fuzz front:witness_state

down:  ## stop and remove every private cluster of this checkout, and what serves it
	tools/cluster down

format:  ## format the C++ sources in place
	clang-format -i $(SOURCES)

lint:  ## run clang-tidy over the core
	tools/deps clang-tidy
	cmake --preset default
	clang-tidy --quiet -p $(BUILD) extension/core/*.cpp

clean:  ## remove what was built
	+$(MAKE) -C extension clean PG_CONFIG=$(PG_CONFIG)
	+$(MAKE) -C test/regress/module clean PG_CONFIG=$(PG_CONFIG)
	rm -rf build

help:  ## print this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: all extension cmake install deps check demo bench soak down format lint clean help
