#pragma once

// The names of a job's enumerators in a config file, in messages and in records. The position of a name is
// the value of its enumerator.

#include "runtime/config/job.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace eightfold::runtime::config {

// Specialised below for every enumeration that a config file can name.
template <class Enum>
inline constexpr std::array<std::string_view, 0> kNames;

template <>
inline constexpr std::array<std::string_view, 3> kNames<DeviceChoice> = {"auto", "host", "cuda"};
template <>
inline constexpr std::array<std::string_view, 3> kNames<ScheduleKind> = {"constant", "step", "cosine"};
template <>
inline constexpr std::array<std::string_view, 3> kNames<ErrorFeedback> = {"auto", "on", "off"};
template <>
inline constexpr std::array<std::string_view, 2> kNames<quant8::Rounding> = {"nearest", "stochastic"};
template <>
inline constexpr std::array<std::string_view, 2> kNames<quant8::Scaling> = {"block", "tensor"};
template <>
inline constexpr std::array<std::string_view, 3> kNames<Transport> = {"auto", "staged", "direct"};

template <>
inline constexpr std::array<std::string_view, 3> kNames<NonFinite> = {"off", "stop", "skip"};
template <>
inline constexpr std::array<std::string_view, 2> kNames<SpikePolicy> = {"stop", "skip"};

template <class Enum>
  requires(!kNames<Enum>.empty())
constexpr std::string_view to_string(Enum value) {
  return kNames<Enum>[static_cast<std::size_t>(value)];
}

}  // namespace eightfold::runtime::config
