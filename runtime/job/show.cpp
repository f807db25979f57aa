#include "runtime/job/show.hpp"

#include "runtime/job/keys.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace eightfold::runtime::job {
namespace {

// Comments begin here where the line before them is shorter.
constexpr int kCommentColumn = 40;

class Writer {
 public:
  // Without origins, without comments.
  explicit Writer(const config::Origins* origins) : origins_(origins) {}

  template <class Owner>
  void section(const config::Section<Owner>& section, std::string_view heading, std::string_view prefix,
               const Owner& owner) {
    text_ += fmt::format("{}{}\n", text_.empty() ? "" : "\n", heading);
    for (const config::Key<Owner>& key : section.keys) {
      // The text is a job file again, in which a key without effect would be an error.
      if (section.unmet_condition(key, owner) != nullptr) continue;
      const std::string line = fmt::format("{} = {}", key.name, config::toml_text(key.get(owner)));
      text_ += origins_ == nullptr
                   ? line
                   : fmt::format("{:<{}}  # {}", line, kCommentColumn, origin(prefix, key.name));
      text_ += '\n';
    }
  }

  std::string take() { return std::move(text_); }

 private:
  std::string origin(std::string_view prefix, std::string_view key) const {
    const auto found = origins_->find(fmt::format("{}.{}", prefix, key));
    return config::on_one_line(found == origins_->end() ? config::Place().text : found->second.text);
  }

  const config::Origins* origins_;
  std::string text_;
};

std::string write(const config::JobConfig& config, const config::Origins* origins) {
  Writer writer(origins);
  for (const auto& section : job_sections())
    writer.section(section, fmt::format("[{}]", section.name), section.name, config);
  for (std::size_t i = 0; i < config.model.layers.size(); ++i)
    writer.section(layer_section(), "[[model.layer]]", fmt::format("model.layer[{}]", i),
                   config.model.layers[i]);
  return writer.take();
}

// Where both have the key and differ in it. A key that only one of them has follows from a choice that
// differs.
template <class Owner>
void compare(const config::Section<Owner>& section, std::string_view prefix, const Owner& checkpoint,
             const Owner& job, bool horizon, std::vector<std::string>& lines) {
  for (const config::Key<Owner>& key : section.keys) {
    const bool decides =
        key.identity == config::Identity::always || (key.identity == config::Identity::horizon && horizon);
    if (!decides || section.unmet_condition(key, checkpoint) != nullptr ||
        section.unmet_condition(key, job) != nullptr)
      continue;
    const config::Value before = key.get(checkpoint);
    const config::Value now = key.get(job);
    if (before != now)
      lines.push_back(fmt::format("{}.{}: checkpoint {}, job {}", prefix, key.name, config::toml_text(before),
                                  config::toml_text(now)));
  }
}

}  // namespace

std::string resolved_toml(const config::JobConfig& config) {
  return write(config, nullptr);
}

std::string resolved_toml_with_origins(const ParsedJob& job) {
  return write(job.config, &job.origins);
}

std::vector<std::string> differences(const config::JobConfig& checkpoint, const config::JobConfig& job) {
  // The cosine spans the whole job: with another length every step has another rate.
  const bool horizon = checkpoint.schedule.kind == config::ScheduleKind::cosine ||
                       job.schedule.kind == config::ScheduleKind::cosine;
  std::vector<std::string> lines;
  for (const auto& section : job_sections()) compare(section, section.name, checkpoint, job, horizon, lines);
  const std::vector<config::Layer>& before = checkpoint.model.layers;
  const std::vector<config::Layer>& now = job.model.layers;
  if (before.size() != now.size())
    lines.push_back(fmt::format("model.layer: checkpoint {} layers, job {}", before.size(), now.size()));
  for (std::size_t i = 0; i < std::min(before.size(), now.size()); ++i)
    compare(layer_section(), fmt::format("model.layer[{}]", i), before[i], now[i], horizon, lines);
  return lines;
}

}  // namespace eightfold::runtime::job
