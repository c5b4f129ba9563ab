// A DSP48E2 for simulation, as far as hls/rtl uses one, from its user guide (UG579): A (27 bits) times B (18 bits),
// signed, plus nothing or PCIN or PCIN shifted by 17; registers A (one), B (one or two), M, P; the cascades of A and P.
// Anything else ends the simulation. Synthesis takes the device's own cell instead.
module DSP48E2 #(
    parameter A_INPUT = "DIRECT",
    parameter integer AREG = 1,
    parameter integer ACASCREG = 1,
    parameter integer BREG = 1,
    parameter integer BCASCREG = 1,
    parameter integer MREG = 1,
    parameter integer PREG = 1,
    parameter integer CREG = 1,
    parameter integer DREG = 1,
    parameter integer ADREG = 1,
    parameter integer INMODEREG = 1,
    parameter integer OPMODEREG = 1,
    parameter integer ALUMODEREG = 1,
    parameter integer CARRYINREG = 1,
    parameter integer CARRYINSELREG = 1,
    parameter USE_MULT = "MULTIPLY"
) (
    input wire CLK,
    input wire [29:0] A,
    input wire [29:0] ACIN,
    output wire [29:0] ACOUT,
    input wire [17:0] B,
    input wire [17:0] BCIN,
    input wire [47:0] C,
    input wire [26:0] D,
    input wire [47:0] PCIN,
    output wire [47:0] P,
    output wire [47:0] PCOUT,
    input wire [8:0] OPMODE,
    input wire [4:0] INMODE,
    input wire [3:0] ALUMODE,
    input wire CARRYIN,
    input wire [2:0] CARRYINSEL,
    input wire CEA1,
    input wire CEA2,
    input wire CEB1,
    input wire CEB2,
    input wire CEM,
    input wire CEP,
    input wire CEC,
    input wire CED,
    input wire CEAD,
    input wire CEINMODE,
    input wire CECTRL,
    input wire CEALUMODE,
    input wire CECARRYIN,
    input wire RSTA,
    input wire RSTB,
    input wire RSTC,
    input wire RSTD,
    input wire RSTM,
    input wire RSTP,
    input wire RSTINMODE,
    input wire RSTCTRL,
    input wire RSTALUMODE,
    input wire RSTALLCARRYIN
);
  reg [29:0] a2;
  reg [17:0] b1, b2;
  reg signed [44:0] m;
  reg [47:0] p;

  wire [44:0] product = $signed(a2[26:0]) * $signed(b2);
  wire [47:0] z = OPMODE[6:4] == 3'b001 ? PCIN : OPMODE[6:4] == 3'b101 ? {{17{PCIN[47]}}, PCIN[47:17]} : 48'd0;

  always @(posedge CLK) begin
    if (CEA2) a2 <= A_INPUT == "CASCADE" ? ACIN : A;  // one register: the second
    if (CEB1) b1 <= B;
    if (CEB2) b2 <= BREG == 2 ? b1 : B;
    if (CEM) m <= product;
    if (CEP) p <= {{3{m[44]}}, m} + z;
    if (!(OPMODE[8:7] == 2'b00 && OPMODE[3:0] == 4'b0101 &&
          (OPMODE[6:4] == 3'b000 || OPMODE[6:4] == 3'b001 || OPMODE[6:4] == 3'b101))) begin
      $display("DSP48E2: OPMODE %b is not in this model", OPMODE);
      $stop;
    end
    if (|INMODE || |ALUMODE || CARRYIN || |CARRYINSEL || RSTA || RSTB || RSTM || RSTP) begin
      $display("DSP48E2: a mode, carry or reset that is not in this model");
      $stop;
    end
  end
  assign ACOUT = a2;
  assign P = p;
  assign PCOUT = p;

  initial
    if (AREG != 1 || ACASCREG != 1 || BREG < 1 || BREG > 2 || BCASCREG != BREG || MREG != 1 || PREG != 1 ||
        INMODEREG != 0 || OPMODEREG != 0 || ALUMODEREG != 0 || CARRYINREG != 0 || CARRYINSELREG != 0 ||
        USE_MULT != "MULTIPLY") begin
      $display("DSP48E2: parameters that are not in this model");
      $stop;
    end

  // what the multiplier's use leaves aside
  wire unused = &{BCIN, C, D, CREG != 0, DREG != 0, ADREG != 0, CEA1, CEC, CED, CEAD, CEINMODE, CECTRL, CEALUMODE,
                  CECARRYIN, RSTC, RSTD, RSTINMODE, RSTCTRL, RSTALUMODE, RSTALLCARRYIN, a2[29:27]};
endmodule
