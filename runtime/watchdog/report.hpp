#pragma once

// Flight records as text.

#include "runtime/watchdog/witness.hpp"

#include <filesystem>
#include <functional>
#include <span>
#include <string>

namespace eightfold::runtime::watchdog {

// The rank's phase, its wait and its last events, oldest first, a line each.
std::string record_text(const base::FlightRecord& record);

// report.txt in `flight`: the reason why the ranks have ended.
std::filesystem::path report_file(const std::filesystem::path& flight);
// Writes `line` and the records of all ranks to it. Throws EnvironmentError.
void write_report(const std::filesystem::path& flight, const std::string& line,
                  std::span<const Witness> witnesses);
// Writes each record that can be read to a file of its own, rank-00003.txt, and calls `beat` before each.
// Throws EnvironmentError.
void write_records(const std::filesystem::path& flight, std::span<const Witness> witnesses,
                   const std::function<void()>& beat);

}  // namespace eightfold::runtime::watchdog
