// Deliberate faults, so that the tests can be seen to fail: numbers 140 .. 149 of hls/. A build with GL_FAULTS takes the
// number from the simulator's argument +fault=N, or always has fault GL_FAULT_ALWAYS; any other build has none, and
// nothing of this is left in it.
`ifndef GL_FAULT_VH
`define GL_FAULT_VH

`ifdef GL_FAULTS
`ifdef GL_FAULT_ALWAYS
`define GL_FAULT_SELECT integer fault = `GL_FAULT_ALWAYS;
`else
`define GL_FAULT_SELECT \
    integer fault = 0; \
    initial if ($value$plusargs("fault=%d", fault) == 0) fault = 0;
`endif
`define GL_FAULTY(n, right, wrong) ((fault == n) ? (wrong) : (right))
`else
`define GL_FAULT_SELECT
`define GL_FAULTY(n, right, wrong) (right)
`endif

`endif
