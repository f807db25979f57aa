#include "launch/command.hpp"

#include "comm/agreed_error.hpp"
#include "kernels/base/log.hpp"

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

}  // namespace

void add_json_option(CLI::App& command, std::string& path) {
  command.add_option("--json", path, "Write the result and the environment to FILE as JSON")
      ->type_name("FILE");
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
