#include "runtime/checkpoint/store.hpp"

#include "kernels/base/clock.hpp"
#include "kernels/base/counted.hpp"
#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"
#include "runtime/checkpoint/install.hpp"
#include "runtime/telemetry/version.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <span>
#include <utility>

namespace eightfold::runtime::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "step-";
constexpr const char* kOwnerFile = "owner.json";

// Throws EnvironmentError unless a checkpoint of so many bytes finds room, and a tenth more: others write to
// the same disk. A file system that cannot tell, or does not count its blocks, is not asked.
void require_space(const fs::path& directory, std::uint64_t bytes) {
  struct statvfs facts {};
  const bool has_facts = ::statvfs(directory.c_str(), &facts) == 0;
  if (!has_facts && (errno == ENOSYS || errno == EOPNOTSUPP)) return;
  if (!has_facts)
    base::raise<base::EnvironmentError>("cannot ask for the free space of {}: {}", directory.string(),
                                        std::strerror(errno));
  const std::uint64_t needed = bytes + bytes / 10;
  const std::uint64_t free = std::uint64_t{facts.f_bavail} * facts.f_frsize;
  if (facts.f_blocks > 0 && free < needed)
    base::raise<base::EnvironmentError>("no space in {}: {} bytes are free, a checkpoint needs {}",
                                        directory.string(), free, needed);
}

std::uint64_t bytes_of(const Contents& contents) {
  std::uint64_t bytes = contents.config.size() + contents.data.size() + contents.residual_bytes;
  for (const auto* tensors : {&contents.weights, &contents.optimizer})
    for (const NamedTensor& named : *tensors) bytes += named.tensor.bytes();
  return bytes;
}

// The step a directory's name claims; nothing for any other name.
std::optional<std::int64_t> step_of(const fs::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  return base::parse_integer(std::string_view(name).substr(kPrefix.size()));
}

// Of the checkpoints that the store knows, those beyond `step` belong to a branch of training that somebody
// went back from; of the others the newest `keep` stay. What was just written is never among those removed.
void remove_all_but(const Store& store, std::int64_t step, std::int64_t keep) {
  std::vector<Listed> all = list(store.directory());
  std::erase_if(all,
                [&](const Listed& listed) { return !listed.manifest || !store.knows(listed.directory); });
  while (!all.empty() && all.back().manifest->step > step) {
    base::log_info("removing {}: training went back to before it", all.back().directory.string());
    discard(store.directory(), all.back().directory);
    all.pop_back();
  }
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep) < all.size(); ++i)
    discard(store.directory(), all[i].directory);
}

}  // namespace

Store::Store(fs::path directory) : directory_(std::move(directory)) {
  std::error_code ignored;
  is_for_nothing_ = !fs::exists(directory_, ignored);
  try {
    // Another owner ends the run at once. A disk that is full or read-only may have recovered by the first
    // checkpoint.
    owner_ = take();
    restore_replaced(directory_);
    for (const Listed& each : list(directory_)) remember(each.directory);
  } catch (const base::InUseError&) {
    throw;
  } catch (const base::EnvironmentError& failure) {
    base::log_warn("{}; no checkpoint can be written as long as that is so", failure.what());
  }
}

Store::~Store() {
  owner_.reset();
  if (is_for_nothing_) ::rmdir(directory_.c_str());  // fails if there is anything
}

std::unique_ptr<base::OwnerFile> Store::take() {
  base::create_private_directories(directory_);
  return std::make_unique<base::OwnerFile>(directory_ / kOwnerFile, directory_.string());
}

void Store::hold() {
  is_for_nothing_ = false;
  if (owner_ && owner_->is_mine()) return;
  owner_.reset();
  // While this process was not the owner, another may have written. Its checkpoints stay: owner_ is set only
  // if there are none.
  std::unique_ptr<base::OwnerFile> owner = take();
  for (const Listed& each : list(directory_))
    if (!knows(each.directory))
      base::raise<base::EnvironmentError>("{}: another process has written it meanwhile",
                                          each.directory.string());
  owner_ = std::move(owner);
}

bool Store::knows(const fs::path& checkpoint) const {
  return known_.contains(checkpoint.filename().string());
}

void Store::remember(const fs::path& checkpoint) {
  known_.insert(checkpoint.filename().string());
}

std::string residual_file(int rank) {
  return fmt::format("residual-{:05}.safetensors", rank);
}

std::string residual_name(int rank) {
  return fmt::format("residual.rank{}", rank);
}

SafetensorsFile open_file(const Found& found, const std::string& name) {
  const auto file = std::ranges::find(found.manifest.files, name, &Manifest::File::name);
  if (file == found.manifest.files.end())
    base::raise<base::DataError>("{}: its manifest does not list {}", found.directory.string(), name);
  return SafetensorsFile(open_verified(found.directory, *file));
}

std::optional<std::string> read_text(const Found& found, const std::string& name) {
  constexpr std::uint64_t kLimit = 1 << 20;
  const auto listed = std::ranges::find(found.manifest.files, name, &Manifest::File::name);
  if (listed == found.manifest.files.end()) return std::nullopt;
  const base::InputFile file = open_verified(found.directory, *listed);
  if (file.bytes() > kLimit)
    base::raise<base::DataError>("{}: {} bytes; at most {} are allowed", file.path().string(), file.bytes(),
                                 kLimit);
  std::string text(file.bytes(), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  return text;
}

int residuals(const Manifest& manifest) {
  int count = 0;
  while (std::ranges::find(manifest.files, residual_file(count), &Manifest::File::name) !=
         manifest.files.end())
    ++count;
  return count;
}

Draft::Draft(Store& store, Contents contents)
    : store_(store),
      target_(store.directory() / directory_name(contents.step)),
      aside_(path_aside(store.directory(), target_.filename().string())),
      contents_(std::move(contents)),
      manifest_{contents_.step,    contents_.ranks,      contents_.weight_hash,
                base::utc_stamp(), telemetry::version(), {}} {
  store_.hold();
  // What lies aside belongs to no live process: only the owner writes here, and this process has no other
  // draft.
  remove_leftovers(store_.directory());
  require_space(store_.directory(), bytes_of(contents_));
  base::create_private_directories(aside_);
}

Draft::~Draft() {
  std::error_code ignored;
  fs::remove_all(aside_, ignored);  // published, it has another name
}

void Draft::add(const std::string& name, base::FileFacts facts) {
  manifest_.files.push_back({name, facts.bytes, std::move(facts.xxh3_128)});
}

void Draft::add_text(const char* name, std::string_view text) {
  base::DurableFile file(aside_ / name);
  file.write(std::as_bytes(std::span(text)));
  add(name, file.close());
}

void Draft::add_residual(int rank, kernels::Tensor residual) {
  add(residual_file(rank), write_safetensors(aside_ / residual_file(rank), {{residual_name(rank), residual}},
                                             {{"step", std::to_string(manifest_.step)}}));
}

// A checkpoint becomes visible in this order. Each file is written aside and synced, the manifest last,
// because it names the hashes of the others. The directory aside is synced, and every file is read back and
// compared. One rename then gives the directory its name, and the store is synced. Only after that do older
// checkpoints go: a crash at any point leaves a complete one.
void Draft::write_contents() {
  const std::map<std::string, std::string> metadata = {{"step", std::to_string(manifest_.step)}};
  add(kWeightsFile, write_safetensors(aside_ / kWeightsFile, contents_.weights, metadata));
  add(kOptimizerFile, write_safetensors(aside_ / kOptimizerFile, contents_.optimizer, metadata));
  add_text(kConfigFile, contents_.config);
  if (!contents_.data.empty()) add_text(kDataFile, contents_.data);
  write_manifest(aside_, manifest_);
  base::sync_directory(aside_);
}

fs::path Draft::publish(std::int64_t keep) {
  write_contents();
  try {
    verify(aside_, read_manifest(aside_));  // before anything older goes
  } catch (const base::DataError& error) {
    base::raise<base::EnvironmentError>("what was written does not read back: {}", error.what());
  }
  store_.hold();  // writing may have taken long
  std::error_code ignored;
  if (fs::exists(fs::symlink_status(target_, ignored)) && !store_.knows(target_))
    base::raise<base::EnvironmentError>("{} is there: another process has written it", target_.string());
  install(aside_, target_);
  store_.remember(target_);
  remove_all_but(store_, manifest_.step, keep);
  return target_;
}

fs::path save(const fs::path& directory, const Contents& contents, std::int64_t keep) {
  Store store(directory);
  return Draft(store, contents).publish(keep);
}

std::vector<Listed> list(const fs::path& store) {
  std::vector<std::pair<std::int64_t, fs::path>> steps;
  std::error_code failure;
  for (fs::directory_iterator entry(store, failure); entry != fs::directory_iterator();
       entry.increment(failure))
    if (const auto step = step_of(entry->path())) steps.emplace_back(*step, entry->path());
  if (failure && failure != std::errc::no_such_file_or_directory && failure != std::errc::not_a_directory)
    base::raise<base::EnvironmentError>("cannot read the folder {}: {}", store.string(), failure.message());
  std::sort(steps.begin(), steps.end());
  std::vector<Listed> all;
  for (const auto& [step, directory] : steps) {
    try {
      const fs::file_status status = fs::symlink_status(directory, failure);
      if (status.type() == fs::file_type::none)
        base::raise<base::DataError>("{}: {}", directory.string(), failure.message());
      if (fs::is_symlink(status))
        base::raise<base::DataError>("{}: a symbolic link, which is not followed", directory.string());
      all.push_back({directory, read_manifest(directory), {}});
    } catch (const base::Error& error) {
      all.push_back({directory, std::nullopt, error.what()});
    }
  }
  return all;
}

std::optional<Listed> newest_listed(const fs::path& store) {
  std::vector<Listed> all = list(store);
  const auto found =
      std::find_if(all.rbegin(), all.rend(), [](const Listed& each) { return each.manifest.has_value(); });
  return found == all.rend() ? std::nullopt : std::optional(std::move(*found));
}

bool has_manifest(const fs::path& directory) {
  std::error_code ignored;
  return fs::exists(directory / "manifest.json", ignored);
}

void require_there(const fs::path& path) {
  std::error_code ignored;
  if (fs::status(path, ignored).type() == fs::file_type::not_found)
    base::raise<base::DataError>("{}: there is nothing of this name", path.string());
}

void verify(const fs::path& directory, const Manifest& manifest) {
  for (const char* name : {kWeightsFile, kOptimizerFile, kConfigFile})
    if (std::ranges::find(manifest.files, name, &Manifest::File::name) == manifest.files.end())
      base::raise<base::DataError>("{}: its manifest does not list {}", directory.string(), name);
  verify_files(directory, manifest);
}

std::optional<Found> newest(const fs::path& store) {
  std::vector<Listed> all = list(store);
  for (auto candidate = all.rbegin(); candidate != all.rend(); ++candidate) {
    try {
      if (!candidate->manifest) base::raise<base::DataError>("{}", candidate->problem);
      verify(candidate->directory, *candidate->manifest);
      return Found{candidate->directory, *candidate->manifest};
    } catch (const base::Error& error) {
      base::log_warn("passing over the checkpoint {}: {}", candidate->directory.string(), error.what());
    }
  }
  // Starting at step 0 in silence would lose work that somebody may still recover from these files.
  if (!all.empty())
    base::raise<base::DataError>("{}: {} there, none whole; remove all to start afresh", store.string(),
                                 base::counted(all.size(), "checkpoint"));
  return std::nullopt;
}

Found find(const fs::path& path) {
  if (has_manifest(path)) {
    Manifest manifest = read_manifest(path);
    verify(path, manifest);
    return {path, std::move(manifest)};
  }
  require_there(path);
  for (const fs::path& store : {path, path / "checkpoints"})
    if (auto found = newest(store)) return *found;
  base::raise<base::DataError>(
      "{}: no complete checkpoint there; name a checkpoint (step-...), a folder of them or a run "
      "directory",
      path.string());
}

}  // namespace eightfold::runtime::checkpoint
