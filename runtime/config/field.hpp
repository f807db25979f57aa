#pragma once

// Makes keys from pointers to members, so that the table names each field once and its type follows from it.

#include "kernels/base/parse.hpp"
#include "kernels/base/path.hpp"
#include "quant8/format.hpp"
#include "runtime/config/key.hpp"
#include "runtime/config/names.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace eightfold::runtime::config {

// The form of fields of one C++ type in a file. An enumeration: by name.
template <class Enum>
struct FieldOf {
  static constexpr Type type = Type::choice;
  static constexpr std::span<const std::string_view> choices = kNames<Enum>;
  static Value read(Enum field) { return std::string(to_string(field)); }
  static Enum write(const Value& value) {
    return static_cast<Enum>(std::ranges::find(choices, std::get<std::string>(value)) - choices.begin());
  }
};

// A format of quant8, by its own name.
template <>
struct FieldOf<quant8::Format> {
  static constexpr Type type = Type::choice;
  static inline const std::vector<std::string_view> choices = [] {
    std::vector<std::string_view> names;
    for (const quant8::Format format : quant8::all_formats()) names.push_back(to_string(format));
    return names;
  }();
  static Value read(quant8::Format field) { return std::string(to_string(field)); }
  static quant8::Format write(const Value& value) {
    return quant8::parse_format(std::get<std::string>(value)).value();
  }
};

// Types that a Value holds as they are.
template <class Field, Type kType>
struct PlainField {
  static constexpr Type type = kType;
  static constexpr std::span<const std::string_view> choices = {};
  static Value read(const Field& field) { return field; }
  static Field write(const Value& value) { return std::get<Field>(value); }
};
template <>
struct FieldOf<bool> : PlainField<bool, Type::boolean> {};
template <>
struct FieldOf<std::int64_t> : PlainField<std::int64_t, Type::integer> {};
template <>
struct FieldOf<std::string> : PlainField<std::string, Type::text> {};
template <>
struct FieldOf<std::vector<std::int64_t>> : PlainField<std::vector<std::int64_t>, Type::integers> {};

template <>
struct FieldOf<double> : PlainField<double, Type::real> {
  static double write(const Value& value) {
    const auto* whole = std::get_if<std::int64_t>(&value);  // "2" where 2.0 is meant
    return whole != nullptr ? static_cast<double>(*whole) : std::get<double>(value);
  }
};

template <>
struct FieldOf<std::chrono::nanoseconds> : PlainField<std::string, Type::duration> {
  static Value read(std::chrono::nanoseconds field) { return base::format_duration(field); }
  static std::chrono::nanoseconds write(const Value& value) {
    return base::parse_duration(std::get<std::string>(value)).value();
  }
};

template <>
struct FieldOf<int> : PlainField<std::int64_t, Type::integer> {
  static Value read(int field) { return std::int64_t{field}; }
  static int write(const Value& value) { return static_cast<int>(std::get<std::int64_t>(value)); }
};

// Integers of TOML are signed; a key with such a field starts its range at 0.
template <>
struct FieldOf<std::uint64_t> : PlainField<std::int64_t, Type::integer> {
  static Value read(std::uint64_t field) { return static_cast<std::int64_t>(field); }
  static std::uint64_t write(const Value& value) {
    return static_cast<std::uint64_t>(std::get<std::int64_t>(value));
  }
};

// Seconds, written in a smaller unit of which a second has kPerSecond.
template <std::int64_t kPerSecond>
struct TimeField : PlainField<double, Type::real> {
  static Value read(double seconds) { return number_that_becomes(seconds, kPerSecond); }
  static double write(const Value& value) {
    return FieldOf<double>::write(value) / static_cast<double>(kPerSecond);
  }
};
using Milliseconds = TimeField<1'000>;
using Microseconds = TimeField<1'000'000>;
using Nanoseconds = TimeField<1'000'000'000>;

// A path, written as users do and expanded on its way in.
struct PathField : PlainField<std::string, Type::path> {
  static Value read(const std::string& field) { return base::literal_path(field); }
  static std::string write(const Value& value) {
    return base::expand_path(std::get<std::string>(value)).path;
  }
};

// A text that is one of the names of a registry, which outlive the key.
template <class Owner>
Key<Owner> name_field(std::string_view name, std::string Owner::*member,
                      std::span<const std::string_view> names, Facts facts) {
  return {{std::move(facts), name, Type::choice, names},
          [member](const Owner& owner) { return Value(owner.*member); },
          [member](Owner& owner, const Value& value) { owner.*member = std::get<std::string>(value); }};
}

// A number of bytes, written as a size.
struct SizeField : PlainField<std::string, Type::bytes> {
  static Value read(std::uint64_t field) { return base::format_bytes(field); }
  static std::uint64_t write(const Value& value) {
    return base::parse_bytes(std::get<std::string>(value)).value();
  }
};

template <class Kind, class Owner, class Field>
Key<Owner> field_as(std::string_view name, Field Owner::*member, Facts facts) {
  return {{std::move(facts), name, Kind::type, Kind::choices},
          [member](const Owner& owner) { return Kind::read(owner.*member); },
          [member](Owner& owner, const Value& value) { owner.*member = Kind::write(value); }};
}

template <class Owner, class Field>
Key<Owner> field(std::string_view name, Field Owner::*member, Facts facts) {
  return field_as<FieldOf<Field>>(name, member, std::move(facts));
}

// The keys of a struct as keys of one that is derived from it.
template <class Derived, class Base>
std::vector<Key<Derived>> keys_of_base(const std::vector<Key<Base>>& keys) {
  std::vector<Key<Derived>> result;
  for (const Key<Base>& key : keys) result.push_back({static_cast<const KeyFacts&>(key), key.get, key.set});
  return result;
}

// The keys of a struct as keys of what holds it.
template <class Owner, class Part>
Section<Owner> section(std::string_view name, std::string_view help, Part Owner::*part,
                       std::vector<Key<Part>> keys) {
  Section<Owner> result{name, help, {}};
  for (Key<Part>& key : keys)
    result.keys.push_back(
        {static_cast<KeyFacts&>(key),
         [part, get = std::move(key.get)](const Owner& owner) { return get(owner.*part); },
         [part, set = std::move(key.set)](Owner& owner, const Value& value) { set(owner.*part, value); }});
  return result;
}

}  // namespace eightfold::runtime::config
