#pragma once

// The only way into oneDNN. Its C++ interface changed between versions 2 and 3 in how primitives are
// described; describe() and describe_backward() hide that. A Primitive is planned once, with its scratchpad,
// and run without allocating. Errors of the library become base::LibraryError.

#include "kernels/activation.hpp"
#include "kernels/buffer.hpp"

#include <oneapi/dnnl/dnnl.hpp>

#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

namespace eightfold::kernels::host {

// One engine and one stream for the process; the stream of a CPU engine keeps no state between primitives.
const dnnl::engine& dnnl_engine();
const dnnl::stream& dnnl_stream();

[[noreturn]] void raise_dnnl(const char* call, const dnnl::error& error);

// The result of make(), with oneDNN's exception translated. `call` says what was attempted.
template <class Make>
auto checked(const char* call, const Make& make) {
  try {
    return make();
  } catch (const dnnl::error& error) {
    raise_dnnl(call, error);
  }
}

// The description of a forward primitive; the arguments are those of its descriptor in the order of the
// manual.
template <class Kind, class... Arguments>
typename Kind::primitive_desc describe(const dnnl::primitive_attr& attributes,
                                       const Arguments&... arguments) {
  return checked("describing a primitive", [&] {
#if DNNL_VERSION_MAJOR >= 3
    return typename Kind::primitive_desc(dnnl_engine(), arguments..., attributes);
#else
    return typename Kind::primitive_desc(typename Kind::desc(arguments...), attributes, dnnl_engine());
#endif
  });
}

// The description of a backward primitive, with the forward one as a hint.
template <class Kind, class Forward, class... Arguments>
typename Kind::primitive_desc describe_backward(const dnnl::primitive_attr& attributes,
                                                const Forward& forward, const Arguments&... arguments) {
  return checked("describing a backward primitive", [&] {
#if DNNL_VERSION_MAJOR >= 3
    return typename Kind::primitive_desc(dnnl_engine(), arguments..., forward, attributes);
#else
    return typename Kind::primitive_desc(typename Kind::desc(arguments...), attributes, dnnl_engine(), forward);
#endif
  });
}

// Attributes of a primitive whose scratchpad is ours and whose result replaces its output or is added to it.
dnnl::primitive_attr attributes_for(GradientMode mode = GradientMode::overwrite);

// fp32 memory of these extents: any layout the library likes, row-major, or with strides.
dnnl::memory::desc any_layout(const dnnl::memory::dims& extents);
dnnl::memory::desc row_major(const dnnl::memory::dims& extents);
dnnl::memory::desc strided(const dnnl::memory::dims& extents, const dnnl::memory::dims& strides);

// A planned computation. `arguments` names its inputs and outputs and their layouts.
class Primitive {
 public:
  using Argument = std::pair<int, dnnl::memory::desc>;
  using Binding = std::pair<int, const void*>;

  Primitive() = default;  // plans nothing; must not run
  template <class Description>
  Primitive(const Description& description, std::initializer_list<Argument> arguments)
      : Primitive(checked("creating a primitive", [&] { return dnnl::primitive(description.get()); }),
                  description.scratchpad_desc(), arguments) {}

  // Runs with this memory; every argument of the plan is bound, in the plan's order.
  void run(std::initializer_list<Binding> bindings);

 private:
  Primitive(dnnl::primitive primitive, const dnnl::memory::desc& scratchpad,
            std::initializer_list<Argument> arguments);

  dnnl::primitive primitive_;
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> arguments_;
  Buffer<std::byte> scratchpad_;
};

// Copies between two layouts of the same extents, replacing or adding.
Primitive plan_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to,
                       GradientMode mode = GradientMode::overwrite);

// Memory for one tensor of a layout of the library's choice.
Buffer<std::byte> allocate_for(const dnnl::memory::desc& layout);

// A tensor's copy in another layout, remade by each call of of() and kept until the next.
class PackedCopy {
 public:
  PackedCopy() = default;
  PackedCopy(const dnnl::memory::desc& from, const dnnl::memory::desc& to)
      : reorder_(plan_reorder(from, to)), memory_(allocate_for(to)) {}

  const void* of(const void* source) {
    reorder_.run({{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, data()}});
    return data();
  }
  void* data() const { return memory_.data(); }

 private:
  Primitive reorder_;
  Buffer<std::byte> memory_;
};

}  // namespace eightfold::kernels::host
