#include "tests/simt/settings.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace eightfold::simt {
namespace {

[[noreturn]] void refuse(const char* name, std::string_view value, const char* allowed) {
  std::fprintf(stderr, "simt: %s=%.*s: %s\n", name, static_cast<int>(value.size()), value.data(), allowed);
  std::exit(3);
}

template <class Number>
std::optional<Number> parse(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::string_view> variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string_view>(value);
}

void read_delay(std::string_view text, Settings& result) {
  const std::size_t slash = text.find('/');
  const auto probability = parse<double>(text.substr(0, slash));
  const auto microseconds = slash == text.npos ? std::nullopt : parse<std::uint64_t>(text.substr(slash + 1));
  if (!probability || !microseconds || *probability < 0 || *probability > 1)
    refuse("SIMT_DELAY", text, "must be PROBABILITY/MICROSECONDS, such as 0.3/200");
  result.delay_probability = *probability;
  result.max_delay_us = *microseconds;
}

int read_number(const char* name, int least, int most, int otherwise) {
  const auto text = variable(name);
  if (!text) return otherwise;
  const auto number = parse<int>(*text);
  if (!number || *number < least || *number > most)
    refuse(name, *text,
           ("must be a number from " + std::to_string(least) + " to " + std::to_string(most)).c_str());
  return *number;
}

bool read_switch(const char* name, bool otherwise) {
  return read_number(name, 0, 1, otherwise ? 1 : 0) == 1;
}

void read_hostility(Settings& result) {
  result.host_threads = read_number("SIMT_HOST_THREADS", 0, 1, kDefaultHostThreads);
  result.queues = read_number("SIMT_QUEUES", 0, kMostQueues, kDefaultQueues);
  result.is_lazy = read_switch("SIMT_LAZY", kDefaultLazy);
  result.is_pageable_locking = read_switch("SIMT_PAGEABLE", kDefaultPageable);
  result.is_device_strict = read_switch("SIMT_STRICT_DEVICE", result.devices > 1);
  result.deadlock_ms = read_number("SIMT_DEADLOCK", 0, 3'600'000, 0);
}

Settings read() {
  Settings result;
  result.seed = std::random_device{}();
  if (const auto text = variable("SIMT_SEED")) {
    const auto seed = parse<std::uint64_t>(*text);
    if (!seed) refuse("SIMT_SEED", *text, "must be a whole number");
    result.seed = *seed;
    result.is_seed_given = true;
  }
  if (const auto text = variable("SIMT_DELAY")) read_delay(*text, result);
  if (const auto text = variable("SIMT_DEVICES")) {
    const auto devices = parse<int>(*text);
    if (!devices || *devices < 0) refuse("SIMT_DEVICES", *text, "must be a number of devices");
    result.devices = *devices;
  }
  read_hostility(result);
  result.kernels_directory = variable("SIMT_KERNELS").value_or("");
  return result;
}

}  // namespace

const Settings& settings() {
  static const Settings result = read();
  return result;
}

}  // namespace eightfold::simt
