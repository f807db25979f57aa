#include "kernels/host/dnnl.hpp"

#include "kernels/base/error.hpp"

namespace eightfold::kernels::host {

const dnnl::engine& dnnl_engine() {
  static const dnnl::engine engine =
      checked("dnnl::engine(cpu)", [] { return dnnl::engine(dnnl::engine::kind::cpu, 0); });
  return engine;
}

const dnnl::stream& dnnl_stream() {
  static const dnnl::stream stream = checked("dnnl::stream", [] { return dnnl::stream(dnnl_engine()); });
  return stream;
}

void raise_dnnl(const char* call, const dnnl::error& error) {
  throw base::LibraryError(fmt::format("oneDNN: {}", call), static_cast<int>(error.status), error.what());
}

dnnl::primitive_attr attributes_for(GradientMode mode) {
  dnnl::primitive_attr attributes;
  // Memory that is planned with the primitive; the library's own mode might allocate while it runs.
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (mode == GradientMode::accumulate) {
    dnnl::post_ops operations;
    operations.append_sum(1);
    attributes.set_post_ops(operations);
  }
  return attributes;
}

dnnl::memory::desc any_layout(const dnnl::memory::dims& extents) {
  return {extents, dnnl::memory::data_type::f32, dnnl::memory::format_tag::any};
}

dnnl::memory::desc row_major(const dnnl::memory::dims& extents) {
  dnnl::memory::dims strides(extents.size(), 1);
  for (std::size_t axis = extents.size() - 1; axis > 0; --axis)
    strides[axis - 1] = strides[axis] * extents[axis];
  return strided(extents, strides);
}

dnnl::memory::desc strided(const dnnl::memory::dims& extents, const dnnl::memory::dims& strides) {
  return {extents, dnnl::memory::data_type::f32, strides};
}

Primitive::Primitive(dnnl::primitive primitive, const dnnl::memory::desc& scratchpad,
                     std::initializer_list<Argument> arguments)
    : primitive_(std::move(primitive)), scratchpad_(allocate_for(scratchpad)) {
  const auto add = [this](int argument, const dnnl::memory::desc& layout, void* data) {
    memories_.push_back(checked("dnnl::memory", [&] { return dnnl::memory(layout, dnnl_engine(), data); }));
    arguments_.push_back({argument, memories_.back().get()});
  };
  // Without memory: run() binds it, in this order. The scratchpad stays bound.
  for (const auto& [argument, layout] : arguments) add(argument, layout, DNNL_MEMORY_NONE);
  add(DNNL_ARG_SCRATCHPAD, scratchpad, scratchpad_.data());
}

// The C interface, because the C++ one builds two containers for each execution.
void Primitive::run(std::initializer_list<Binding> bindings) {
  base::require(bindings.size() + 1 == arguments_.size(), "a primitive of {} arguments was given {}",
                arguments_.size() - 1, bindings.size());
  std::size_t i = 0;
  for (const auto& [argument, data] : bindings) {
    base::require(argument == arguments_[i].arg, "argument {} bound in the place of {}", argument,
                  arguments_[i].arg);
    memories_[i++].set_data_handle(const_cast<void*>(data));
  }
  const dnnl_status_t status = dnnl_primitive_execute(primitive_.get(), dnnl_stream().get(),
                                                      static_cast<int>(arguments_.size()), arguments_.data());
  if (status != dnnl_success)
    throw base::LibraryError("dnnl_primitive_execute", static_cast<int>(status), "the primitive did not run");
}

Primitive plan_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to, GradientMode mode) {
  const auto description = checked("describing a reorder", [&] {
    return dnnl::reorder::primitive_desc(dnnl_engine(), from, dnnl_engine(), to, attributes_for(mode));
  });
  return {description, {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}};
}

Buffer<std::byte> allocate_for(const dnnl::memory::desc& layout) {
  return {Device{}, layout.get_size()};
}

}  // namespace eightfold::kernels::host
