#pragma once

// The generated data set: handwriting-like digits, so that every example, test and benchmark runs without a
// download. A sample is a pure function of (seed, part, index) and has the same bytes on every machine. It is
// computed with additions, multiplications, divisions and square roots only, which IEEE 754 rounds in one
// way.
//
// A digit is a skeleton of strokes (runtime/data/digit_skeletons.hpp) whose control points are moved a little
// each. The whole is then scaled, slanted, turned and shifted. It is drawn with a pen of random width,
// softness and strength over up to two faint stray strokes. Noise covers the image. The spread is chosen so
// that a small convolutional net learns the task well from the default 20,000 samples and a linear classifier
// does not.

#include "runtime/data/source.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace eightfold::runtime::data {

inline constexpr SampleShape kDigitShape{28, 28, 1};
inline constexpr std::int64_t kDigitClasses = 10;

// The parts share no sample.
enum class DigitPart { train, test };

// Draws sample `index` (below 2^32) over `image`, kDigitShape.bytes() of them, and returns its class. Every
// ten samples starting at a multiple of ten hold each class once, in random order.
std::int32_t draw_digit(std::uint64_t seed, DigitPart part, std::int64_t index,
                        std::span<std::uint8_t> image);

// The first `count` samples of a part, drawn once and kept in memory.
std::shared_ptr<const Source> make_digits(std::uint64_t seed, DigitPart part, std::int64_t count);

// Writes the first samples of both parts into `directory` as four IDX files. They have the default names of
// IdxOptions and replace files of those names. Requires: train, test >= 1.
void write_digits(const std::filesystem::path& directory, std::uint64_t seed, std::int64_t train,
                  std::int64_t test);

}  // namespace eightfold::runtime::data
