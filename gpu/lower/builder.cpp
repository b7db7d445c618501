#include "gpu/lower/builder.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "gpu/lower/move.hpp"
#include "ref/base/error.hpp"

namespace obz::gpu {

DeviceMemory::~DeviceMemory() {
  for (const Address a : held_) device_->free(a);
}

Address DeviceMemory::allocate(std::int64_t bytes, const std::string& label) {
  const Address a = device_->allocate(static_cast<std::size_t>(bytes), label);
  held_.push_back(a);
  return a;
}

Address DeviceMemory::constant(std::span<const std::byte> bytes, const std::string& label) {
  const Address a = allocate(static_cast<std::int64_t>(bytes.size()), label);
  device_->write(a, bytes);
  return a;
}

std::uint32_t Builder::blocks(std::int64_t threads, std::uint32_t block) {
  OBZ_CHECK(threads > 0 && threads < (std::int64_t{1} << 31));
  return static_cast<std::uint32_t>((threads + block - 1) / block);
}

std::int64_t quads_of(const View& y) {
  const std::int64_t a_row = std::max(1, y.row_bytes * 2 / y.bits);
  return a_row * y.rows;
}

Placed Builder::scratch(const Storage& storage, const std::string& what) {
  if (storage.bytes() == 0) throw Unsupported("a tensor without elements");
  if (storage.bytes() >= (std::int64_t{1} << 31)) throw Unsupported("a tensor of 2 GiB or more");
  if (storage.type.bits > 32 || (storage.type.bits == 32 && !storage.type.is_signed)) {
    throw Unsupported("elements of more than 32 bits");
  }
  return {storage, memory().allocate(storage.bytes(), fmt::format("{}: {}", layer_, what))};
}

Order Builder::order_of(int t) const {
  const auto known = placed_.find(t);
  if (known != placed_.end()) return known->second.front().storage.order;
  return natural_order(net_->tensors[static_cast<std::size_t>(t)].shape.rank());
}

Placed Builder::make(int t, const Order& order) {
  const TensorInfo& info = net_->tensors[static_cast<std::size_t>(t)];
  return scratch({info.shape, info.type, order}, info.name);
}

void Builder::set(int t, const Placed& placed) {
  placed_[t].push_back(placed);
  program_->values.try_emplace(t, placed);
}

Placed Builder::get(int t, const Order& order) {
  std::vector<Placed>& ways = placed_[t];
  const auto same = std::find_if(ways.begin(), ways.end(), [&](const Placed& p) { return p.storage.order == order; });
  if (same != ways.end()) return *same;
  const Placed to = make(t, order);
  if (!ways.empty()) {
    move(*this, ways.front(), to, transposed(ways.front().storage, to.storage));
  } else if (const auto& constant = net_->tensors[static_cast<std::size_t>(t)].constant) {
    memory().device().write(to.data, pack(*constant, to.storage));
  } else {
    program_->inputs.emplace_back(t, to);
  }
  set(t, to);
  return to;
}

void Builder::on_host(const Node& node, std::string why) {
  HostStep step{.before_call = 0, .node = &node, .why = std::move(why), .inputs = {}, .output = {}};
  for (const int t : node.inputs) step.inputs.push_back(get(t, order_of(t)));
  const int y = node.outputs[0];
  step.output = make(y, natural_order(net_->tensors[static_cast<std::size_t>(y)].shape.rank()));
  set(y, step.output);
  step.before_call = program_->calls.size();  // after what `get` may have moved
  program_->host.push_back(std::move(step));
}

}  // namespace obz::gpu
