// The dependency direction of docs/design.md, read from the #include lines themselves.
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = OBZ_SOURCE_DIR;

/// Who may include whom, top level: a folder may use itself and what stands here.
const std::map<std::string, std::set<std::string>> kMayUse{
    {"ref", {}},
    {"golden", {"ref"}},
    {"plan", {"ref"}},
    {"accel", {"ref", "golden"}},
    {"sim", {"ref", "golden", "accel"}},
    {"rtl", {"ref", "golden", "accel"}},
    {"gpu", {"ref", "golden"}},
    {"cli", {"ref", "golden", "plan", "accel", "sim", "rtl", "gpu"}}};

/// Inside ref, from the bottom: a folder may use itself and everything before it.
const std::vector<std::string> kRefLayers{"base", "arith",   "tensor", "border", "ops",
                                          "net",  "execute", "real",   "read",   "quantize"};

/// Libraries that only named folders may see.
const std::map<std::string, std::vector<std::string>> kOnlyIn{{"flatbuffers/", {"ref/read/tflite"}},
                                                              {"tflite_schema_generated.h", {"ref/read/tflite"}},
                                                              {"google/protobuf/", {"ref/read/onnx"}},
                                                              {"onnx", {"ref/read/onnx"}},
                                                              {"CLI/", {"cli/main.cpp"}},
                                                              {"hwy/", {"ref/execute", "ref/real", "gpu/ptx"}},
                                                              {"Eigen/", {"ref/quantize/reconstruct.cpp"}},
                                                              {"coin/", {"plan/solver.cpp"}},
                                                              {"Vobz_", {"rtl/harness"}},
                                                              {"systemc", {"sim/"}},
                                                              {"verilated", {"rtl/harness"}},
                                                              {"zip.h", {"ref/tensor/archive.cpp"}},
                                                              {"openssl/", {"ref/base/sha256.cpp"}},
                                                              {"Random123/", {"ref/base/philox.hpp"}}};

struct Include {
  fs::path file;  ///< relative to the root
  std::string target;
  bool quoted;
};

std::vector<Include> includes() {
  std::vector<Include> list;
  const std::regex pattern(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  for (const auto& [folder, unused] : kMayUse) {
    if (!fs::exists(kRoot / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      const std::string ext = entry.path().extension().string();
      if (ext != ".cpp" && ext != ".hpp" && ext != ".cu" && ext != ".cuh") continue;
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) {
        std::smatch match;
        if (std::regex_search(line, match, pattern))
          list.push_back({fs::relative(entry.path(), kRoot), match[2], match[1] == "\""});
      }
    }
  }
  return list;
}

std::string part(const fs::path& path, int index) {
  auto it = path.begin();
  for (; index > 0 && it != path.end(); --index) ++it;
  return it == path.end() ? "" : it->string();
}

TEST(Layers, folders_only_use_what_stands_below_them) {
  const std::vector<Include> all = includes();
  ASSERT_GT(all.size(), 200U) << "the sources were not found at " << kRoot;
  for (const Include& i : all) {
    const std::string from = part(i.file, 0), to = part(i.target, 0);
    if (kMayUse.count(to) == 0 || from == to) continue;
    EXPECT_TRUE(kMayUse.at(from).count(to)) << i.file << " includes " << i.target;
  }
}

TEST(Layers, ref_is_layered_inside) {
  const auto level = [](const std::string& folder) {
    return std::find(kRefLayers.begin(), kRefLayers.end(), folder) - kRefLayers.begin();
  };
  for (const Include& i : includes()) {
    if (part(i.file, 0) != "ref" || part(i.target, 0) != "ref") continue;
    const std::string from = part(i.file, 1), to = part(i.target, 1);
    EXPECT_LE(level(to), level(from)) << i.file << " includes " << i.target;
    EXPECT_LT(level(from), static_cast<std::ptrdiff_t>(kRefLayers.size())) << i.file << " is in no known folder";
  }
}

TEST(Layers, normative_headers_need_nothing_but_cstdint) {
  const std::set<std::string> normative{"int_type.hpp", "round.hpp", "recipe.hpp", "requantize.hpp"};
  for (const Include& i : includes()) {
    if (i.file.parent_path() != "ref/arith" || normative.count(i.file.filename().string()) == 0) continue;
    const bool allowed = i.target == "cstdint" || (i.target.rfind("ref/arith/", 0) == 0 &&
                                                   normative.count(fs::path(i.target).filename().string()) != 0);
    EXPECT_TRUE(allowed) << i.file << " includes " << i.target;
  }
}

TEST(Layers, heavy_libraries_stay_where_they_belong) {
  for (const Include& i : includes()) {
    for (const auto& [library, folders] : kOnlyIn) {
      if (i.target.rfind(library, 0) != 0) continue;
      bool allowed = false;
      for (const std::string& f : folders) allowed = allowed || i.file.string().rfind(f, 0) == 0;
      EXPECT_TRUE(allowed) << i.file << " includes " << i.target;
    }
    const bool heavy_in_header =
        i.file.extension() == ".hpp" && ((i.target.rfind("nlohmann/", 0) == 0 && i.target != "nlohmann/json_fwd.hpp") ||
                                         i.target.rfind("CLI/", 0) == 0);
    const bool internal = i.file == "ref/net/field_writer.hpp" || i.file == "ref/net/field_reader.hpp";
    EXPECT_TRUE(!heavy_in_header || internal) << i.file << " brings " << i.target << " into a header";
  }
}

TEST(Layers, includes_of_ours_are_root_relative) {
  for (const Include& i : includes()) {
    if (!i.quoted || i.target.find("_generated.h") != std::string::npos || i.target.find(".pb.h") != std::string::npos)
      continue;
    EXPECT_TRUE(fs::exists(kRoot / i.target)) << i.file << " includes " << i.target;
  }
}

TEST(Version, header_and_cmake_agree) {
  std::ifstream header(kRoot / "ref/base/version.hpp"), cmake(kRoot / "CMakeLists.txt");
  const std::string h((std::istreambuf_iterator<char>(header)), {}), c((std::istreambuf_iterator<char>(cmake)), {});
  std::smatch in_header, in_cmake;
  ASSERT_TRUE(std::regex_search(h, in_header, std::regex("kVersion = \"([0-9.]+)\"")));
  ASSERT_TRUE(std::regex_search(c, in_cmake, std::regex(R"(project\(offbyzero VERSION ([0-9.]+))")));
  EXPECT_EQ(in_header[1], in_cmake[1]);
}

}  // namespace
