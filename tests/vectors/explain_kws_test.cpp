// Claim: from nothing but the final outputs of the keyword-spotting network, `obz explain` names the rounding of the
// kernels that made them.
#include <cmath>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ref/base/file.hpp"
#include "ref/tensor/npy.hpp"
#include "tests/support/run_obz.hpp"
#include "tests/support/shared_data.hpp"
#include "tests/support/temp_dir.hpp"

namespace obz {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// The outputs as a user might have them: integers, or real values printed with three decimals with some rows lost.
NpyArray as_printed(const NpyArray& integers, bool noise) {
  const std::vector<std::int64_t> q = npy_to_int64(integers, "golden");
  FloatTensor real{integers.shape, {}};
  constexpr std::int64_t classes = 12;
  for (std::size_t i = 0; i < q.size(); ++i) {
    const double value = static_cast<double>(q[i] + 128) / 256;
    const bool lost = noise && static_cast<std::int64_t>(i) / classes % 17 == 5;
    real.data.push_back(static_cast<float>(lost ? 0.083 : std::round(value * 1000) / 1000));
  }
  return npy_from(real);
}

struct Case {
  const char* file;
  const char* profile;
  bool printed, noise;
};

class ExplainKws : public testing::TestWithParam<Case> {};

TEST_P(ExplainKws, final_outputs_name_the_rounding) {
  const fs::path golden = test::shared_data() / "golden/mlperf_kws_dscnn";
  const fs::path model = test::shared_data() / "models/kws_ref_model.tflite";
  OBZ_REQUIRE_SHARED_DATA(golden / GetParam().file);
  OBZ_REQUIRE_SHARED_DATA(model);
  const test::TempDir dir;
  const NpyArray outputs = parse_npy(read_file(golden / GetParam().file), "golden");
  const NpyArray seen = GetParam().printed ? as_printed(outputs, GetParam().noise) : outputs;
  write_file(dir / "seen.npy", format_npy(seen));
  const auto run =
      test::shell("obz explain " + model.string() + " -i " + (golden / "input.npy").string() + " --got " +
                  (dir / "seen.npy").string() + (GetParam().printed ? " --decimals 3" : "") + " --rows 80 --json");
  ASSERT_LE(run.exit_code, 1) << run.err;
  const Json result = Json::parse(run.out);
  const Json& best = result.at("class").at(0);
  bool named = false;
  for (const Json& id : best.at("profiles")) named = named || id == GetParam().profile;
  EXPECT_TRUE(named) << result.dump(1);
  EXPECT_EQ(best.at("fault"), "none");
  const std::int64_t lost = GetParam().noise ? 5 : 0;
  EXPECT_EQ(result.at("best_explains").get<std::int64_t>(), 80 - lost);
  // The other rounding is not in the class.
  const std::string other = std::string(GetParam().profile) == "tflite/single" ? "tflite/double" : "tflite/single";
  for (const Json& theory : result.at("class")) {
    for (const Json& id : theory.at("profiles")) EXPECT_NE(id, other);
  }
}

INSTANTIATE_TEST_SUITE_P(Outputs, ExplainKws,
                         testing::Values(Case{"output.npy", "tflite/double", false, false},
                                         Case{"output_single_rounding.npy", "tflite/single", false, false},
                                         Case{"output.npy", "tflite/double", true, true},
                                         Case{"output_single_rounding.npy", "tflite/single", true, true}),
                         [](const auto& param) {
                           const std::string file = param.param.file;
                           return file.substr(0, file.find('.')) + (param.param.noise ? "_rounded_and_noisy" : "");
                         });

}  // namespace
}  // namespace obz
