#pragma once

// Gives directories the names of checkpoints and takes these away, for the owner of a store (store.hpp). A
// directory whose name begins with `.tmp-` lies aside: it is being written, removed or replaced, and no
// reader takes it for a checkpoint. A crash at any point leaves each replaced checkpoint, or the one that
// replaces it, in the store; without an exchange of names (RENAME_EXCHANGE; NFS has none) perhaps aside.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace eightfold::runtime::checkpoint {

std::string directory_name(std::int64_t step);
// The name aside under which this process keeps `name`.
std::filesystem::path path_aside(const std::filesystem::path& store, std::string_view name);

// Removes a directory that nobody must take for a checkpoint any more. A failure is a warning. Symbolic links
// are removed, not followed.
void discard(const std::filesystem::path& store, const std::filesystem::path& directory);

// Gives a finished directory its name; a checkpoint that had it goes. Throws EnvironmentError, and the name
// is again that of the older checkpoint.
void install(const std::filesystem::path& aside, const std::filesystem::path& target);

// Gives a checkpoint its name again where a crash came between the two renames that replace one.
void restore_replaced(const std::filesystem::path& store);
// Removes what lies aside, after restore_replaced().
void remove_leftovers(const std::filesystem::path& store);

}  // namespace eightfold::runtime::checkpoint
