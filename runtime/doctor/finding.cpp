#include "runtime/doctor/finding.hpp"

#include <utility>

namespace eightfold::runtime::doctor {

std::string_view to_string(Status status) {
  switch (status) {
    case Status::pass:
      return "PASS";
    case Status::skip:
      return "SKIP";
    case Status::unknown:
      return "UNKNOWN";
    case Status::warn:
      return "WARN";
    case Status::fail:
      return "FAIL";
  }
  return {};
}

Finding pass(std::vector<Evidence> evidence) {
  return {Status::pass, std::move(evidence), {}, {}};
}

Finding skip(std::string reason) {
  return {Status::skip, {}, std::move(reason), {}};
}

Finding unknown(std::vector<Evidence> evidence, std::string reason, std::string fix) {
  return {Status::unknown, std::move(evidence), std::move(reason), std::move(fix)};
}

Finding warn(std::vector<Evidence> evidence, std::string consequence, std::string fix) {
  return {Status::warn, std::move(evidence), std::move(consequence), std::move(fix)};
}

Finding fail(std::vector<Evidence> evidence, std::string consequence, std::string fix) {
  return {Status::fail, std::move(evidence), std::move(consequence), std::move(fix)};
}

}  // namespace eightfold::runtime::doctor
