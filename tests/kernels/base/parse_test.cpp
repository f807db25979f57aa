#include "kernels/base/parse.hpp"

#include "tests/support/test.hpp"

#include <array>
#include <limits>

using namespace eightfold::base;
using namespace std::chrono_literals;

TEST_CASE("byte counts are read with binary and decimal units") {
  CHECK(parse_bytes("0") == 0);
  CHECK(parse_bytes("17B") == 17);
  CHECK(parse_bytes("64KiB") == 65536);
  CHECK(parse_bytes("64kB") == 64000);
  CHECK(parse_bytes("16777215TiB") == 16777215ULL << 40);
  for (const char* wrong :
       {"", "MiB", "-1", "1.5MiB", "1 MiB", "1mib", "16777216TiB", "1MiBx", "99999999999999999999"})
    CHECK_FALSE(parse_bytes(wrong).has_value());
}

TEST_CASE("format_bytes is the inverse of parse_bytes") {
  CHECK(format_bytes(64 << 20) == "64MiB");
  CHECK(format_bytes(1000) == "1000B");
  for (const std::uint64_t bytes :
       {0ULL, 1ULL, 1023ULL, 1024ULL, 1536ULL, 1ULL << 40, std::numeric_limits<unsigned long long>::max()})
    CHECK(parse_bytes(format_bytes(bytes)) == bytes);
}

TEST_CASE("durations need a unit") {
  CHECK(parse_duration("10s") == 10s);
  CHECK(parse_duration("1.5ms") == 1500us);
  CHECK(parse_duration("2min") == 2min);
  CHECK(parse_duration("0s") == 0ns);
  for (const char* wrong : {"", "10", "s", "-1s", "1 s", "1e30h", "10sec"})
    CHECK_FALSE(parse_duration(wrong).has_value());
  for (const std::chrono::nanoseconds duration : {0ns, 1ns, 999ns, 1500000ns, 90000000000ns})
    CHECK(parse_duration(format_duration(duration)) == duration);
}

TEST_CASE("numbers are taken whole or not at all") {
  CHECK(parse_integer("-12") == -12);
  CHECK_FALSE(parse_integer("12.0"));
  CHECK_FALSE(parse_integer("12 "));
  CHECK(parse_real("1e-3") == 1e-3);
  CHECK_FALSE(parse_real("1e-3x"));
}

TEST_CASE("the nearest name is offered only when it is near") {
  constexpr std::array<std::string_view, 3> names = {"learning_rate", "momentum", "nesterov"};
  CHECK(nearest_name("learning_rat", names) == "learning_rate");
  CHECK(nearest_name("momentun", names) == "momentum");
  CHECK(nearest_name("batch", names).empty());
}

TEST_CASE("UTF-8 is told from other bytes") {
  for (const char* text : {"", "a", "\xC3\xA4", "\xE2\x82\xAC", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "a\xC3\xA4z"})
    CHECK(is_utf8(text));
  for (const char* text :
       {"\xFF", "\x80", "\xC3", "\xC3z", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "a\xE4z"})
    CHECK_FALSE(is_utf8(text));
}
