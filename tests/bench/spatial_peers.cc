/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spatial_peers: our indices beside nanoflann's kd-tree and Boost's R-tree, on the same questions.
 *
 *     spatial_peers [ENTITIES ...]      5000 and 50000 without
 *
 * Entities are spread evenly, 200 on 100 x 100 as in a run of the engine; the places asked about are
 * up to 3 beside entities' own, in random order. Three questions: all within 6 (an observation; 2.3
 * entities), all within 30 (sharing; 57 entities), the nearest within 30. CPU time of this thread; the programs
 * take turns in every round, and the median round is printed in ns a question. Ours answer in
 * ascending order as they always do, the peers in whatever order they like. All answers are counted
 * and must agree.
 *
 * Peers: nanoflann 1.4.3 (leaf size 10, its default), Boost.Geometry 1.74 rtree (rstar<8>, packed).
 */
extern "C" {
#include "sim/spatial/spatial_index.h"
}

#include <algorithm>
#include <boost/geometry.hpp>
#include <boost/geometry/geometries/point_xy.hpp>
#include <boost/geometry/index/rtree.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <nanoflann.hpp>
#include <random>
#include <string>
#include <vector>

namespace bg = boost::geometry;
namespace bgi = boost::geometry::index;

namespace {

constexpr int ROUNDS = 7;
constexpr int QUESTIONS = 20000;

struct cloud {
	std::vector<float> x, y;

	size_t kdtree_get_point_count() const { return x.size(); }
	float kdtree_get_pt(size_t i, size_t dimension) const { return dimension ? y[i] : x[i]; }
	template <class box> bool kdtree_get_bbox(box &) const { return false; }
};

using flann_tree =
	nanoflann::KDTreeSingleIndexAdaptor<nanoflann::L2_Simple_Adaptor<float, cloud>, cloud, 2,
					    uint32_t>;
using point = bg::model::d2::point_xy<float>;
using entry = std::pair<point, uint32_t>;
using r_tree = bgi::rtree<entry, bgi::rstar<8>>;

struct contestant {
	std::string name;
	/* Asks all questions, returns how much was found. */
	std::function<uint64_t(float radius, bool nearest)> ask;
	std::vector<double> ns;
	uint64_t answers;
};

double now_ns()
{
	timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

uint64_t ask_ours(const spatial_index &index, spatial_found &found, const cloud &asked,
		  float radius, bool nearest)
{
	uint64_t answers = 0;
	for (size_t i = 0; i < asked.x.size(); i++) {
		if (nearest) {
			answers += spatial_index_get_nearest(&index, asked.x[i], asked.y[i],
							     radius, nullptr) != SPATIAL_NONE;
			continue;
		}
		spatial_index_get_nearby(&index, asked.x[i], asked.y[i], radius, &found);
		answers += found.count;
	}
	return answers;
}

uint64_t ask_flann(const flann_tree &tree, const cloud &asked, float radius, bool nearest)
{
	uint64_t answers = 0;
	std::vector<std::pair<uint32_t, float>> found;
	nanoflann::SearchParams unsorted;
	unsorted.sorted = false;
	for (size_t i = 0; i < asked.x.size(); i++) {
		const float place[2] = {asked.x[i], asked.y[i]};
		if (nearest) {
			uint32_t id;
			float distance;
			answers += tree.knnSearch(place, 1, &id, &distance) == 1 &&
				   distance <= radius * radius;
			continue;
		}
		/* Its radius is squared and exclusive. */
		answers += tree.radiusSearch(place, std::nextafter(radius * radius, 1e9F), found,
					     unsorted);
	}
	return answers;
}

uint64_t ask_boost(const r_tree &tree, const cloud &asked, float radius, bool nearest)
{
	uint64_t answers = 0;
	std::vector<entry> found;
	for (size_t i = 0; i < asked.x.size(); i++) {
		const float x = asked.x[i], y = asked.y[i];
		const point place(x, y);
		found.clear();
		if (nearest) {
			tree.query(bgi::nearest(place, 1), std::back_inserter(found));
			answers += bg::comparable_distance(found[0].first, place) <=
				   radius * radius;
			continue;
		}
		bg::model::box<point> box(point(x - radius, y - radius),
					  point(x + radius, y + radius));
		tree.query(bgi::intersects(box) && bgi::satisfies([&](const entry &candidate) {
				   float dx = candidate.first.x() - x, dy = candidate.first.y() - y;
				   return dx * dx + dy * dy <= radius * radius;
			   }),
			   std::back_inserter(found));
		answers += found.size();
	}
	return answers;
}

void compare(std::vector<contestant> &contestants, size_t entities, const char *question,
	     float radius, bool nearest)
{
	for (auto &one : contestants)
		one.ns.clear();
	for (int round = 0; round < ROUNDS; round++) {
		for (auto &one : contestants) {
			double start = now_ns();
			one.answers = one.ask(radius, nearest);
			one.ns.push_back((now_ns() - start) / QUESTIONS);
		}
	}
	double best_peer = 1e300;
	for (auto &one : contestants) {
		std::nth_element(one.ns.begin(), one.ns.begin() + ROUNDS / 2, one.ns.end());
		if (one.answers != contestants[0].answers) {
			fprintf(stderr, "%s found %lu, %s %lu\n", one.name.c_str(), one.answers,
				contestants[0].name.c_str(), contestants[0].answers);
			exit(1);
		}
		if (&one >= &contestants[SPATIAL_COUNT])
			best_peer = std::min(best_peer, one.ns[ROUNDS / 2]);
	}
	printf("%6zu %-12s", entities, question);
	for (auto &one : contestants)
		printf("  %s %.0f", one.name.c_str(), one.ns[ROUNDS / 2]);
	double worst = 0;
	for (int i = 0; i < SPATIAL_COUNT; i++)
		worst = std::max(worst, contestants[(size_t)i].ns[ROUNDS / 2] / best_peer);
	printf("  ns; ours at most %.2f of the best peer\n", worst);
}

void compare_at(size_t entities)
{
	std::mt19937 random(42);
	float side = 100 * std::sqrt((float)entities / 200);
	std::uniform_real_distribution<float> place(0, side);
	std::uniform_real_distribution<float> beside(-3, 3);
	cloud all, asked;
	for (size_t i = 0; i < entities; i++) {
		all.x.push_back(place(random));
		all.y.push_back(place(random));
	}
	for (int i = 0; i < QUESTIONS; i++) {
		size_t id = random() % entities;
		asked.x.push_back(all.x[id] + beside(random));
		asked.y.push_back(all.y[id] + beside(random));
	}
	std::vector<contestant> contestants;
	std::vector<spatial_index> indices(SPATIAL_COUNT);
	spatial_found found = {};
	for (size_t i = 0; i < SPATIAL_COUNT; i++) {
		spatial_index &index = indices[i];
		spatial_index_init(&index, spatial_structures[i], SPATIAL_REBUILD);
		for (size_t id = 0; id < entities; id++)
			spatial_index_add(&index, all.x[id], all.y[id]);
		spatial_index_update(&index);
		contestants.push_back({index.structure->name, [&](float radius, bool nearest) {
			return ask_ours(index, found, asked, radius, nearest);
		}, {}, 0});
	}
	flann_tree flann(2, all, nanoflann::KDTreeSingleIndexAdaptorParams(10));
	flann.buildIndex();
	contestants.push_back({"nanoflann", [&](float radius, bool nearest) {
		return ask_flann(flann, asked, radius, nearest);
	}, {}, 0});
	std::vector<entry> entries;
	for (size_t id = 0; id < entities; id++)
		entries.emplace_back(point(all.x[id], all.y[id]), (uint32_t)id);
	r_tree boost_tree(entries);
	contestants.push_back({"boost", [&](float radius, bool nearest) {
		return ask_boost(boost_tree, asked, radius, nearest);
	}, {}, 0});
	compare(contestants, entities, "within 6", 6, false);
	compare(contestants, entities, "within 30", 30, false);
	compare(contestants, entities, "nearest", 30, true);
	for (auto &index : indices)
		spatial_index_done(&index);
	spatial_found_done(&found);
}

} // namespace

int main(int argc, char **argv)
{
	if (argc == 1) {
		compare_at(5000);
		compare_at(50000);
	}
	for (int i = 1; i < argc; i++)
		compare_at((size_t)std::max(1, atoi(argv[i])));
	return 0;
}
