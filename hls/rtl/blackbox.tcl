# For Vitis HLS, before it synthesises a kernel (bitstreams/build.sh with BLACKBOX=1): the multipliers are RTL. Not run: no
# Vitis has been at hand.
set rtl [file dirname [file normalize [info script]]]
add_files -blackbox $rtl/gl_mul_blackbox.json
add_files -blackbox $rtl/gl_mul64_blackbox.json
