#pragma once

// The forms of handwritten digits: the control points and strokes from which runtime/data/digits.cpp draws.

#include <array>
#include <span>
#include <string_view>

namespace eightfold::runtime::data {

struct Point {
  float x = 0;  // to the right
  float y = 0;  // down
};

// Points in the unit square are named a, b, c ... in their order. `strokes` holds one word per stroke: a
// smooth curve through the points it names. Two points make a straight line. A word with the same first and
// last point makes a loop. Strokes that name the same point meet there, however the point is moved.
struct Skeleton {
  int points = 0;
  std::array<Point, 12> point;
  std::string_view strokes;
};

// The ways in which `digit` is written, at least one. Requires: 0 <= digit < 10.
std::span<const Skeleton> skeletons_of(int digit);

}  // namespace eightfold::runtime::data
