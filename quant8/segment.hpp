#pragma once

// The frame of an encoded segment in host memory: its header, and the hash behind it. Finds a disagreement
// between sender and receiver before a byte is decoded.

#include "quant8/format.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace eightfold::quant8 {

// Throws DataError unless the segment begins with the header that the receiver expects and has the length
// that follows from it. The message names what differs, on both sides: `sender` and `receiver` are words such
// as "rank 3".
void check_header(std::span<const std::byte> segment, const Header& expected, std::string_view sender,
                  std::string_view receiver);

// Writes the header, and zeros into the padding of both planes. A segment has wire_bytes() of its encoding.
void write_frame(std::span<std::byte> segment, const Encoding& encoding, const Header& header);

// Writes the hash of everything before it; a segment without room for one is left alone.
void write_hash(std::span<std::byte> segment, const Encoding& encoding, std::int64_t elements);

// Throws DataError, naming the sender, unless the bytes have the hash behind them.
void check_hash(std::span<const std::byte> segment, const Encoding& encoding, std::int64_t elements,
                std::string_view sender);

}  // namespace eightfold::quant8
