#include "runtime/doctor/diagnosis.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <exception>
#include <iterator>
#include <utility>

namespace eightfold::runtime::doctor {
namespace {

// Eight GPUs say the same: a line has room for three, --json for all.
constexpr std::size_t kEvidencePerLine = 3;
constexpr std::array kMostUrgentFirst = {Status::fail, Status::warn, Status::unknown, Status::pass,
                                         Status::skip};

std::string text_of(const std::vector<Evidence>& evidence) {
  std::string text;
  for (const Evidence& fact : std::span(evidence).first(std::min(evidence.size(), kEvidencePerLine)))
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", fact.path, fact.value);
  if (evidence.size() > kEvidencePerLine)
    text += fmt::format(", {} more", evidence.size() - kEvidencePerLine);
  return text;
}

}  // namespace

std::string Diagnosis::anchor() const {
  return "docs/doctor.md#" + id;
}

std::vector<Check> all_checks() {
  std::vector<Check> all;
  for (const auto group :
       {driver_checks, gpudirect_checks, pci_checks, fabric_checks, software_checks, system_checks})
    std::ranges::copy(group(), std::back_inserter(all));
  return all;
}

Diagnosis examine(const Check& check, const Machine& machine) {
  Diagnosis diagnosis{std::string(check.id), {}};
  try {
    diagnosis.finding = check.examine(machine);
  } catch (const std::exception& failure) {
    diagnosis.finding = unknown({}, failure.what());
  }
  for (Evidence& fact : diagnosis.finding.evidence) {
    fact.path = printable(std::move(fact.path));
    fact.value = printable(std::move(fact.value));
  }
  return diagnosis;
}

std::vector<Diagnosis> examine(const Machine& machine) {
  std::vector<Diagnosis> diagnoses;
  for (const Check& check : all_checks()) diagnoses.push_back(examine(check, machine));
  return diagnoses;
}

Status worst(const std::vector<Diagnosis>& diagnoses) {
  Status status = Status::pass;
  for (const Diagnosis& diagnosis : diagnoses) status = std::max(status, diagnosis.finding.status);
  return status;
}

// A terminal obeys control characters, and JSON takes no broken UTF-8.
std::string printable(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

std::string report(const Diagnosis& diagnosis, std::string_view where) {
  const Finding& finding = diagnosis.finding;
  std::string text = fmt::format("{:7} {}", to_string(finding.status), diagnosis.id);
  if (!where.empty()) text += fmt::format(" [{}]", where);
  if (!finding.evidence.empty()) text += fmt::format(" {}", text_of(finding.evidence));
  if (finding.status == Status::skip) return text + fmt::format(" ({})\n", finding.consequence);
  text += "\n";
  if (finding.status == Status::pass) return text;
  text += fmt::format("        {}\n", finding.consequence);
  if (!finding.fix.empty()) text += fmt::format("        fix: {}\n", finding.fix);
  text += fmt::format("        see: {}\n", diagnosis.anchor());
  return text;
}

std::string report(const std::vector<Diagnosis>& diagnoses) {
  std::string text;
  for (const Status status : kMostUrgentFirst)
    for (const Diagnosis& each : diagnoses)
      if (each.finding.status == status && status != Status::skip) text += report(each);
  std::vector<std::string> skipped;
  for (const Diagnosis& each : diagnoses)
    if (each.finding.status == Status::skip) skipped.push_back(each.id);
  if (!skipped.empty()) text += fmt::format("{:7} {}\n", to_string(Status::skip), fmt::join(skipped, ", "));
  return text;
}

std::string totals(const std::vector<Diagnosis>& diagnoses) {
  std::vector<std::string> counts;
  for (const Status status : kMostUrgentFirst) {
    const auto count =
        std::ranges::count(diagnoses, status, [](const auto& each) { return each.finding.status; });
    if (count > 0) counts.push_back(fmt::format("{} {}", count, to_string(status)));
  }
  return fmt::format("{} checks: {}", diagnoses.size(), fmt::join(counts, ", "));
}

}  // namespace eightfold::runtime::doctor
