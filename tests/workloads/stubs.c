/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * stubs: code that nobody compiled: the linker's call stubs (and lazy binding behind them), the
 * vDSO, and assembly with and without call frame information.
 *
 *     main → through_stub → labs@plt → labs
 *     main → read_clock → clock_gettime → the vDSO
 *     main → through_assembly → described → called → …      described by .cfi directives
 *     main → through_assembly → bare                        a leaf that says nothing
 *     main → through_register → in_register → keeps, loses  its frame's top is in rax, which the
 *                                                           one leaves alone, the other does not
 *     main → through_red_zone → in_red_zone                 the same is kept below the stack
 * pointer
 */
#include "tests/workloads/workload.h"

static volatile uint64_t sum = 1;

/* Pushes two registers and calls back; and a loop that no directive describes. */
uint64_t described(uint64_t value, uint64_t (*function)(uint64_t));
uint64_t bare(uint64_t rounds);

/* Calls both with the rounds; its frame is known by a register that they need not preserve. */
void in_register(uint64_t rounds);
void in_red_zone(uint64_t rounds);

__asm__(".text\n"
	".type described, @function\n"
	"described:\n"
	"	.cfi_startproc\n"
	"	push %rbx\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	.cfi_rel_offset %rbx, 0\n"
	"	sub $48, %rsp\n"
	"	.cfi_adjust_cfa_offset 48\n"
	"	mov %rsi, %rbx\n"
	"	call *%rbx\n"
	"	add $48, %rsp\n"
	"	.cfi_adjust_cfa_offset -48\n"
	"	pop %rbx\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	.cfi_restore %rbx\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size described, . - described\n"
	".type bare, @function\n"
	"bare:\n"
	"	push %rbx\n"
	"	mov %rdi, %rax\n"
	"1:	imul $69069, %rax, %rbx\n"
	"	dec %rdi\n"
	"	jnz 1b\n"
	"	mov %rbx, %rax\n"
	"	pop %rbx\n"
	"	ret\n"
	".size bare, . - bare\n"
	".type in_register, @function\n"
	"in_register:\n"
	"	.cfi_startproc\n"
	"	mov %rsp, %rax\n"
	"	.cfi_def_cfa_register %rax\n"
	"	push %rbx\n"
	"	.cfi_offset %rbx, -16\n"
	"	sub $64, %rsp\n"
	"	and $-64, %rsp\n"
	"	mov %rdi, %rbx\n"
	"	call keeps\n"
	"	mov %rbx, %rdi\n"
	"	call loses\n"
	"	mov -8(%rax), %rbx\n"
	"	.cfi_restore %rbx\n"
	"	lea (%rax), %rsp\n"
	"	.cfi_def_cfa_register %rsp\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size in_register, . - in_register\n"
	".type keeps, @function\n"
	"keeps:\n"
	"	.cfi_startproc\n"
	"1:	imul $69069, %rdi, %rdx\n"
	"	dec %rdi\n"
	"	jnz 1b\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size keeps, . - keeps\n"
	".type loses, @function\n"
	"loses:\n"
	"	.cfi_startproc\n"
	"	push %rax\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	lea 32(%rsp), %rax\n"
	"1:	imul $69069, %rdi, %rdx\n"
	"	dec %rdi\n"
	"	jnz 1b\n"
	"	pop %rax\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size loses, . - loses\n"
	".type in_red_zone, @function\n"
	"in_red_zone:\n"
	"	.cfi_startproc\n"
	"	mov %rsp, %rax\n"
	"	.cfi_def_cfa_register %rax\n"
	"	sub $64, %rsp\n"
	"	and $-64, %rsp\n"
	"	mov %rax, -8(%rsp)\n"
	/* DW_CFA_def_cfa_expression: DW_OP_breg7 -8, DW_OP_deref, DW_OP_plus_uconst 8 */
	"	.cfi_escape 0x0f, 5, 0x77, 0x78, 0x06, 0x23, 8\n"
	"1:	imul $69069, %rdi, %rax\n"
	"	dec %rdi\n"
	"	jnz 1b\n"
	"	mov -8(%rsp), %rsp\n"
	"	.cfi_def_cfa %rsp, 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size in_red_zone, . - in_red_zone\n");

FUNCTION static uint64_t called(uint64_t value)
{
	return burn(value);
}

FUNCTION static void through_assembly(void)
{
	sum += described(sum, called);
	sum += bare(100000);
	NOT_A_TAIL_CALL();
}

FUNCTION static void through_register(void)
{
	in_register(100000);
	NOT_A_TAIL_CALL();
}

FUNCTION static void through_red_zone(void)
{
	in_red_zone(500000);
	NOT_A_TAIL_CALL();
}

/* Not known to the compiler by this name, so that it is called. */
long absolute(long) __asm__("labs");

extern char global_offset_table[] __asm__("_GLOBAL_OFFSET_TABLE_");

/* The stub waits for the address it jumps to, which is thrown out of the cache before. */
FUNCTION static void through_stub(void)
{
	for (int i = 0; i < 5000; i++) {
		for (int line = 0; line < 4; line++)
			__builtin_ia32_clflush(global_offset_table + 64 * line);
		sum += (uint64_t)absolute((long)sum);
	}
}

FUNCTION static void read_clock(void)
{
	struct timespec now;

	for (int i = 0; i < 5000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		sum += (uint64_t)now.tv_nsec;
	}
}

int main(int argc, char **argv)
{
	clock_t end = workload_end(argc, argv);

	while (clock() < end) {
		through_stub();
		read_clock();
		through_assembly();
		through_register();
		through_red_zone();
	}
	printf("%llu\n", (unsigned long long)sum);
	return 0;
}
