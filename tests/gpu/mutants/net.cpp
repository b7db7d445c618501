#include "tests/gpu/mutants/net.hpp"

#include "gpu/engine.hpp"
#include "ref/base/error.hpp"

namespace obz::test {

Trial Net::trial(std::string name) && {
  auto self = std::make_shared<Net>(std::move(*this));
  const auto want = std::make_shared<std::vector<Tensor>>(run_net(
      self->net, self->inputs, [](const Node& n, std::span<const Tensor* const> x, Tensor& y) { run_naive(n, x, y); }));
  return {std::move(name), [self, want](std::unique_ptr<gpu::PtxDevice> device) {
            gpu::WholeNet whole(*device, self->net, self->options);
            const auto& calls = whole.program().calls;
            OBZ_CHECK(whole.program().host.empty());
            OBZ_CHECK(std::any_of(calls.begin(), calls.end(), [&](const auto& c) { return c.kernel == self->kernel; }));
            whole.run(self->inputs);
            const gpu::Placed& y = whole.program().values.at(self->net.outputs[0]);
            std::vector<std::byte> got(static_cast<std::size_t>(y.storage.bytes()));
            device->read(y.data, got);
            return got == gpu::pack((*want)[0], y.storage);
          }};
}

}  // namespace obz::test
