#include "launch/command.hpp"

#include "comm/agreed_error.hpp"
#include "kernels/base/log.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace eightfold::launch {
namespace {

base::ExitCode report(const std::exception& failure) {
  const auto* error = dynamic_cast<const base::Error*>(&failure);
  if (error != nullptr && error->exit_code() != base::ExitCode::internal) {
    base::log_error("{}", failure.what());
    return error->exit_code();
  }
  const std::string place =
      error == nullptr ? "" : fmt::format(" ({}:{})", error->where().file_name(), error->where().line());
  base::log_error("a defect of eightfold: {}{}", failure.what(), place);
  return base::ExitCode::internal;
}

base::ExitCode report_agreed(const comm::AgreedError& error, const comm::Communicator& world) {
  if (world.rank() != error.rank()) return error.exit_code();
  return report(error);
}

// Better to know before the work than after it. CLI11 takes an empty text for consent.
std::string can_hold_file(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string directory = parent.empty() ? "." : parent.string();
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    return fmt::format("cannot write {}: {}", path, std::strerror(EISDIR));
  if (::access(directory.c_str(), W_OK | X_OK) == 0) return {};
  return fmt::format("cannot write {}: {}: {}", path, directory, std::strerror(errno));
}

}  // namespace

void add_json_option(CLI::App& command, std::string& path) {
  command.add_option("--json", path, "Write the result and the environment to FILE as JSON")
      ->type_name("FILE")
      ->check(can_hold_file);
}

base::ExitCode with_ranks(const std::function<void(comm::Environment&)>& action) {
  std::unique_ptr<comm::Environment> environment;
  try {
    environment = std::make_unique<comm::Environment>();
    action(*environment);
    environment->close();
    return base::ExitCode::done;
  } catch (const comm::AgreedError& error) {
    return report_agreed(error, environment->world());
  } catch (const std::exception& failure) {
    const base::ExitCode code = report(failure);
    // The others do not know and may wait for this rank for ever.
    if (environment != nullptr && environment->world().size() > 1) environment->abort(code);
    return code;
  }
}

base::ExitCode alone(const std::function<void()>& action) {
  try {
    action();
    return base::ExitCode::done;
  } catch (const std::exception& failure) {
    return report(failure);
  }
}

}  // namespace eightfold::launch
