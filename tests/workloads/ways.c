/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ways: a function for each way that control can take, to count lines of.
 *
 *     ways N    calls each of them N times; the result is printed
 *
 * The tests compile it again, as gcov counts it and without optimisation.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__GNUC__)
#define FUNCTION __attribute__((noipa))
#else
#define FUNCTION __attribute__((noinline))
#endif

static jmp_buf back;

FUNCTION static unsigned loops(unsigned n)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < n % 17; i++) {
		for (unsigned j = i; j < 9; j++)
			sum += i ^ j;
		if (i == 11)
			break;
		if (i % 3 == 0)
			continue;
		sum++;
	}
	do {
		sum += 5;
	} while (sum % 7);
	while (sum % 5)
		sum++;
	for (unsigned k = 0; k < 4; sum += k++) /* all on one line */
		;
	return sum;
}

FUNCTION static unsigned choices(unsigned n)
{
	unsigned sum = 0;

	switch (n % 9) {
	case 0:
		sum = 3;
		break;
	case 1:
	case 2:
		sum = 4;
		/* fall through */
	case 3:
		sum += 7;
		break;
	case 4:
		return 1;
	case 5:
		sum = 6;
		break;
	case 6:
		sum = 9;
		break;
	default:
		sum = n;
	}
	if ((n & 1 && n % 3 == 1) || n % 5 == 2)
		sum += n % 2 ? 11 : 13;
	else if (n % 4 == 0)
		sum += 2;
	return sum;
}

FUNCTION static unsigned jumps(unsigned n)
{
	unsigned sum = n;

again:
	sum += sum / 2 + 1;
	if (sum < 40)
		goto again;
	if (sum % 2)
		goto end;
	sum++;
end:
	return sum;
}

FUNCTION static unsigned recursion(unsigned n)
{
	if (n % 8 == 0)
		return 1;
	return recursion(n - 1) + recursion(n / 8 * 8);
}

FUNCTION static void leave(unsigned n)
{
	if (n % 3 == 0)
		longjmp(back, 1);
}

FUNCTION static unsigned left(unsigned n)
{
	unsigned sum = 1;

	leave(n);
	sum += 2;
	leave(n + 1);
	sum += 3;
	return sum;
}

FUNCTION static unsigned caught(unsigned n)
{
	volatile unsigned sum = 0;

	if (setjmp(back)) {
		sum += 100;
		return sum;
	}
	sum += left(n);
	return sum;
}

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100, sum = 0;

	for (unsigned i = 0; i < count; i++) {
		sum += loops(i);
		sum += choices(i);
		sum += jumps(i);
		sum += recursion(i);
		sum += caught(i);
	}
	printf("%u\n", sum);
	return 0;
}
