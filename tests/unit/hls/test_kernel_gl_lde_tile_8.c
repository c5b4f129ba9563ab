/* the same with tiles of 2^8 rows a column, which a trial with a tool would take */
#define HLS_GL_LDE_TILE_LOG2 8
#include "tests/unit/hls/test_kernel_gl_lde.c"
