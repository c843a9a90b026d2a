/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * comparison_moved: finds rows that changed because code moved between functions.
 *
 * A compiler that inlines a function charges its code to the caller; one that no longer does, or a
 * programmer who takes a part of a function into one of its own, does the reverse. Then one
 * function costs less and another more, and neither has become slower. What tells is who called:
 * the code of a function that was inlined is in its callers, along the same paths of calls. So
 * functions that cost less are charged, in all runs, to the nearest caller that is none of them,
 * and the sums are tested as costs are:
 *
 *     sum within the margin        moved: the function and its caller are both unchanged
 *     sum inconclusive             it cannot be told whether code moved: neither has regressed or
 *                                  improved for certain
 *     less, and the function is    the caller has not regressed for certain: it may have the code,
 *     gone                         which is faster there
 *     more                         the caller keeps its verdict: something costs more for certain;
 *                                  the function has not improved for certain: the caller may have
 *                                  its code, which is slower there
 *
 * then in the same way functions that cost more, whose callers may have lost their code. The margin
 * is that of the cost that moved, not of the caller. A caller's own change counts only when what
 * its callees lost is at least half of it; a function is settled when nine tenths of its change
 * are. A function with less than a tenth of its cost left is gone, though a call may not be
 * inlined.
 *
 * A function that is new where another one with the same caller is gone may be that one under
 * another name: that is never called moved, but it is not called a regression either unless both
 * together cost more; and when they do, the one that is gone is no improvement.
 *
 * Small functions, which have no rows of their own, are charged to their callers in the same way;
 * what those may have lost to them is no regression of all small functions together.
 *
 * Where totals are compared, a function on one side only that costs little by itself may have what
 * it calls from its caller: that cannot be told, and what it calls has rows of its own.
 *
 * Where debug information names inlined functions they are rows on both sides, and nothing moves.
 */
#pragma once

#include "reports/comparison.h"

/* Corrects the verdicts of rows, which are judged. */
void comparison_moved_settle(struct comparison *comparison);
