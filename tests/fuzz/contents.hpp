#pragma once

#include "tests/fuzz/target.hpp"

#include <vector>

namespace eightfold::fuzz {

// The contents of a file: those of all members of a gzip file, up to the first damage; any other file's own
// bytes. The oracle of runtime/data/byte_stream.hpp: slow, and all in memory.
std::vector<std::uint8_t> contents_of(Input file);

}  // namespace eightfold::fuzz
