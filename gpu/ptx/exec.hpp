// The handlers of instructions, by kind.
#pragma once

#include <cstdint>

#include "gpu/ptx/machine.hpp"

namespace obz::ptx {

// exec_lanes.cpp: lane by lane.
void exec_lanes(Machine& m, const Instr& i, std::uint32_t mask);    ///< up to four sources, one row
void exec_divide(Machine& m, const Instr& i, std::uint32_t mask);   ///< faults where the divisor is 0
void exec_carry(Machine& m, const Instr& i, std::uint32_t mask);    ///< mode 1: takes the carry in
void exec_compare(Machine& m, const Instr& i, std::uint32_t mask);  ///< setp; mode: CombineWith
void exec_set(Machine& m, const Instr& i, std::uint32_t mask);      ///< all ones or 0; mode as above
void exec_select(Machine& m, const Instr& i, std::uint32_t mask);   ///< selp
void exec_pred(Machine& m, const Instr& i, std::uint32_t mask);     ///< mode: PredOp
void exec_pack(Machine& m, const Instr& i, std::uint32_t mask);     ///< mov d, {a, b}; imm: bytes of a part
void exec_unpack(Machine& m, const Instr& i, std::uint32_t mask);   ///< mov {a, b}, s
void exec_clock(Machine& m, const Instr& i, std::uint32_t mask);    ///< instructions the warp has executed
void exec_nothing(Machine& m, const Instr& i, std::uint32_t mask);  ///< fences, hints
void exec_window(Machine& m, const Instr& i, std::uint32_t mask);   ///< cvta; imm is added
void exec_isspacep(Machine& m, const Instr& i, std::uint32_t mask);

enum CombineWith : std::uint8_t { kAlone, kAnd, kOr, kXor };
enum PredOp : std::uint8_t { kPredAnd, kPredOr, kPredXor, kPredNot, kPredMov };

// exec_memory.cpp, exec_atom.cpp: loads and stores of any space.
void exec_load(Machine& m, const Instr& i, std::uint32_t mask);
void exec_store(Machine& m, const Instr& i, std::uint32_t mask);
void exec_load_param(Machine& m, const Instr& i, std::uint32_t mask);  ///< of a kernel, at a fixed offset
void exec_atom(Machine& m, const Instr& i, std::uint32_t mask);        ///< mode: AtomOp
void exec_ldmatrix(Machine& m, const Instr& i, std::uint32_t mask);    ///< vector: matrices; mode 1: transposed

enum AtomOp : std::uint8_t {
  kAtomAdd,
  kAtomMin,
  kAtomMax,
  kAtomAnd,
  kAtomOr,
  kAtomXor,
  kAtomExch,
  kAtomCas,
  kAtomInc,
  kAtomDec
};

// exec_warp.cpp: lanes that see each other.
void exec_mma(Machine& m, const Instr& i, std::uint32_t mask);    ///< the function is Instr::mma
void exec_shfl(Machine& m, const Instr& i, std::uint32_t mask);   ///< mode: ShflMode
void exec_vote(Machine& m, const Instr& i, std::uint32_t mask);   ///< mode: VoteMode
void exec_match(Machine& m, const Instr& i, std::uint32_t mask);  ///< mode 0: any, 1: all
void exec_activemask(Machine& m, const Instr& i, std::uint32_t mask);
void exec_redux(Machine& m, const Instr& i, std::uint32_t mask);  ///< mode: AtomOp
void exec_sync_warp(Machine& m, const Instr& i, std::uint32_t mask);

enum ShflMode : std::uint8_t { kShflUp, kShflDown, kShflBfly, kShflIdx };
enum VoteMode : std::uint8_t { kVoteAll, kVoteAny, kVoteUni, kVoteBallot };

// barrier.cpp.
/// bar.*: true when the warp stops here, even if it was the last to come: warps go on in their order.
bool arrive_at_barrier(Machine& m, const Instr& i, std::uint32_t mask);
/// An exited warp: those that wait may have been waiting for it.
void retire_warp(Machine& m, Warp& warp);
enum BarrierMode : std::uint8_t { kBarSync, kBarArrive, kBarRedPopc, kBarRedAnd, kBarRedOr };

std::uint64_t special_value(const Machine& m, const Warp& w, Special what, int lane);

// bank.cpp: what an access costs.
struct Passes {
  std::uint32_t all = 0, extra = 0;
};
/// Shared accesses of `bytes` by each lane of the mask: 32 banks of 4 bytes; 8 bytes go in half warps, 16 in quarters.
Passes bank_passes(const std::uint64_t* addresses, std::uint32_t mask, std::uint32_t bytes);
/// Distinct 32-byte sectors.
std::uint32_t sectors_of(const std::uint64_t* addresses, std::uint32_t mask);

}  // namespace obz::ptx
