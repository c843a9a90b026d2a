/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plt: see plt.h. */
#include "collector/resolve/plt.h"

#include "collector/base/xalloc.h"

#include <gelf.h>

#define PLT_SECTIONS 4 /* .plt, .plt.sec, .plt.got, .plt.bnd */

struct plt_section {
	uint64_t address;
	size_t bytes;
	size_t stub_bytes;
	Elf_Scn *section;
};

/* A slot of the global offset table and the dynamic symbol that it will hold. */
struct plt_slot {
	uint64_t address;
	uint32_t symbol_section;
	uint32_t symbol;
};

struct plt {
	Elf *elf;
	struct plt_section sections[PLT_SECTIONS];
	int section_count;
	bool slots_read;
	struct plt_slot *slots;
	size_t slot_count, slot_capacity;
};

struct plt *plt_new(Elf *elf)
{
	struct plt *plt = xcalloc(1, sizeof(*plt));
	GElf_Ehdr header;
	Elf_Scn *section = NULL;
	size_t names;

	plt->elf = elf;
	if (!gelf_getehdr(elf, &header) || header.e_machine != EM_X86_64 ||
	    elf_getshdrstrndx(elf, &names) != 0)
		return plt;
	while (plt->section_count < PLT_SECTIONS && (section = elf_nextscn(elf, section))) {
		GElf_Shdr shdr;
		const char *name;

		if (!gelf_getshdr(section, &shdr) || shdr.sh_type != SHT_PROGBITS ||
		    !(name = elf_strptr(elf, names, shdr.sh_name)))
			continue;
		if (strcmp(name, ".plt") && strncmp(name, ".plt.", 5))
			continue;
		plt->sections[plt->section_count++] = (struct plt_section){
			.address = shdr.sh_addr,
			.bytes = shdr.sh_size,
			.stub_bytes = shdr.sh_entsize == 8 ? 8 : 16,
			.section = section,
		};
	}
	return plt;
}

void plt_free(struct plt *plt)
{
	if (!plt)
		return;
	free(plt->slots);
	free(plt);
}

static int compare_slots(const void *left, const void *right)
{
	const struct plt_slot *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

static void read_relocations(struct plt *plt, Elf_Scn *section, const GElf_Shdr *shdr)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = data && shdr->sh_entsize ? data->d_size / shdr->sh_entsize : 0;
	GElf_Rela rela;

	for (size_t i = 0; i < count && gelf_getrela(data, (int)i, &rela); i++) {
		uint32_t type = GELF_R_TYPE(rela.r_info);

		if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT)
			continue;
		xgrow(plt->slots, plt->slot_count, plt->slot_capacity);
		plt->slots[plt->slot_count++] = (struct plt_slot){
			.address = rela.r_offset,
			.symbol_section = shdr->sh_link,
			.symbol = GELF_R_SYM(rela.r_info),
		};
	}
}

static void read_slots(struct plt *plt)
{
	Elf_Scn *section = NULL;

	plt->slots_read = true;
	while ((section = elf_nextscn(plt->elf, section))) {
		GElf_Shdr shdr;

		if (gelf_getshdr(section, &shdr) && shdr.sh_type == SHT_RELA &&
		    shdr.sh_flags & SHF_ALLOC)
			read_relocations(plt, section, &shdr);
	}
	if (plt->slot_count)
		qsort(plt->slots, plt->slot_count, sizeof(*plt->slots), compare_slots);
}

static const char *slot_name(struct plt *plt, uint64_t slot_address)
{
	struct plt_slot key = {.address = slot_address}, *slot;
	Elf_Scn *section;
	GElf_Shdr shdr;
	Elf_Data *data;
	GElf_Sym symbol;

	if (!plt->slots_read)
		read_slots(plt);
	if (!plt->slot_count)
		return NULL;
	slot = bsearch(&key, plt->slots, plt->slot_count, sizeof(key), compare_slots);
	if (!slot || !(section = elf_getscn(plt->elf, slot->symbol_section)) ||
	    !gelf_getshdr(section, &shdr) || !(data = elf_getdata(section, NULL)) ||
	    !gelf_getsym(data, (int)slot->symbol, &symbol))
		return NULL;
	return elf_strptr(plt->elf, shdr.sh_link, symbol.st_name);
}

/* Finds "jmp *offset(%rip)" (ff 25) in the stub, behind an endbr64 or a bnd prefix. */
static bool stub_slot(const uint8_t *stub, size_t bytes, uint64_t address, uint64_t *slot)
{
	for (size_t i = 0; i + 6 <= bytes && i <= 5; i++) {
		int32_t offset;

		if (stub[i] != 0xff || stub[i + 1] != 0x25)
			continue;
		memcpy(&offset, stub + i + 2, sizeof(offset));
		*slot = address + i + 6 + (uint64_t)(int64_t)offset;
		return true;
	}
	return false;
}

const char *plt_find(struct plt *plt, uint64_t address, uint64_t *start)
{
	for (int i = 0; i < plt->section_count; i++) {
		const struct plt_section *section = &plt->sections[i];
		uint64_t offset = address - section->address, slot;
		const char *name;
		Elf_Data *data;

		if (address < section->address || offset >= section->bytes)
			continue;
		offset -= offset % section->stub_bytes;
		data = elf_getdata(section->section, NULL);
		if (!data || !data->d_buf || offset > data->d_size ||
		    data->d_size - offset < section->stub_bytes ||
		    !stub_slot((const uint8_t *)data->d_buf + offset, section->stub_bytes,
			       section->address + offset, &slot))
			return NULL;
		name = slot_name(plt, slot);
		if (!name || !*name)
			return NULL;
		*start = section->address + offset;
		return name;
	}
	return NULL;
}
