#pragma once

// The directory of a job's checkpoints: `step-00000100/` and so on, each complete or absent. Writing goes
// aside, is synced and renamed; a crash at any point leaves the older ones untouched and at most a `.tmp-`
// directory, which the next write removes. Symbolic links in it are neither followed nor counted. One process
// at a time writes there: the owner of a Store. Who only reads needs none. Called on rank 0 only, by one
// thread at a time.

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
  // Makes the directory this process's own, and remembers what is there. Throws base::InUseError if another
  // process has it. What else the machine refuses is a warning: hold() will try again.
  explicit Store(std::filesystem::path directory);
  // Leaves no directory that it has made for nothing.
  ~Store();
  Store(const Store&) = delete;  // there is one owner
  Store& operator=(const Store&) = delete;

  const std::filesystem::path& directory() const noexcept { return directory_; }

  // For Draft. Returns while the directory is this process's own; takes it again if its name was removed.
  // Throws EnvironmentError if it is another's, or if another has left a checkpoint meanwhile.
  void hold();
  // Whether a checkpoint was there from the start, or was written through this. No other is removed.
  bool knows(const std::filesystem::path& checkpoint) const;
  void remember(const std::filesystem::path& checkpoint);

 private:
  std::unique_ptr<base::OwnerFile> take();

  std::filesystem::path directory_;
  std::set<std::string> known_;  // names
  bool is_for_nothing_ = false;  // made by this, and nothing was written there yet
  std::unique_ptr<base::OwnerFile> owner_;
};

// What a checkpoint holds of what all ranks have alike. Tensors are on the host and name parameters:
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

// A checkpoint that is being written, aside: until it is published there is none, and if it never is, nothing
// is left of it. All members throw EnvironmentError, also when the store is no longer this process's own;
// then no complete checkpoint has been touched.
class Draft {
 public:
  // Makes an empty directory for these contents, whose tensors publish() reads. Throws also unless 1.1 times
  // their size is free. `store` outlives this.
  Draft(Store& store, Contents contents);
  ~Draft();
  Draft(const Draft&) = delete;  // owns a directory
  Draft& operator=(const Draft&) = delete;

  // Writes what `rank` has for itself.
  void add_residual(int rank, kernels::Tensor residual);
  // Writes the contents, reads all back and makes it a checkpoint; then removes, of those that the store
  // knows, all but the newest `keep`, and those of later steps: training went back to before them. Returns
  // its directory.
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

// Drafts and publishes, as the owner for as long as that takes.
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

// How many ranks' residuals a checkpoint holds.
int residuals(const Manifest& manifest);

// What looks like a checkpoint, by step. One that is damaged, or no directory, has no manifest.
struct Listed {
  std::filesystem::path directory;
  std::optional<Manifest> manifest;
  std::string problem;  // why there is no manifest
};
std::vector<Listed> list(const std::filesystem::path& store);
// The newest of them with a manifest, whose files are not looked at; nothing if there is none.
std::optional<Listed> newest_listed(const std::filesystem::path& store);

// Whether a directory has the manifest of a checkpoint, whatever that is worth.
bool has_manifest(const std::filesystem::path& directory);

// Throws DataError unless the manifest lists every file of a checkpoint and all of them agree with it.
void verify(const std::filesystem::path& directory, const Manifest& manifest);

// The newest checkpoint whose files all verify; damaged newer ones are passed over with a warning each.
// Nothing when there is none at all; DataError when there are only damaged ones.
std::optional<Found> newest(const std::filesystem::path& store);

// The checkpoint at `path`: a checkpoint itself, a store, or a run directory (then the newest one in it).
// Throws DataError when there is none or the one named is damaged.
Found find(const std::filesystem::path& path);

}  // namespace eightfold::runtime::checkpoint
