/* A device under test in under 50 lines: the requantizer of a dyadic network (profile hawq-v3/exact), as a filter.
 *
 *   obz gen requant -p hawq-v3/exact | ./requantizer | obz ver requant -p hawq-v3/exact
 *
 * Reads one case a line: acc mult shift zp lo hi, hex, two's complement. Writes the line back with the output appended.
 * Compile with -DPLANT_BUG for a device that rounds ties up instead of to even: random vectors never notice.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* acc * mult / 2^shift, rounded to nearest, ties to even; mult has up to 32 bits, so the product fits in 64. */
static int64_t scale(int32_t acc, uint32_t mult, int shift) {
  const int64_t product = (int64_t)acc * (int64_t)mult;
  if (shift == 0) return product;
  const int64_t quotient = product >> shift; /* floor */
  const uint64_t rest = (uint64_t)product & ((UINT64_C(1) << shift) - 1);
  const uint64_t half = UINT64_C(1) << (shift - 1);
#ifdef PLANT_BUG
  return quotient + (rest >= half);
#else
  return quotient + (rest > half || (rest == half && (quotient & 1)));
#endif
}

int main(void) {
  char line[256];
  while (fgets(line, sizeof line, stdin)) {
    uint32_t acc, mult;
    unsigned shift, zp, lo, hi;
    if (line[0] == '#') { /* the header says which fields and types follow */
      fputs(line, stdout);
      continue;
    }
    if (sscanf(line, "%" SCNx32 " %" SCNx32 " %x %x %x %x", &acc, &mult, &shift, &zp, &lo, &hi) != 6) {
      fprintf(stderr, "requantizer: cannot read: %s", line);
      return 1;
    }
    int64_t out = scale((int32_t)acc, mult, (int)shift) + (int8_t)zp;
    if (out < (int8_t)lo) out = (int8_t)lo;
    if (out > (int8_t)hi) out = (int8_t)hi;
    line[strcspn(line, "\r\n")] = '\0';
    printf("%s %02x\n", line, (unsigned)out & 0xff);
  }
  return 0;
}
