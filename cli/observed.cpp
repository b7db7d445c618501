#include "cli/observed.hpp"

#include <map>
#include <utility>

#include <fmt/format.h>

#include "golden/cases/requant_stream.hpp"
#include "golden/sets/vector_set.hpp"
#include "ref/base/error.hpp"
#include "ref/base/file.hpp"
#include "ref/tensor/npy.hpp"

namespace obz::cli {
namespace {

class Recorder final : public Engine {
 public:
  Recorder(std::unique_ptr<Engine> engine, std::filesystem::path path)
      : engine_(std::move(engine)), path_(std::move(path)) {}

  std::string name() const override { return engine_->name(); }
  std::optional<std::string> absent() const override { return engine_->absent(); }
  void forget() override { engine_->forget(); }
  Support supports(const LayerJob& job) const override { return engine_->supports(job); }
  Support supports(const RequantJob& job) const override { return engine_->supports(job); }

  LayerResult run(const LayerJob& job) override {
    LayerResult result = engine_->run(job);
    NpyArray& all = layers_[job.node->name];
    const NpyArray one = npy_from(result.output);
    std::vector<std::int64_t> dims(one.shape.begin(), one.shape.end());
    dims.insert(dims.begin(), all.bytes.empty() ? 1 : all.shape[0] + 1);
    all.kind = one.kind;
    all.item_bytes = one.item_bytes;
    all.shape = Shape(dims);
    all.bytes.insert(all.bytes.end(), one.bytes.begin(), one.bytes.end());
    return result;
  }

  std::vector<std::int64_t> run(const RequantJob& job) override {
    std::vector<std::int64_t> answers = engine_->run(job);
    const RecordLayout layout = record_layout(*job.profile, job.out);
    const IntType field{static_cast<std::uint8_t>(8 * layout.out.bytes), layout.out.is_signed};
    cases_ = stream_header({job.profile, job.out}, static_cast<std::int64_t>(job.cases.size())) + "\n";
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (!field.holds(answers[i])) {
        throw Error(fmt::format("--observed: {}, case {}: expected an answer of {} bits, got {}", name(), i, field.bits,
                                answers[i]));
      }
      append_text(cases_, layout, job.cases[i], &answers[i]);
    }
    return answers;
  }

  void write() const {
    if (!cases_.empty()) write_file(path_.string() + ".txt", as_bytes(cases_));
    for (const auto& [layer, array] : layers_) write_file(path_ / (file_name_of(layer) + ".npy"), format_npy(array));
  }

 private:
  std::unique_ptr<Engine> engine_;
  std::filesystem::path path_;
  std::string cases_;
  std::map<std::string, NpyArray> layers_;
};

}  // namespace

std::function<void()> record_answers(Engines& engines, const std::filesystem::path& folder) {
  std::vector<const Recorder*> all;
  for (auto& engine : engines) {
    const std::filesystem::path path = folder / file_name_of(engine->name());
    auto recorder = std::make_unique<Recorder>(std::move(engine), path);
    all.push_back(recorder.get());
    engine = std::move(recorder);
  }
  return [all] {
    for (const Recorder* r : all) r->write();
  };
}

}  // namespace obz::cli
