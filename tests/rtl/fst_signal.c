// Prints how one signal of an FST file changes, "time value" a line. Compiled at run time with the reader that
// Verilator brings (include/gtkwave/fstapi.c), which shares the format with the writer but is what GTKWave reads with.
#include "fstapi.h"
#include <stdio.h>
#include <string.h>

static void show(void* unused, uint64_t time, fstHandle facility, const unsigned char* value) {
  (void)unused;
  (void)facility;
  printf("%llu %s\n", (unsigned long long)time, (const char*)value);
}

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  void* file = fstReaderOpen(argv[1]);
  if (file == NULL) return 65;
  fstHandle found = 0;
  struct fstHier* item;
  while ((item = fstReaderIterateHier(file)) != NULL) {
    if (item->htyp == FST_HT_VAR && strcmp(item->u.var.name, argv[2]) == 0) found = item->u.var.handle;
  }
  if (found == 0) return 66;
  printf("timescale %d\n", fstReaderGetTimescale(file));
  fstReaderSetFacProcessMask(file, found);
  if (!fstReaderIterBlocks(file, show, NULL, NULL)) return 67;
  fstReaderClose(file);
  return 0;
}
