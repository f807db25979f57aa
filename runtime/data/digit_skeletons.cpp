#include "runtime/data/digit_skeletons.hpp"

#include "kernels/base/error.hpp"

namespace eightfold::runtime::data {
namespace {

constexpr Skeleton kZero[] = {
    {8,
     {{{.50f, .00f},
       {.24f, .12f},
       {.12f, .45f},
       {.20f, .84f},
       {.48f, 1.0f},
       {.76f, .86f},
       {.88f, .50f},
       {.76f, .13f}}},
     "abcdefgha"},
};
constexpr Skeleton kOne[] = {
    {3, {{{.52f, .00f}, {.50f, .50f}, {.50f, 1.0f}}}, "abc"},
    {4, {{{.26f, .26f}, {.54f, .00f}, {.53f, .50f}, {.52f, 1.0f}}}, "ab bcd"},
    {6, {{{.28f, .24f}, {.54f, .00f}, {.53f, .50f}, {.52f, 1.0f}, {.24f, 1.0f}, {.80f, .99f}}}, "ab bcd edf"},
};
constexpr Skeleton kTwo[] = {
    {8,
     {{{.14f, .26f},
       {.28f, .05f},
       {.58f, .00f},
       {.82f, .20f},
       {.72f, .48f},
       {.44f, .76f},
       {.12f, 1.0f},
       {.90f, .98f}}},
     "abcdefg gh"},
    {9,
     {{{.16f, .22f},
       {.42f, .00f},
       {.78f, .14f},
       {.70f, .48f},
       {.42f, .84f},
       {.16f, .98f},
       {.18f, .80f},
       {.56f, .94f},
       {.92f, .94f}}},
     "abcdefghi"},
};
constexpr Skeleton kThree[] = {
    {9,
     {{{.14f, .12f},
       {.44f, .00f},
       {.78f, .17f},
       {.66f, .41f},
       {.38f, .48f},
       {.72f, .56f},
       {.84f, .78f},
       {.54f, 1.0f},
       {.10f, .88f}}},
     "abcde efghi"},
    {7,
     {{{.14f, .03f}, {.82f, .03f}, {.44f, .42f}, {.80f, .56f}, {.82f, .82f}, {.50f, 1.0f}, {.10f, .88f}}},
     "ab bc cdefg"},
};
constexpr Skeleton kFour[] = {
    {5, {{{.28f, .02f}, {.12f, .56f}, {.90f, .56f}, {.70f, .06f}, {.64f, 1.0f}}}, "ab bc de"},
    {4, {{{.64f, .00f}, {.08f, .66f}, {.92f, .66f}, {.62f, 1.0f}}}, "ab bc ad"},
};
constexpr Skeleton kFive[] = {
    {8,
     {{{.84f, .02f},
       {.28f, .04f},
       {.20f, .44f},
       {.50f, .37f},
       {.80f, .52f},
       {.80f, .82f},
       {.48f, 1.0f},
       {.10f, .90f}}},
     "ab bc cdefgh"},
};
constexpr Skeleton kSix[] = {
    {9,
     {{{.72f, .02f},
       {.42f, .18f},
       {.20f, .52f},
       {.20f, .84f},
       {.50f, 1.0f},
       {.80f, .84f},
       {.74f, .58f},
       {.48f, .50f},
       {.22f, .68f}}},
     "abcdefghi"},
};
constexpr Skeleton kSeven[] = {
    {4, {{{.12f, .05f}, {.86f, .05f}, {.56f, .50f}, {.42f, 1.0f}}}, "ab bcd"},
    {6, {{{.12f, .05f}, {.86f, .05f}, {.58f, .50f}, {.44f, 1.0f}, {.30f, .52f}, {.84f, .48f}}}, "ab bcd ef"},
};
constexpr Skeleton kEight[] = {
    {8,
     {{{.74f, .11f},
       {.46f, .00f},
       {.20f, .19f},
       {.50f, .46f},
       {.82f, .74f},
       {.52f, 1.0f},
       {.18f, .76f},
       {.80f, .24f}}},
     "abcdefgdha"},
    {7,
     {{{.50f, .00f}, {.22f, .22f}, {.50f, .46f}, {.78f, .22f}, {.16f, .74f}, {.50f, 1.0f}, {.84f, .74f}}},
     "abcda cefgc"},
};
constexpr Skeleton kNine[] = {
    {7,
     {{{.80f, .20f}, {.52f, .00f}, {.20f, .20f}, {.30f, .48f}, {.62f, .46f}, {.76f, .62f}, {.66f, 1.0f}}},
     "abcdea afg"},
    {8,
     {{{.80f, .20f},
       {.52f, .00f},
       {.20f, .20f},
       {.30f, .48f},
       {.62f, .46f},
       {.84f, .64f},
       {.58f, .98f},
       {.18f, .92f}}},
     "abcdea afgh"},
};

constexpr std::array<std::span<const Skeleton>, 10> kSkeletons = {kZero, kOne, kTwo,   kThree, kFour,
                                                                  kFive, kSix, kSeven, kEight, kNine};

}  // namespace

std::span<const Skeleton> skeletons_of(int digit) {
  base::require(digit >= 0 && digit < 10, "there is no digit {}", digit);
  return kSkeletons[static_cast<std::size_t>(digit)];
}

}  // namespace eightfold::runtime::data
