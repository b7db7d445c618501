#include "golden/mutate/unit.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "golden/device/run_faulty.hpp"
#include "ref/arith/apply.hpp"
#include "ref/base/error.hpp"
#include "ref/execute/naive.hpp"

namespace obz {
namespace {

bool differs(std::int64_t want, std::int64_t got, std::int64_t tolerance) { return std::abs(want - got) > tolerance; }

}  // namespace

Lane lane_of(const RequantUnit& unit, std::int32_t channel) {
  const auto count = static_cast<std::int32_t>(unit.channels.size());
  const auto at = [&](std::int32_t i) { return &unit.channels[static_cast<std::size_t>((i + count) % count)]; };
  return {at(channel), at(channel - 1), at(channel + 1), at(0)};
}

bool kills(const RequantUnit& unit, const std::vector<UnitCase>& cases, const Fault& fault, std::int64_t tolerance) {
  if (in_outputs(fault)) {
    std::vector<std::int32_t> want;
    for (const UnitCase& c : cases) {
      want.push_back(static_cast<std::int32_t>(
          apply_recipe(c.acc, unit.recipe, unit.channels[static_cast<std::size_t>(c.channel)])));
    }
    std::vector<std::int32_t> got = want;
    rearrange(got, static_cast<std::int64_t>(got.size()), fault, unit.out, unit.channels[0].zero_point);
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (differs(want[i], got[i], tolerance)) return true;
    }
    return false;
  }
  return std::any_of(cases.begin(), cases.end(), [&](const UnitCase& c) {
    const Lane lane = lane_of(unit, c.channel);
    return differs(apply_recipe(c.acc, unit.recipe, *lane.own),
                   faulty_requantize(c.acc, unit.recipe, lane, unit.out, fault), tolerance);
  });
}

LayerUnit::LayerUnit(IntNet layer) : net_(std::move(layer)) {
  if (net_.nodes.size() != 1) {
    throw Error(fmt::format("{}: expected one layer, got {}", net_.name, net_.nodes.size()));
  }
  if (!can_be_faulty(node().op)) {
    throw Error(fmt::format("{}: no faults are known for {}", net_.name, operator_name(node().op)));
  }
}

std::vector<const Tensor*> LayerUnit::operands(const std::vector<Tensor>& inputs) const {
  std::vector<const Tensor*> all;
  for (const int i : node().inputs) {
    const TensorInfo& info = net_.tensors[static_cast<std::size_t>(i)];
    const auto at = std::find(net_.inputs.begin(), net_.inputs.end(), i);
    all.push_back(info.constant ? &*info.constant : &inputs[static_cast<std::size_t>(at - net_.inputs.begin())]);
  }
  return all;
}

LayerUnit::Sample LayerUnit::sample(std::vector<Tensor> inputs) const {
  const TensorInfo& out = net_.tensors[static_cast<std::size_t>(node().outputs[0])];
  Sample s{std::move(inputs), Tensor(out.shape, out.type), {}};
  run_naive(node(), operands(s.inputs), s.want, &s.accs);
  return s;
}

bool LayerUnit::kills(const Sample& s, const Fault& fault, std::int64_t tolerance) const {
  Tensor got(s.want.shape, s.want.type);
  if (!requantize_again(node(), s.accs, got, fault)) run_faulty(node(), operands(s.inputs), got, fault);
  for (std::size_t i = 0; i < got.data.size(); ++i) {
    if (differs(s.want.data[i], got.data[i], tolerance)) return true;
  }
  return false;
}

}  // namespace obz
