#pragma once

// Flight records as text, for people.

#include "runtime/watchdog/witness.hpp"

#include <filesystem>
#include <functional>
#include <span>
#include <string>

namespace eightfold::runtime::watchdog {

// What a record says: where the rank is, what it waits for, and its last events, oldest first, a line each.
std::string record_text(const base::FlightRecord& record);

// report.txt in `flight`: why ranks have ended because of another.
std::filesystem::path report_file(const std::filesystem::path& flight);
// Writes `line` and the records of all ranks to it. Throws EnvironmentError.
void write_report(const std::filesystem::path& flight, const std::string& line,
                  std::span<const Witness> witnesses);
// Writes each record that can be read to a file of its own, rank-00003.txt, and calls `beat` before each.
// Throws EnvironmentError.
void write_records(const std::filesystem::path& flight, std::span<const Witness> witnesses,
                   const std::function<void()>& beat);

}  // namespace eightfold::runtime::watchdog
