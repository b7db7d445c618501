// Claims: a bin that is called reachable has a case that hits it, one that is called unreachable has none, and no
// profile leaves a bin open.
#include "golden/cover/reach.hpp"

#include <gtest/gtest.h>

namespace obz {
namespace {

TEST(CoverReach, every_bin_of_every_profile_and_type_has_a_witness_or_a_proof) {
  for (const Profile& p : profile_catalogue()) {
    for (const IntType out : {kInt8, kUInt8, kInt4, kInt16}) {
      const CoverSpace space = cover_space(p, out);
      const std::vector<Bin> bins = requant_bins(space);
      const std::vector<Decision> decisions = decide(space, bins);
      for (std::size_t i = 0; i < bins.size(); ++i) {
        EXPECT_NE(decisions[i].reach, Reach::open)
            << p.id << " " << int(out.bits) << ": " << bins[i].group << " / " << bins[i].name;
      }
    }
  }
}

}  // namespace
}  // namespace obz
