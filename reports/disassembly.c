/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disassembly: see disassembly.h. */
#include "reports/disassembly.h"

#include "collector/base/xalloc.h"
#include "reports/output.h"

#include <capstone/capstone.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t most_bytes = 1 << 20; /* of one function */

enum {
	/* Where a function's end is unknown: */
	BEHIND = 16, /* bytes shown behind the last sampled one, */
	NEAR = 256   /* which is at most so far from the one before */
};

/* The file of a module while it is read. */
struct code {
	const char *path;
	int descriptor;
	Elf *elf;
	csh capstone;
};

/* What was sampled at one address of the function. */
struct sampled {
	uint64_t address, self;
	uint32_t samples, symbol, line;
};

static int compare_sampled(const void *left, const void *right)
{
	const struct sampled *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

/* Innermost frames of the function's own code, by address. @module: of them. */
static struct sampled *find_sampled(const struct report *report, uint32_t symbol, size_t *count,
				    uint32_t *module)
{
	const struct profile *profile = report->profile;
	struct sampled *by_frame = xcalloc(profile->frames_count, sizeof(*by_frame));
	size_t kept = 0;

	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];
		uint32_t frame = profile->stacks[sample->stack].frame;

		if (sample->metric != report->metric || !sample->stack ||
		    symbol_owner(profile, frame) != symbol)
			continue;
		by_frame[frame].self += call_tree_value(profile, sample);
		by_frame[frame].samples++;
	}
	for (uint32_t i = 1; i < profile->frames_count; i++) {
		const struct profile_frame *frame = &profile->frames[i];
		struct sampled row = by_frame[i];

		if (!row.samples)
			continue;
		row.address = frame->address;
		row.symbol = symbol_at(profile, i, 0).symbol;
		row.line = frame->line_count ? profile->lines[frame->first_line].line : 0;
		*module = frame->module;
		by_frame[kept++] = row;
	}
	qsort(by_frame, kept, sizeof(*by_frame), compare_sampled);
	*count = kept;
	return by_frame;
}

/* Writes the file's build id in hexadecimal, "" when it has none. */
static void read_build_id(Elf *elf, char *text, size_t capacity)
{
	size_t headers = 0;

	*text = '\0';
	elf_getphdrnum(elf, &headers);
	for (size_t i = 0; i < headers; i++) {
		GElf_Phdr header;
		Elf_Data *notes;
		size_t offset = 0, next, name, description;
		GElf_Nhdr note;

		if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_NOTE)
			continue;
		notes = elf_getdata_rawchunk(elf, (int64_t)header.p_offset, header.p_filesz,
					     header.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		for (; notes && (next = gelf_getnote(notes, offset, &note, &name, &description));
		     offset = next) {
			const uint8_t *bytes = notes->d_buf;

			if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 ||
			    memcmp(bytes + name, "GNU", 4) != 0)
				continue;
			for (size_t k = 0; k < note.n_descsz && 2 * k + 2 < capacity; k++)
				snprintf(text + 2 * k, 3, "%02x", bytes[description + k]);
			return;
		}
	}
}

static int check_file(const struct code *code, const struct profile_module *module,
		      struct error *error)
{
	char build_id[129];
	GElf_Ehdr header;

	if (elf_kind(code->elf) != ELF_K_ELF || !gelf_getehdr(code->elf, &header))
		return fail(error, -EINVAL, "no disassembly: %s is no ELF file", code->path);
	if (header.e_machine != EM_X86_64)
		return fail(error, -ENOTSUP, "no disassembly: %s is not x86-64 code", code->path);
	read_build_id(code->elf, build_id, sizeof(build_id));
	if (module->build_id && strcmp(build_id, module->build_id) != 0)
		return fail(error, -ESTALE,
			    "no disassembly: %s is not the build that was recorded (build id %s)",
			    code->path, module->build_id);
	return 0;
}

static void code_close(struct code *code)
{
	if (code->capstone)
		cs_close(&code->capstone);
	elf_end(code->elf);
	if (code->descriptor >= 0)
		close(code->descriptor);
}

static int code_open(struct code *code, const struct profile_module *module, struct error *error)
{
	struct stat status;
	int result;

	*code = (struct code){.path = module->path, .descriptor = -1};
	if (module->kind != PROFILE_MODULE_ELF)
		return fail(error, -ENOTSUP, "no disassembly: %s is no file", module->path);
	output_spare(module->path);
	code->descriptor = open(module->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (code->descriptor < 0)
		return fail(error, -errno, "no disassembly: cannot open %s: %m", module->path);
	if (fstat(code->descriptor, &status) || !S_ISREG(status.st_mode)) {
		code_close(code);
		return fail(error, -EINVAL, "no disassembly: %s is no file", module->path);
	}
	elf_version(EV_CURRENT);
	code->elf = elf_begin(code->descriptor, ELF_C_READ_MMAP, NULL);
	result = check_file(code, module, error);
	if (!result && cs_open(CS_ARCH_X86, CS_MODE_64, &code->capstone)) {
		code->capstone = 0;
		result = fail(error, -ENOTSUP, "no disassembly: capstone cannot read x86-64");
	}
	if (result)
		code_close(code);
	return result;
}

/* The function of a symbol table that @address lies in. */
static bool find_function(Elf *elf, uint64_t address, uint64_t *start, uint64_t *end)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Sym symbol;

	while ((section = elf_nextscn(elf, section))) {
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) ||
		    (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM))
			continue;
		data = elf_getdata(section, NULL);
		for (int i = 0; data && gelf_getsym(data, i, &symbol); i++) {
			if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_value > address ||
			    address - symbol.st_value >= symbol.st_size)
				continue;
			*start = symbol.st_value;
			*end = symbol.st_value + symbol.st_size;
			return true;
		}
	}
	return false;
}

/* The bytes from @start on, at most to @end, which is cut where they end; NULL: no code there. */
static const uint8_t *find_bytes(Elf *elf, uint64_t start, uint64_t *end)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		Elf_Data *data;
		uint64_t left;

		if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_EXECINSTR) ||
		    header.sh_type == SHT_NOBITS || start < header.sh_addr ||
		    start - header.sh_addr >= header.sh_size)
			continue;
		data = elf_rawdata(section, NULL);
		if (!data || !data->d_buf || start - header.sh_addr >= data->d_size)
			return NULL;
		left = data->d_size - (start - header.sh_addr);
		if (*end - start > left)
			*end = start + left;
		return (const uint8_t *)data->d_buf + (start - header.sh_addr);
	}
	return NULL;
}

/* Those that the divider works on; capstone numbers instructions by mnemonic. */
static bool is_division(unsigned id)
{
	switch (id) {
	case X86_INS_DIV:
	case X86_INS_IDIV:
	case X86_INS_FDIV:
	case X86_INS_FDIVP:
	case X86_INS_FDIVR:
	case X86_INS_FDIVRP:
	case X86_INS_DIVSS:
	case X86_INS_DIVSD:
	case X86_INS_DIVPS:
	case X86_INS_DIVPD:
	case X86_INS_VDIVSS:
	case X86_INS_VDIVSD:
	case X86_INS_VDIVPS:
	case X86_INS_VDIVPD:
	case X86_INS_SQRTSS:
	case X86_INS_SQRTSD:
	case X86_INS_SQRTPS:
	case X86_INS_SQRTPD:
	case X86_INS_VSQRTSS:
	case X86_INS_VSQRTSD:
	case X86_INS_VSQRTPS:
	case X86_INS_VSQRTPD:
		return true;
	default:
		return false;
	}
}

static void add_row(struct disassembly *disassembly, const cs_insn *instruction)
{
	struct instruction row = {.address = instruction->address,
				  .is_division = is_division(instruction->id)};

	row.text = xasprintf("%s%s%s", instruction->mnemonic, *instruction->op_str ? " " : "",
			     instruction->op_str);
	xgrow(disassembly->rows, disassembly->count, disassembly->capacity);
	disassembly->rows[disassembly->count++] = row;
}

/* Reads one part of a function. Returns whether there is code. */
static bool read_part(struct disassembly *disassembly, struct code *code, uint64_t start,
		      uint64_t end)
{
	const uint8_t *bytes = find_bytes(code->elf, start, &end);
	cs_insn *instruction;
	size_t left = end - start;

	if (!bytes)
		return false;
	instruction = cs_malloc(code->capstone);
	while (left && cs_disasm_iter(code->capstone, &bytes, &left, &start, instruction))
		add_row(disassembly, instruction);
	cs_free(instruction, 1);
	return true;
}

static struct instruction *find_row(const struct disassembly *disassembly, uint64_t address)
{
	size_t low = 0, high = disassembly->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (disassembly->rows[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < disassembly->count && disassembly->rows[low].address == address
		       ? &disassembly->rows[low]
		       : NULL;
}

/* Where nobody knows the end: behind the last sampled address that lies near the one before. */
static uint64_t end_of_cluster(const struct sampled *sampled, size_t count)
{
	size_t last = 0;

	while (last + 1 < count && sampled[last + 1].address - sampled[last].address <= NEAR)
		last++;
	return sampled[last].address + BEHIND;
}

/* Reads the parts that the sampled addresses, in their order, lie in. */
static int read_parts(struct disassembly *disassembly, struct code *code,
		      const struct sampled *sampled, size_t count, struct error *error)
{
	uint64_t start, end = 0;

	disassembly->is_whole = true;
	for (size_t i = 0; i < count; i++) {
		if (sampled[i].address < end)
			continue;
		if (!find_function(code->elf, sampled[i].address, &start, &end)) {
			disassembly->is_whole = false;
			start = sampled[i].address;
			end = end_of_cluster(sampled + i, count - i);
		}
		if (end - start > most_bytes)
			return fail(error, -EFBIG, "no disassembly: a function of %lu bytes",
				    end - start);
		if (!read_part(disassembly, code, start, end))
			return fail(error, -EINVAL, "no disassembly: %s has no code at 0x%lx",
				    code->path, start);
	}
	return 0;
}

int disassembly_read(struct disassembly *disassembly, const struct report *report, uint32_t symbol,
		     struct error *error)
{
	uint32_t module = 0;
	struct code code;
	size_t count;
	struct sampled *sampled = find_sampled(report, symbol, &count, &module);
	int result = -ENODATA;

	*disassembly = (struct disassembly){0};
	if (!count)
		fail(error, result,
		     "no disassembly: no sample is in code of its own (it may be inlined)");
	else
		result = code_open(&code, &report->profile->modules[module], error);
	if (!result) {
		result = read_parts(disassembly, &code, sampled, count, error);
		code_close(&code);
	}
	for (size_t i = 0; i < count && !result; i++) {
		struct instruction *row = find_row(disassembly, sampled[i].address);

		if (!row)
			continue;
		row->self += sampled[i].self;
		row->samples += sampled[i].samples;
		row->symbol = sampled[i].symbol;
		row->line = sampled[i].line;
	}
	if (result)
		disassembly_done(disassembly);
	free(sampled);
	return result;
}

void disassembly_done(struct disassembly *disassembly)
{
	for (size_t i = 0; i < disassembly->count; i++)
		free(disassembly->rows[i].text);
	free(disassembly->rows);
	*disassembly = (struct disassembly){0};
}

const struct instruction *disassembly_at(const struct disassembly *disassembly, uint64_t address)
{
	return find_row(disassembly, address);
}
