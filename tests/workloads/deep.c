/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * deep: stacks beyond what the kernel copies with a sample (64 KB).
 *
 *     deep [SECONDS [KIND]]
 *
 *     steady    main → descend × 301, 700 bytes each → bottom_even: the same frames all the time
 *     restless  each level is descend or descend_too, by a number that changes every few hundred
 *               microseconds and once in 64 times stays for as long as all the others together, so
 *               that some stacks are still there when they are looked at; bottom_odd is reached
 *               through an odd number of descend_too
 *     leaf      main → by_one → large → for_one, or main → by_two → large → for_two, at random, the
 *               last inlined: the frame of large alone has more than 64 KB, so that not even its
 *               caller is in the copy. It is found by the stack pointer
 *     aligned   the same with large_aligned, whose frame is found by the frame pointer
 *     calls     the same with large_calling, which calls call_one or call_two from one place: what
 *               it was called by is beyond the copy, and a moment later another one
 *     unequal   the same by turns, by_one for a few milliseconds, by_two for some hundred: of the
 *               first nothing is left when its samples are looked at
 *     entered   main → enter_one → repeat × 301 → bottom_even, then the same with enter_two and
 *               bottom_odd: but for what the recursion calls they are alike
 */
#include "tests/workloads/workload.h"

#define LEVELS 300
#define ROOM   10000 /* words */

static volatile uint64_t sum = 1;
static volatile int stay = 1; /* at the bottom, times some hundred microseconds */

FUNCTION static void bottom_even(void)
{
	for (int i = 0; i < stay; i++)
		sum = burn(sum);
	NOT_A_TAIL_CALL();
}

FUNCTION static void bottom_odd(void)
{
	for (int i = 0; i < stay; i++)
		sum = burn(sum);
	NOT_A_TAIL_CALL();
}

FUNCTION static void descend(int levels, uint64_t way, int odd);
FUNCTION static void descend_too(int levels, uint64_t way, int odd);

static inline __attribute__((always_inline)) void go_on(int levels, uint64_t way, int odd)
{
	char room[700];

	__asm__ volatile("" ::"r"(room) : "memory");
	if (!levels)
		(odd ? bottom_odd : bottom_even)();
	else if (way & 1)
		descend_too(levels - 1, way >> 1 | way << 63, !odd);
	else
		descend(levels - 1, way >> 1 | way << 63, odd);
	NOT_A_TAIL_CALL();
}

FUNCTION static void descend(int levels, uint64_t way, int odd)
{
	go_on(levels, way, odd);
}

FUNCTION static void descend_too(int levels, uint64_t way, int odd)
{
	go_on(levels, way, odd);
}

FUNCTION static void repeat(void (*bottom)(void), int levels)
{
	char room[700];

	__asm__ volatile("" ::"r"(room) : "memory");
	if (levels)
		repeat(bottom, levels - 1);
	else
		bottom();
	NOT_A_TAIL_CALL();
}

FUNCTION static void enter_one(void)
{
	repeat(bottom_even, LEVELS);
	NOT_A_TAIL_CALL();
}

FUNCTION static void enter_two(void)
{
	repeat(bottom_odd, LEVELS);
	NOT_A_TAIL_CALL();
}

/* Different, so that the compiler keeps both. */
#define FOR(name, factor)                                                                          \
	static inline __attribute__((always_inline)) uint64_t name(uint64_t value)                 \
	{                                                                                          \
		for (int i = 0; i < 100000; i++)                                                   \
			value = value * (factor) + 1442695040888963407;                            \
		return value;                                                                      \
	}

FOR(for_one, 6364136223846793005)
FOR(for_two, 3935559000370003845)

static inline __attribute__((always_inline)) void use(volatile uint64_t *room, int which)
{
	for (int i = 0; i < 10; i++) {
		volatile uint64_t *place = &room[(uint64_t)i * 7919 % ROOM];

		*place = sum;
		sum = which == 1 ? for_one(*place) : for_two(*place);
	}
}

FUNCTION static void large(int which)
{
	volatile uint64_t room[ROOM];

	use(room, which);
}

FUNCTION static void large_aligned(int which)
{
	volatile uint64_t room[ROOM] __attribute__((aligned(64)));

	use(room, which);
}

FUNCTION static void call_one(volatile uint64_t *room)
{
	for (int i = 0; i < stay; i++)
		use(room, 1);
	NOT_A_TAIL_CALL();
}

FUNCTION static void call_two(volatile uint64_t *room)
{
	for (int i = 0; i < stay; i++)
		use(room, 2);
	NOT_A_TAIL_CALL();
}

FUNCTION static void large_calling(int which)
{
	volatile uint64_t room[ROOM];

	(which == 1 ? call_one : call_two)(room);
	NOT_A_TAIL_CALL();
}

FUNCTION static void by_one(void (*function)(int))
{
	function(1);
	NOT_A_TAIL_CALL();
}

FUNCTION static void by_two(void (*function)(int))
{
	function(2);
	NOT_A_TAIL_CALL();
}

int main(int argc, char **argv)
{
	const char *kind = argc > 2 ? argv[2] : "steady";
	clock_t end = workload_end(argc, argv);
	uint64_t random = 1;

	while (clock() < end) {
		random = random * 6364136223846793005 + 1442695040888963407;
		if (*kind == 'l' || *kind == 'a' || *kind == 'c')
			(random >> 60 & 1 ? by_one : by_two)(*kind == 'l'   ? large
							     : *kind == 'a' ? large_aligned
									    : large_calling);
		else if (*kind == 'u') {
			stay = 3;
			by_one(large_calling);
			stay = 300;
			by_two(large_calling);
		} else if (*kind == 'e') {
			stay = 4;
			enter_one();
			stay = 2;
			enter_two();
		} else if (*kind == 'r') {
			stay = random >> 58 ? 1 : 64;
			descend(LEVELS, random, 0);
		} else
			descend(LEVELS, 0, 0);
	}
	printf("%llu\n", (unsigned long long)sum);
	return 0;
}
