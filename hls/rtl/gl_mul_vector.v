// c[i] = a[i] b[i] for rows of eight Goldilocks words (any words in, canonical out), a row a cycle through eight
// multipliers: a kernel in RTL, for the emulated card in hw_emu.
//
// ap_ctrl_hs: takes a, b, c (byte addresses of rows of 64 bytes) and rows with ap_start, shows ap_done and ap_ready for one
// cycle at the end. Ports of memory are what remains of AXI4 with bursts of one: an address goes where valid meets ready,
// data come in the addresses' order. A port that is not ready holds things up and loses nothing: the multipliers stop
// while their result is not taken.
//
// With memories that take an address each cycle and answer M cycles later, ap_done is OVERHEAD + M + LATENCY + rows cycles
// behind ap_start, and OVERHEAD cycles if there are no rows: two cycles to start and to end.
`include "gl_fault.vh"

module gl_mul_vector #(
    parameter LATENCY  = 9,  // of gl_mul
    parameter OVERHEAD = 2
) (
    input wire ap_clk,
    input wire ap_rst,
    input wire ap_start,
    output wire ap_done,
    output wire ap_ready,
    output wire ap_idle,
    input wire [63:0] a,
    input wire [63:0] b,
    input wire [63:0] c,
    input wire [31:0] rows,

    output wire m_a_arvalid,
    input wire m_a_arready,
    output wire [63:0] m_a_araddr,
    input wire m_a_rvalid,
    output wire m_a_rready,
    input wire [511:0] m_a_rdata,

    output wire m_b_arvalid,
    input wire m_b_arready,
    output wire [63:0] m_b_araddr,
    input wire m_b_rvalid,
    output wire m_b_rready,
    input wire [511:0] m_b_rdata,

    output wire m_c_wvalid,
    input wire m_c_wready,
    output wire [63:0] m_c_waddr,
    output wire [511:0] m_c_wdata
);
  localparam [1:0] IDLE = 0, RUN = 1, DONE = 2;

  reg [1:0] state;
  reg [63:0] a_next, b_next, c_next;          // addresses
  reg [31:0] a_left, b_left, c_left;          // rows that are not asked for, or not written
  reg [LATENCY-1:0] under_way;

  wire out_valid = under_way[LATENCY-1];
  wire ce = !out_valid || m_c_wready;
  wire take = m_a_rvalid && m_b_rvalid && ce;

  assign ap_idle = state == IDLE && !ap_start;
  assign ap_done = state == DONE;
  assign ap_ready = ap_done;
  assign m_a_arvalid = a_left != 0;
  assign m_a_araddr = a_next;
  assign m_b_arvalid = b_left != 0;
  assign m_b_araddr = b_next;
  assign m_a_rready = take;
  assign m_b_rready = take;
  assign m_c_wvalid = out_valid;
  assign m_c_waddr = c_next;

  genvar i;
  generate
    for (i = 0; i < 8; i = i + 1) begin : lane
      gl_mul #(
          .LATENCY(LATENCY)
      ) mul (
          .clk(ap_clk),
          .ce(ce),
          .a(m_a_rdata[64*i+:64]),
          .b(m_b_rdata[64*i+:64]),
          .r(m_c_wdata[64*i+:64])
      );
    end
  endgenerate

  always @(posedge ap_clk) begin
    if (m_a_arvalid && m_a_arready) begin
      a_next <= a_next + 64;
      a_left <= a_left - 1;
    end
    if (m_b_arvalid && m_b_arready) begin
      b_next <= b_next + 64;
      b_left <= b_left - 1;
    end
    if (ce) under_way <= {under_way[LATENCY-2:0], take};
    if (out_valid && m_c_wready) begin
      c_next <= c_next + 64;
      c_left <= c_left - 1;
    end
    case (state)
      IDLE:
      if (ap_start) begin
        a_next <= a;
        b_next <= b;
        c_next <= c;
        a_left <= rows;
        b_left <= rows;
        c_left <= rows;
        state  <= RUN;
      end
      RUN: if (c_left == 0) state <= DONE;
      default: state <= IDLE;
    endcase
    if (ap_rst) begin
      state <= IDLE;
      a_left <= 0;
      b_left <= 0;
      c_left <= 0;
      under_way <= 0;
    end
  end
  wire unused = OVERHEAD != 0;
endmodule
