// Real networks against the TensorFlow Lite Micro reference kernels: every op output of every sample, engines ref and
// fast, through the command line as a user would. One test per model and engine, found by enumerating the data.
#include <fstream>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "ref/base/file.hpp"
#include "ref/tensor/npy.hpp"
#include "tests/support/run_obz.hpp"
#include "tests/support/shared_data.hpp"

namespace obz {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

struct Case {
  std::string model, engine;

  friend std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.model << ", " << c.engine; }
};

std::vector<Case> cases() {
  std::vector<Case> list;
  const fs::path golden = test::shared_data() / "golden";
  if (fs::exists(golden)) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(golden)) {
      if (fs::exists(entry.path() / "manifest.json")) names.insert(entry.path().filename().string());
    }
    for (const std::string& name : names) {
      for (const char* engine : {"ref", "fast"}) list.push_back({name, engine});
    }
  }
  if (list.empty()) list.push_back({"none", "none"});
  return list;
}

Json load_json(const fs::path& path) { return Json::parse(std::ifstream(path)); }

/// "op000_t022" -> "22", the id of the tensor in taps.json.
std::string tensor_id(const std::string& key) { return std::to_string(std::stoi(key.substr(key.find("_t") + 2))); }

class TfliteGolden : public testing::TestWithParam<Case> {};

TEST_P(TfliteGolden, every_op_output_and_every_final_output_is_equal) {
  const fs::path golden = test::shared_data() / "golden" / GetParam().model;
  OBZ_REQUIRE_SHARED_DATA(golden);
  const Json manifest = load_json(golden / "manifest.json");
  const fs::path model = test::shared_data() / manifest.at("model").get<std::string>();
  const test::TempDir dir;
  const auto run = test::shell("obz import " + model.string() + " -p tflite/double -o " + (dir / "net.obz").string() +
                               " && obz run " + (dir / "net.obz").string() + " --input " +
                               (golden / "input.npy").string() + " --engine " + GetParam().engine + " --taps " +
                               (dir / "taps").string() + " -o " + (dir / "out.npy").string() + " --json");
  ASSERT_EQ(run.exit_code, 0) << run.err;

  const Json taps = load_json(dir / "taps" / "taps.json").at("tensors");
  std::map<std::string, Json> by_id;
  for (const Json& t : taps) by_id[t.at("id")] = t.at("sha256");
  std::int64_t compared = 0;
  std::set<std::string> left_out;
  const Json& samples = manifest.at("tensor_sha256_per_sample");
  for (std::size_t s = 0; s < samples.size(); ++s) {
    for (const auto& [key, sha] : samples[s].items()) {
      const auto known = by_id.find(tensor_id(key));
      if (known == by_id.end()) {
        left_out.insert(key);
        continue;
      }
      ASSERT_EQ(known->second.at(s), sha) << GetParam().model << " sample " << s << " " << key;
      ++compared;
    }
  }
  // Only operators that work on floats may be missing, and the import must have said so.
  std::set<std::string> float_ops;
  for (const Json& op : manifest.at("ops")) {
    const Json& out = manifest.at("tensors").at(op.at("outputs")[0].get<std::size_t>());
    char key[32];
    std::snprintf(key, sizeof key, "op%03d_t%03d", op.at("index").get<int>(), out.at("index").get<int>());
    if (out.at("type") == "float32") float_ops.insert(key);
  }
  for (const std::string& key : left_out) EXPECT_TRUE(float_ops.count(key)) << key << " is missing from the taps";
  if (!left_out.empty()) EXPECT_NE(run.err.find("note:"), std::string::npos);
  EXPECT_GT(compared, 0);

  const NpyArray want = parse_npy(read_file(golden / "output.npy"), "output.npy");
  const NpyArray got = parse_npy(read_file(dir / "out.npy"), "out.npy");
  if (want.kind != 'f') {
    ASSERT_EQ(got.bytes.size(), want.bytes.size());
    EXPECT_EQ(got.bytes, want.bytes);
  }
  // A float tail hides the integers of most samples; the winning class of every sample is still on record.
  const Json result = Json::parse(run.out);
  ASSERT_EQ(result.at("samples"), manifest.at("n_samples"));
  EXPECT_EQ(result.at("top1"), manifest.at("top1"));
  std::printf("%s, %s: %ld op outputs hashed equal, %s samples\n", GetParam().model.c_str(), GetParam().engine.c_str(),
              static_cast<long>(compared), manifest.at("n_samples").dump().c_str());
}

INSTANTIATE_TEST_SUITE_P(Models, TfliteGolden, testing::ValuesIn(cases()),
                         [](const auto& model) { return model.param.model + "_" + model.param.engine; });

TEST(TfliteGoldenSingle, single_rounding_build_of_the_kernels_is_tflite_single) {
  const fs::path golden = test::shared_data() / "golden/mlperf_kws_dscnn";
  OBZ_REQUIRE_SHARED_DATA(golden / "output_single_rounding.npy");
  for (const char* engine : {"ref", "fast"}) {
    const test::TempDir dir;
    const auto run = test::shell("obz import " + (test::shared_data() / "models/kws_ref_model.tflite").string() +
                                 " -p tflite/single -o " + (dir / "net.obz").string() + " && obz run " +
                                 (dir / "net.obz").string() + " --input " + (golden / "input.npy").string() +
                                 " --engine " + engine + " -o " + (dir / "out.npy").string());
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const NpyArray want = parse_npy(read_file(golden / "output_single_rounding.npy"), "want");
    EXPECT_EQ(parse_npy(read_file(dir / "out.npy"), "got").bytes, want.bytes) << engine;
  }
}

}  // namespace
}  // namespace obz
