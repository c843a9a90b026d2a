# simprof: one makefile, no recursion, no configure step. Sources are found by folder, so a new
# file needs no edit here. Everything generated lands in build/ (or in build/SANITIZERS/).
#
#   make SAN=address,undefined check    the same with sanitizers, in a build folder of its own
#   make V=1                            show the commands
#   make WERROR=1                       warnings are errors (CI)

VERSION  := 0.1.0
prefix   ?= /usr/local
SAN      ?=
B        := build$(if $(SAN),/$(SAN))

CC       := $(if $(filter default,$(origin CC)),gcc,$(CC))
PKGS_collector := libdw libelf libbpf sqlite3 zlib liblzma libzstd capstone ncursesw jansson
PKGS_sim       := sqlite3 inih
PKGS_reports   := libelf capstone jansson sqlite3 libprotobuf-c zlib libcurl gsl nettle inih
PKGS_unit      := criterion
PKGS_probe     := $(PKGS_unit)
LIBS_sim       := -lm
LIBS_collector := -liberty -lm
LIBS_reports   := -lm
LIBS_probe     := -lm

GIT_REVISION := $(shell git describe --always --dirty 2>/dev/null)
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
            -Wformat=2 -Wvla $(if $(WERROR),-Werror)
CFLAGS   ?= -O2 -g
ALL_CFLAGS = -std=gnu17 $(CFLAGS) $(WARNINGS) $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all \
            -fno-omit-frame-pointer) -I. -I$(B)/gen -D_GNU_SOURCE -DVERSION='"$(VERSION)"'

ifneq ($(filter-out help clean lint format uninstall,$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell pkg-config --exists $(PKGS_sim) $(PKGS_collector) $(PKGS_reports) || echo missing),)
$(error libraries are missing; run scripts/install-deps)
endif
endif

folder_sources = $(wildcard $(1)/*.c $(1)/*/*.c)
objects        = $(patsubst %.c,$(B)/obj/%.o,$(1))

# What all programs that read or write profiles have.
PROFILE_SOURCES   := $(wildcard collector/base/*.c collector/profile/*.c collector/import/*.c)
SIM_SOURCES       := $(filter-out sim/drivers/%,$(call folder_sources,sim))
COLLECTOR_SOURCES := $(filter-out $(PROFILE_SOURCES),$(call folder_sources,collector))
REPORTS_SOURCES   := $(call folder_sources,reports)

# Formats of messages, each a C file and a header that protoc-c makes: NAME.proto, NAME.pb-c.[ch].
MESSAGES          := $(patsubst %.proto,$(B)/gen/%.pb-c.c,$(wildcard reports/*.proto))

SIM_OBJECTS       := $(call objects,$(SIM_SOURCES))
COLLECTOR_OBJECTS := $(call objects,$(COLLECTOR_SOURCES) $(PROFILE_SOURCES))
REPORTS_OBJECTS   := $(call objects,$(REPORTS_SOURCES) $(PROFILE_SOURCES)) $(MESSAGES:.c=.o)
PROBE_SOURCES     := $(wildcard probe/*.c collector/cfi/*.c)
PROBE_OBJECTS     := $(patsubst %.c,$(B)/pic/%.o,$(PROBE_SOURCES))

# BPF programs, each a header with the program in it for the user side to include.
BPF_SOURCES := $(wildcard collector/capture/bpf/*.bpf.c)
SKELETONS   := $(patsubst collector/capture/bpf/%.bpf.c,$(B)/gen/%.skel.h,$(BPF_SOURCES))

DRIVERS   := $(patsubst sim/drivers/%.c,$(B)/bin/sim-%,$(filter-out %/driver.c,$(wildcard sim/drivers/*.c)))
PROGRAMS  := $(B)/bin/sim $(DRIVERS) $(B)/bin/collector $(B)/bin/reports
PROBE     := $(if $(PROBE_OBJECTS),$(B)/bin/libprobe.so)
WORKLOADS := $(patsubst tests/workloads/%,$(B)/workloads/%,$(basename $(wildcard tests/workloads/*.c tests/workloads/*.cc)))
FAULTS    := $(patsubst tests/faults/%.c,$(B)/faults/%,$(wildcard tests/faults/*.c))
UNITS     := $(patsubst tests/unit/%,$(B)/tests/unit-%,$(wildcard tests/unit/*))

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(patsubst $(B)/%,%,$@)')

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: FORCE all help check unit cli workloads skeletons lint format bench install uninstall clean

all: $(PROGRAMS) $(PROBE) ## build the programs and libprobe.so into build/bin (default)

help: ## list the targets
	@awk -F':.*## ' '/^[a-z%-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

## ---- compile -------------------------------------------------------------------------------

$(B)/obj/%.o: %.c $(B)/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

# BPF: compiled, stripped of all that is not type information, wrapped in a header. The folder is
# clang's own choice only when it compiles for this machine.
BPF_FLAGS := -target bpf -mcpu=v3 -O2 -g -Wall $(if $(WERROR),-Werror) -D__TARGET_ARCH_x86 \
             -I. -idirafter /usr/include/$(shell $(CC) -print-multiarch)

$(B)/obj/%.bpf.o: %.bpf.c $(B)/flags
	$(call say,BPF)
	@mkdir -p $(@D)
	$(Q)clang $(BPF_FLAGS) -MMD -MP -c -o $@ $<

# bpftool lives in /usr/sbin, which is not in everybody's path.
BPFTOOL := PATH="$$PATH:/usr/sbin:/sbin" bpftool
$(B)/gen/%.skel.h: $(B)/obj/collector/capture/bpf/%.bpf.o
	$(call say,SKEL)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen object $(@:.h=.o) $<
	$(Q)$(BPFTOOL) gen skeleton $(@:.h=.o) name $*_bpf > $@

skeletons: $(SKELETONS)

# They must be there before anything is compiled for the first time; then -MMD knows who needs them.
$(call objects,$(wildcard collector/capture/*.c)): | $(SKELETONS)

$(B)/gen/%.pb-c.c: %.proto
	$(call say,PROTO)
	@mkdir -p $(@D)
	$(Q)protoc-c --c_out=$(B)/gen $<

$(B)/gen/%.pb-c.o: $(B)/gen/%.pb-c.c $(B)/flags
	$(call say,CC)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(call objects,$(wildcard reports/*.c tests/unit/reports/*.c)): | $(MESSAGES)

# What is loaded into other people's programs: never sanitized (those programs are not), and it keeps
# the frame pointer (a wrapper finds its caller's frame by it). Nothing of the compiler's may call
# into libraries that are not there yet.
PROBE_CFLAGS = -std=gnu17 -O2 -g $(WARNINGS) -fPIC -fvisibility=hidden -fno-omit-frame-pointer \
               -fno-stack-protector -ffreestanding -I. -D_GNU_SOURCE -MMD -MP
$(B)/pic/%.o: %.c $(B)/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PROBE_CFLAGS) -c -o $@ $<

# Files that a C source embeds (.incbin) are no dependencies the compiler could report.
$(call objects,$(wildcard reports/*.c)): $(wildcard reports/*.js reports/*.css)
$(call objects,$(wildcard collector/profile/*.c)): $(wildcard collector/profile/*.sql)
$(B)/obj/sim/database.o: $(wildcard sim/*.sql)

# gcc vectorizes loops of unknown length at -O2 only with this; clang does so anyway and has no such flag.
VECTORIZE := $(if $(findstring clang,$(shell $(CC) --version)),,-fvect-cost-model=dynamic)
$(B)/obj/sim/%.o $(B)/obj/tests/unit/sim/%.o: \
	private PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS_sim)) -fno-math-errno \
	-ffp-contract=off $(VECTORIZE)
$(B)/obj/collector/main.o: private PKG_CFLAGS = -DREVISION='"$(GIT_REVISION)"'
$(B)/obj/collector/main.o: $(B)/revision

# What no file's time tells: other flags or another revision compile again what they went into.
remember = @mkdir -p $(@D) && echo '$(1)' | cmp -s - $@ || echo '$(1)' > $@
$(B)/flags: FORCE
	$(call remember,$(CC) $(CFLAGS))
$(B)/revision: FORCE
	$(call remember,$(GIT_REVISION))

-include $(shell find $(B)/obj $(B)/pic -name '*.d' 2>/dev/null)

## ---- link ----------------------------------------------------------------------------------

define link
	$(call say,LINK)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $(filter %.o,$^) $(LDFLAGS) $(1)
endef

libraries = $$(pkg-config --libs $(PKGS_$(1))) $(LIBS_$(1))

$(B)/bin/sim: $(SIM_OBJECTS)
	$(call link,$(call libraries,sim))

# Programs that keep one part of sim busy, made of the same objects.
$(B)/bin/sim-%: $(B)/obj/sim/drivers/%.o $(B)/obj/sim/drivers/driver.o $(filter-out %/main.o,$(SIM_OBJECTS))
	$(call link,$(call libraries,sim))

$(B)/bin/collector: $(COLLECTOR_OBJECTS)
	$(call link,$(call libraries,collector))

$(B)/bin/reports: $(REPORTS_OBJECTS)
	$(call link,$(call libraries,reports))

# Bound at once: in a signal handler the dynamic linker has no business.
define link_probe
	$(call say,LINK)
	@mkdir -p $(@D)
	$(Q)$(CC) -shared -Wl,-z,now -Wl,-z,defs -Wl,-z,start-stop-visibility=hidden -o $@ $^
endef

$(B)/bin/libprobe.so: $(PROBE_OBJECTS)
	$(call link_probe)

# The test build makes every reused walk again in full and compares. Beside it, the programs that
# load it.
$(B)/pic/verify/%.o: %.c $(B)/flags
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PROBE_CFLAGS) -DPROBE_VERIFY -c -o $@ $<
$(B)/verify/libprobe.so: $(patsubst %.c,$(B)/pic/verify/%.o,$(PROBE_SOURCES))
	$(call link_probe)
$(B)/verify/collector $(B)/verify/reports: $(B)/verify/%: $(B)/bin/% | $(B)/verify/libprobe.so
	$(Q)ln -f $< $@

# One test program for each program, linked with its objects except main.
SUBJECT_sim       = $(SIM_OBJECTS)
SUBJECT_collector = $(COLLECTOR_OBJECTS)
SUBJECT_reports   = $(REPORTS_OBJECTS)
SUBJECT_probe     = $(PROBE_OBJECTS)
.SECONDEXPANSION:
$(B)/tests/unit-%: $$(call objects,$$(wildcard tests/unit/$$*/*.c)) $$(filter-out $$(B)/obj/$$*/main.o,$$(SUBJECT_$$*))
	$(call link,$(call libraries,unit) $(call libraries,$*))

# Workloads are what we measure: plain -O2 without frame pointers, never sanitized.
$(B)/workloads/%: tests/workloads/%.c $(wildcard tests/workloads/*.h)
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O2 -g -fomit-frame-pointer $(WARNINGS) -I. -D_GNU_SOURCE -o $@ $< -lm -lpthread

$(B)/workloads/%: tests/workloads/%.cc
	$(call say,CXX)
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=gnu++17 -O2 -g -fomit-frame-pointer -Wall -Wextra -o $@ $< -lpthread

# Surroundings in which something fails, for the program they execute.
$(B)/faults/%: tests/faults/%.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O2 $(WARNINGS) -D_GNU_SOURCE -o $@ $<

# Programs that tests and measurements need, made of the collector's parts.
$(B)/bench/%: $(B)/obj/tests/bench/%.o $(filter-out %/main.o,$(COLLECTOR_OBJECTS))
	$(call link,$(call libraries,collector) -lm)

# The oracle is large enough for parts of its own.
$(B)/bench/oracle: $(call objects,$(wildcard tests/bench/oracle/*.c))

# Those that measure the engine are made of its parts.
$(B)/obj/tests/bench/sim_%.o: private PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS_sim))
$(B)/bench/sim_%: $(B)/obj/tests/bench/sim_%.o $(filter-out %/main.o,$(SIM_OBJECTS))
	$(call link,$(call libraries,sim))

# Those that measure the reports, of theirs.
$(B)/bench/reports_%: $(B)/obj/tests/bench/reports_%.o $(filter-out %/main.o,$(REPORTS_OBJECTS))
	$(call link,$(call libraries,reports))

BENCH := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))

# The indices of sim beside peers that are C++ headers; made only where those are installed.
SPATIAL_PEERS := $(if $(wildcard /usr/include/nanoflann.hpp),$(B)/bench/spatial_peers)
$(B)/bench/spatial_peers: tests/bench/spatial_peers.cc $(filter $(B)/obj/sim/spatial/%,$(SIM_OBJECTS)) $(B)/obj/sim/allocate.o
	$(call say,CXX)
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=gnu++17 $(CFLAGS) $(if $(SAN),-fsanitize=$(SAN)) -DBOOST_ALLOW_DEPRECATED_HEADERS -I. -o $@ $^

# A fuzz target with the driver that replays its corpus; `make fuzz-NAME SECONDS=60` looks for more.
$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/fuzz/replay.o $(filter-out %/main.o,$(COLLECTOR_OBJECTS))
	$(call link,$(call libraries,collector) -lm)

# Those of the reports are made of theirs.
$(B)/fuzz/reports_%: $(B)/obj/tests/fuzz/reports_%.o $(B)/obj/tests/fuzz/replay.o $(filter-out %/main.o,$(REPORTS_OBJECTS))
	$(call link,$(call libraries,reports))

FUZZ := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(filter-out %/replay.c,$(wildcard tests/fuzz/*.c)))

workloads: $(WORKLOADS) $(FAULTS) $(BENCH) $(FUZZ) $(B)/verify/collector $(B)/verify/reports

$(B)/tests/requirements: $(B)/obj/tests/requirements.o
	$(call link)

## ---- test ----------------------------------------------------------------------------------

check: unit cli ## all tests

unit: $(UNITS) $(PROBE) ## unit tests (Criterion)
	$(Q)scripts/run-tests unit $(B)

cli: all workloads $(B)/tests/requirements ## command line tests (bats)
	$(Q)scripts/run-tests cli $(B)

# The engine needs every source instrumented, so they are compiled by clang in one go. glibc's obstack.h
# aligns by adding to a null pointer, which would be a finding in every report.
SECONDS ?= 60
define fuzz
	$(Q)mkdir -p build/fuzz/found-$(1)
	$(Q)clang -std=gnu17 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize=pointer-overflow \
		-fno-sanitize-recover=all -I. -I$(B)/gen \
		-D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DREVISION='""' -o build/fuzz/engine-$(1) $< \
		$(filter-out %/main.c,$(2) $(PROFILE_SOURCES)) $(call libraries,$(3)) -lm
	$(Q)build/fuzz/engine-$(1) $(FUZZ_FLAGS) -max_total_time=$(SECONDS) -artifact_prefix=build/fuzz/$(1)- \
		build/fuzz/found-$(1) $(wildcard tests/fuzz/corpus/$(1))
endef

fuzz-%: tests/fuzz/%.c $(SKELETONS) ## fuzz one target of tests/fuzz for SECONDS
	$(call fuzz,$*,$(COLLECTOR_SOURCES),collector)
fuzz-reports_%: tests/fuzz/reports_%.c $(MESSAGES)
	$(call fuzz,reports_$*,$(REPORTS_SOURCES) $(MESSAGES),reports)

# Profiles of today's format to begin with; a file in the repository would be of yesterday's. Changed
# ones may be longer.
fuzz-profile_file fuzz-reports_profile: FUZZ_FLAGS = -max_len=100000
fuzz-profile_file: build/fuzz/found-profile_file/rich.prof
fuzz-reports_profile: build/fuzz/found-reports_profile/rich.prof
build/fuzz/found-%/rich.prof: $(B)/bench/synthetic_profile
	$(Q)mkdir -p $(@D)
	$(Q)$< rich $@

lint: $(SKELETONS) $(MESSAGES) ## layers, formatting, clang-tidy, cppcheck, shellcheck
	$(Q)scripts/lint

format: ## rewrite the sources in the house's layout
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')

bench: all workloads $(SPATIAL_PEERS) ## measure against peers, interleaved in one run
	$(Q)tests/bench/run $(B)

## ---- install -------------------------------------------------------------------------------

INSTALLED := $(patsubst $(B)/bin/%,$(prefix)/bin/%,$(PROGRAMS)) \
             $(patsubst $(B)/bin/%,$(prefix)/lib/%,$(PROBE))

# What --help says, as man pages.
$(B)/man/collector.1: $(PROGRAMS) scripts/manual
	$(call say,MAN)
	$(Q)scripts/manual $(B)/bin $(@D)

# What users run of scripts/, and the description that it takes by itself.
SCRIPTS     := $(wildcard $(addprefix scripts/,run_all_phases run_phase run_phase1_profiling run_phase2_profiling \
                 run_phase3_profiling run_phase4_profiling check_profiling_status.sh validate_quick_wins \
                 analyze_profile compare_profiles))
DESCRIPTION := $(wildcard scripts/sim.engine)

COMPLETION := $(prefix)/share/bash-completion/completions/collector

MANUAL     := $(prefix)/share/man/man1

install: all $(B)/man/collector.1 ## install below prefix (honours DESTDIR)
	install -d $(DESTDIR)$(prefix)/bin
	install $(PROGRAMS) $(DESTDIR)$(prefix)/bin
	$(if $(SCRIPTS),install $(SCRIPTS) $(DESTDIR)$(prefix)/bin)
	$(if $(DESCRIPTION),install -D -m 644 $(DESCRIPTION) $(DESTDIR)$(prefix)/share/simprof/sim.engine)
	$(if $(PROBE),install -d $(DESTDIR)$(prefix)/lib)
	$(if $(PROBE),install -m 644 $(PROBE) $(DESTDIR)$(prefix)/lib)
	install -D -m 644 scripts/completion/collector.bash $(DESTDIR)$(COMPLETION)
	install -d $(DESTDIR)$(MANUAL)
	install -m 644 $(B)/man/*.1 $(DESTDIR)$(MANUAL)

uninstall: ## remove what install put there
	rm -f $(addprefix $(DESTDIR),$(INSTALLED) $(COMPLETION) $(patsubst scripts/%,$(prefix)/bin/%,$(SCRIPTS))) \
		$(addprefix $(DESTDIR)$(prefix)/share/simprof/,$(notdir $(DESCRIPTION))) \
		$(addprefix $(DESTDIR)$(MANUAL)/,sim.1 reports.1 collector.1 collector-*.1 $(addsuffix .1,$(notdir $(SCRIPTS))))

clean: ## remove build/
	rm -rf build
