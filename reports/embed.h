/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * embed: files of this folder as they are, inside the program: scripts and style sheets.
 */
#pragma once

#define EMBED_FILE(name) ".incbin \"reports/" name "\"\n"

/* Defines `symbol` as one string of the files after each other. */
#define EMBED(symbol, files)                                                                       \
	__asm__(".pushsection .rodata\n" #symbol ":\n" files ".byte 0\n.popsection");              \
	extern const char(symbol)[]
