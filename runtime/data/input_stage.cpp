#include "runtime/data/input_stage.hpp"

#include "kernels/elementwise.hpp"

namespace eightfold::runtime::data {
namespace {

kernels::Buffer<float> on_device(kernels::Device device, const std::vector<float>& values) {
  kernels::Buffer<float> buffer(device, values.size());
  const kernels::Stream stream(device);
  kernels::copy(stream, kernels::host_tensor(std::span(values), buffer.tensor().shape()), buffer.tensor());
  // The vector may go once this returns, and other streams may use the buffer.
  stream.view().synchronize();
  return buffer;
}

}  // namespace

InputStage::InputStage(kernels::Device device, const Normalization& normalization,
                       const kernels::Shape& sample, std::int64_t rows)
    : scale_(on_device(device, normalization.scale)),
      shift_(on_device(device, normalization.shift)),
      copies_(make_copies(device, rows, sample.elements())) {}

std::unique_ptr<InputStage::Copies> InputStage::make_copies(kernels::Device device, std::int64_t rows,
                                                            std::int64_t sample_elements) {
  if (device.kind == kernels::DeviceKind::host) return nullptr;
  const auto room = [&] {
    return Copies::Room{{device, static_cast<std::size_t>(rows * sample_elements)},
                        {device, static_cast<std::size_t>(rows)},
                        kernels::Event(device)};
  };
  return std::make_unique<Copies>(Copies{kernels::Stream(device), kernels::Event(device), {room(), room()}});
}

kernels::ConstTensor InputStage::load(kernels::StreamView stream, kernels::ConstTensor images,
                                      kernels::ConstTensor labels, kernels::Tensor input) {
  if (copies_ == nullptr) {
    kernels::bytes_to_float(stream, images, scale_.tensor(), shift_.tensor(), input);
    return labels;
  }
  copies_->current().consumed.record(stream);
  ++copies_->pass;
  Copies::Room& room = copies_->current();
  const kernels::Tensor device_images = room.images.tensor(images.shape());
  const kernels::Tensor device_labels = room.labels.tensor(labels.shape());
  room.consumed.wait(copies_->stream);
  kernels::copy(copies_->stream, images, device_images);
  kernels::copy(copies_->stream, labels, device_labels);
  copies_->copied.record(copies_->stream);
  copies_->copied.wait(stream);
  kernels::bytes_to_float(stream, device_images, scale_.tensor(), shift_.tensor(), input);
  return device_labels;
}

}  // namespace eightfold::runtime::data
