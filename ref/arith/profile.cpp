#include "ref/arith/profile.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "ref/base/error.hpp"
#include "ref/base/suggest.hpp"

namespace obz {

const Profile& find_profile(std::string_view id) {
  const auto all = profile_catalogue();
  const auto it = std::find_if(all.begin(), all.end(), [&](const Profile& p) { return p.id == id; });
  if (it != all.end()) return *it;
  std::vector<std::string_view> ids;
  for (const Profile& p : all) ids.push_back(p.id);
  throw Error(
      fmt::format("unknown profile \"{}\"{}; `obz profiles` lists all {}", id, did_you_mean(id, ids), all.size()));
}

}  // namespace obz
