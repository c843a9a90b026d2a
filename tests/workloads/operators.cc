/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * operators [fail]: every kind of C++'s operators new and delete, once for each of a hundred sizes; prints
 * how many blocks and bytes that were. With `fail` one more that throws.
 */
#include <cstdio>
#include <new>


static unsigned long long blocks, bytes;

__attribute__((noinline)) static void *note(void *block, size_t size)
{
	blocks++;
	bytes += size;
	return block;
}

__attribute__((noinline)) static void all(size_t size)
{
	const std::align_val_t alignment{64};

	::operator delete(note(::operator new(size), size));
	::operator delete[](note(::operator new[](size), size));
	::operator delete(note(::operator new(size), size), size);
	::operator delete[](note(::operator new[](size), size), size);
	::operator delete(note(::operator new(size, std::nothrow), size), std::nothrow);
	::operator delete[](note(::operator new[](size, std::nothrow), size), std::nothrow);
	::operator delete(note(::operator new(size, alignment), size), alignment);
	::operator delete[](note(::operator new[](size, alignment), size), alignment);
	::operator delete(note(::operator new(size, alignment), size), size, alignment);
	::operator delete(note(::operator new(size, alignment, std::nothrow), size), alignment,
			  std::nothrow);
	::operator delete(nullptr);
}

__attribute__((noinline)) static void fails(size_t size)
{
	try {
		note(::operator new(size), size);
	} catch (const std::bad_alloc &) {
		std::puts("no room");
	}
}

int main(int argc, char **)
{
	setvbuf(stdout, nullptr, _IONBF, 0);
	for (size_t size = 1; size <= 100; size++)
		all(size);
	if (argc > 1)
		fails((size_t)1 << 62);
	std::printf("%llu %llu\n", blocks, bytes);
	return 0;
}
