# Toolchain file: ARM64 on a Debian machine of another kind, its programs run by qemu-user. ZKP_AARCH64_SYSROOT is where
# scripts/arm64.sh unpacks the libraries of the tests.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64;-L;/usr/aarch64-linux-gnu)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ZKP_AARCH64_SYSROOT)

set(libraries ${ZKP_AARCH64_SYSROOT}/usr/lib/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH ${ZKP_AARCH64_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${ZKP_AARCH64_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${libraries}/pkgconfig:${ZKP_AARCH64_SYSROOT}/usr/share/pkgconfig)
# for what is named without a search (cmocka, jansson), and where programs find it
set(CMAKE_C_FLAGS_INIT
    "-isystem ${ZKP_AARCH64_SYSROOT}/usr/include -isystem ${ZKP_AARCH64_SYSROOT}/usr/include/aarch64-linux-gnu")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-L${libraries} -Wl,-rpath,${libraries}")
