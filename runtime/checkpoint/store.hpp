#pragma once

// The directory of a job's checkpoints: `step-00000100/` and so on, each complete or absent. A checkpoint is
// written to a temporary directory, synced and renamed. A crash at any point leaves the older ones untouched
// and at most `.tmp-` directories, which the next write removes (install.hpp). Symbolic links in the
// directory are neither followed nor counted. One process at a time writes there: the owner of a Store;
// readers need none. Called on rank 0 only, by one thread at a time.

#include "kernels/base/owner_file.hpp"
#include "runtime/checkpoint/manifest.hpp"
#include "runtime/checkpoint/safetensors.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::runtime::checkpoint {

// The right to write to a directory of checkpoints. `owner.json` in it has the process's name as long as this
// lives (kernels/base/owner_file.hpp).
class Store {
 public:
  // Makes the directory this process's own, and remembers the checkpoints in it. One that a crash left
  // without its name gets it again. Throws base::InUseError if another process owns it. Any other failure is
  // a warning: hold() will try again.
  explicit Store(std::filesystem::path directory);
  // Removes the directory if this has made it and nothing was written there.
  ~Store();
  Store(const Store&) = delete;  // there is one owner
  Store& operator=(const Store&) = delete;

  const std::filesystem::path& directory() const noexcept { return directory_; }

  // For Draft. Returns while the directory is this process's own; takes it again if its name was removed.
  // Throws EnvironmentError if it is another's, or if another has left a checkpoint meanwhile.
  void hold();
  // True if a checkpoint was there from the start, or was written through this. Only such ones are removed.
  bool knows(const std::filesystem::path& checkpoint) const;
  void remember(const std::filesystem::path& checkpoint);

 private:
  std::unique_ptr<base::OwnerFile> take();

  std::filesystem::path directory_;
  std::set<std::string> known_;  // names
  bool is_for_nothing_ = false;  // made by this, and nothing was written there yet
  std::unique_ptr<base::OwnerFile> owner_;
};

// The contents of a checkpoint that are the same on all ranks. Tensors are on the host and name parameters:
// "layer0.conv2d.weight" in `weights`, "momentum.layer0.conv2d.weight" in `optimizer`.
struct Contents {
  std::int64_t step = 0;
  int ranks = 0;
  std::string weight_hash;
  std::string config;  // resolved TOML
  std::vector<NamedTensor> weights;
  std::vector<NamedTensor> optimizer;
  std::uint64_t residual_bytes = 0;  // of all ranks together
  std::string data = {};             // text of kDataFile; empty: none is written
};

inline constexpr const char* kWeightsFile = "weights.safetensors";
inline constexpr const char* kOptimizerFile = "optimizer.safetensors";
inline constexpr const char* kConfigFile = "config.toml";
inline constexpr const char* kDataFile = "data.json";
// One rank's residual: the arena of its error feedback as it is, under the name "residual.rank3".
std::string residual_file(int rank);
std::string residual_name(int rank);

// A checkpoint that is being written, in a temporary directory. It becomes visible when it is published, and
// is removed otherwise. All members throw EnvironmentError, also when the store is no longer this process's
// own; complete checkpoints are then untouched.
class Draft {
 public:
  // Makes an empty directory for these contents, whose tensors publish() reads. Throws also unless 1.1 times
  // their size is free. `store` outlives this.
  Draft(Store& store, Contents contents);
  ~Draft();
  Draft(const Draft&) = delete;  // owns a directory
  Draft& operator=(const Draft&) = delete;

  // Writes the residual of `rank`.
  void add_residual(int rank, kernels::Tensor residual);
  // Writes the contents, reads all files back and renames the directory. Then removes, of the checkpoints
  // that the store knows, all but the newest `keep`, and those of later steps: training went back to before
  // them. Returns the directory.
  std::filesystem::path publish(std::int64_t keep);

 private:
  void add(const std::string& name, base::FileFacts facts);
  void add_text(const char* name, std::string_view text);
  void write_contents();

  Store& store_;
  std::filesystem::path target_, aside_;
  Contents contents_;
  Manifest manifest_;
};

// Writes a checkpoint as the owner of the directory, for the duration of the call.
std::filesystem::path save(const std::filesystem::path& directory, const Contents& contents,
                           std::int64_t keep);

struct Found {
  std::filesystem::path directory;
  Manifest manifest;
};

// One of its safetensors files, verified as it is opened. Throws DataError.
SafetensorsFile open_file(const Found& found, const std::string& name);

// The text of one of its files, verified as it is opened; nothing where its manifest lists none of that name.
// Throws DataError, also for one of more than a mebibyte.
std::optional<std::string> read_text(const Found& found, const std::string& name);

// The number of residuals in a checkpoint.
int residuals(const Manifest& manifest);

// An entry that is named like a checkpoint. It has no manifest if it is damaged or no directory.
struct Listed {
  std::filesystem::path directory;
  std::optional<Manifest> manifest;
  std::string problem;  // why there is no manifest
};
// By step.
std::vector<Listed> list(const std::filesystem::path& store);
// The newest entry with a manifest; its files are not checked. Nothing if there is none.
std::optional<Listed> newest_listed(const std::filesystem::path& store);

// True if a directory has a file with the name of a manifest. The file is not read.
bool has_manifest(const std::filesystem::path& directory);

// Throws DataError if nothing has this name.
void require_there(const std::filesystem::path& path);

// Throws DataError unless the manifest lists every file of a checkpoint and all of them agree with it.
void verify(const std::filesystem::path& directory, const Manifest& manifest);

// The newest checkpoint whose files all verify; each damaged newer one gives a warning. Nothing when there is
// no checkpoint at all; throws DataError when all are damaged.
std::optional<Found> newest(const std::filesystem::path& store);

// The checkpoint at `path`: a checkpoint itself, a store, or a run directory (then the newest one in it).
// Throws DataError when there is none or the one named is damaged.
Found find(const std::filesystem::path& path);

}  // namespace eightfold::runtime::checkpoint
