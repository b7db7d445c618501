// Times cuBLASLt's int8 matrix products, for comparison beside the kernels of this project; never part of what obz
// links. usage: cublaslt_times M,N,K ...      prints a JSON list of {"m","n","k","seconds"} (seconds null: no
// algorithm)
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <cublasLt.h>
#include <cuda_runtime_api.h>

namespace {

void check(int status, const char* what) {
  if (status == 0) return;
  std::fprintf(stderr, "cublaslt_times: %s failed with %d\n", what, status);
  std::exit(3);
}

/// C [m x n] int32 = A^T [m x k] B [k x n], int8, column-major: the layout in which int8 tensor cores are used. Median
/// of `repeats` runs; negative when cuBLASLt has no algorithm.
double seconds(cublasLtHandle_t lt, int m, int n, int k, int repeats) {
  cublasLtMatmulDesc_t operation;
  check(cublasLtMatmulDescCreate(&operation, CUBLAS_COMPUTE_32I, CUDA_R_32I), "cublasLtMatmulDescCreate");
  const cublasOperation_t transposed = CUBLAS_OP_T;
  check(cublasLtMatmulDescSetAttribute(operation, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed),
        "transa");
  cublasLtMatrixLayout_t a, b, c;
  check(cublasLtMatrixLayoutCreate(&a, CUDA_R_8I, k, m, k), "layout of A");
  check(cublasLtMatrixLayoutCreate(&b, CUDA_R_8I, k, n, k), "layout of B");
  check(cublasLtMatrixLayoutCreate(&c, CUDA_R_32I, m, n, m), "layout of C");
  constexpr std::size_t kWorkspace = std::size_t{32} << 20;
  void *da, *db, *dc, *workspace;
  check(cudaMalloc(&da, static_cast<std::size_t>(m) * k), "cudaMalloc");
  check(cudaMalloc(&db, static_cast<std::size_t>(n) * k), "cudaMalloc");
  check(cudaMalloc(&dc, static_cast<std::size_t>(m) * n * 4), "cudaMalloc");
  check(cudaMalloc(&workspace, kWorkspace), "cudaMalloc");
  check(cudaMemset(da, 1, static_cast<std::size_t>(m) * k), "cudaMemset");
  check(cudaMemset(db, 1, static_cast<std::size_t>(n) * k), "cudaMemset");
  cublasLtMatmulPreference_t preference;
  check(cublasLtMatmulPreferenceCreate(&preference), "preference");
  check(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &kWorkspace,
                                             sizeof kWorkspace),
        "workspace");
  cublasLtMatmulHeuristicResult_t found[8];
  int count = 0;
  cublasLtMatmulAlgoGetHeuristic(lt, operation, a, b, c, c, preference, 8, found, &count);
  const int one = 1, zero = 0;
  cudaEvent_t start, stop;
  check(cudaEventCreate(&start), "cudaEventCreate");
  check(cudaEventCreate(&stop), "cudaEventCreate");
  double best = -1;
  for (int i = 0; i < count; ++i) {
    std::vector<float> times;
    for (int r = -repeats / 4 - 1; r < repeats; ++r) {
      check(cudaEventRecord(start), "cudaEventRecord");
      const auto status = cublasLtMatmul(lt, operation, &one, da, a, db, b, &zero, dc, c, dc, c, &found[i].algo,
                                         workspace, kWorkspace, nullptr);
      if (status != CUBLAS_STATUS_SUCCESS) break;
      check(cudaEventRecord(stop), "cudaEventRecord");
      check(cudaEventSynchronize(stop), "cudaEventSynchronize");
      float ms = 0;
      check(cudaEventElapsedTime(&ms, start, stop), "cudaEventElapsedTime");
      if (r >= 0) times.push_back(ms);
    }
    if (times.size() < static_cast<std::size_t>(repeats)) continue;
    std::nth_element(times.begin(), times.begin() + repeats / 2, times.end());
    const double median = times[static_cast<std::size_t>(repeats / 2)] / 1e3;
    if (best < 0 || median < best) best = median;
  }
  for (void* p : {da, db, dc, workspace}) cudaFree(p);
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::fprintf(stderr, "cublaslt_times: no CUDA device\n");
    return 3;
  }
  cublasLtHandle_t lt;
  check(cublasLtCreate(&lt), "cublasLtCreate");
  std::printf("[");
  for (int i = 1; i < argc; ++i) {
    int m = 0, n = 0, k = 0;
    if (std::sscanf(argv[i], "%d,%d,%d", &m, &n, &k) != 3 || m < 1 || n < 1 || k < 1) {
      std::fprintf(stderr, "cublaslt_times: expected M,N,K, got %s\n", argv[i]);
      return 2;
    }
    const double s = seconds(lt, m, n, k, 50);
    std::printf("%s\n {\"m\": %d, \"n\": %d, \"k\": %d, \"seconds\": ", i == 1 ? "" : ",", m, n, k);
    if (s < 0) {
      std::printf("null}");
    } else {
      std::printf("%.9g}", s);
    }
  }
  std::printf("\n]\n");
  return 0;
}
