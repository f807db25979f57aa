#include "tests/simt/symbol.hpp"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <link.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

namespace eightfold::simt {
namespace {

// Kept: programs are large, and several names are asked for at a time.
const std::string& contents(const std::string& path) {
  static std::mutex mutex;
  static auto& files = *new std::map<std::string, std::string>;  // asked at the program's very end
  const std::lock_guard lock(mutex);
  std::string& file = files[path];
  if (file.empty()) {
    std::ifstream stream(path, std::ios::binary);
    file.assign(std::istreambuf_iterator<char>(stream), {});
  }
  return file;
}

std::string demangled(const char* name) {
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, nullptr),
                                                    &std::free);
  return text ? text.get() : name;
}

// The name of the function that covers `offset` from where the file was loaded.
std::string symbol_at(const std::string& file, std::uintptr_t offset) {
  if (file.size() < sizeof(ElfW(Ehdr)) || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0) return {};
  const auto at = [&](auto* type, std::size_t position) {
    return reinterpret_cast<decltype(type)>(file.data() + position);
  };
  const auto* header = at(static_cast<const ElfW(Ehdr)*>(nullptr), 0);
  const std::span sections(at(static_cast<const ElfW(Shdr)*>(nullptr), header->e_shoff), header->e_shnum);
  for (const ElfW(Shdr) & section : sections) {
    if (section.sh_type != SHT_SYMTAB) continue;
    const char* names = file.data() + sections[section.sh_link].sh_offset;
    const std::span symbols(at(static_cast<const ElfW(Sym)*>(nullptr), section.sh_offset),
                            section.sh_size / sizeof(ElfW(Sym)));
    for (const ElfW(Sym) & symbol : symbols)
      if (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && offset >= symbol.st_value &&
          offset < symbol.st_value + symbol.st_size)
        return demangled(names + symbol.st_name);
  }
  return {};
}

}  // namespace

std::string function_name(const void* address) {
  Dl_info info{};
  if (::dladdr(address, &info) == 0) return "(unknown)";
  const std::uintptr_t base = reinterpret_cast<std::uintptr_t>(info.dli_fbase);
  // The program itself by the kernel's name for it: argv[0] may be relative to another directory.
  const bool is_program = std::string_view(info.dli_fname) == program_invocation_name;
  const std::string name = symbol_at(contents(is_program ? "/proc/self/exe" : info.dli_fname),
                                     reinterpret_cast<std::uintptr_t>(address) - base);
  return name.empty() ? "(unknown)" : name;
}

CallStack::CallStack() : count_(::backtrace(callers_.data(), kMaxCallers)) {}

std::string CallStack::text() const {
  std::string lines;
  for (int i = 0; i < count_; ++i) {
    const std::string name = function_name(callers_[static_cast<std::size_t>(i)]);
    if (name.starts_with("Catch::")) break;  // whoever runs the test
    if (!name.starts_with("eightfold::simt::") || name.find("::testing::") != std::string::npos)
      lines += "  " + name + "\n";
  }
  return lines;
}

}  // namespace eightfold::simt
