/* OpenCL devices: what there is, whether it will do, and what is missing. */
#include "driver/opencl/ocl_card.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ocl_error_text(cl_int code)
{
    static const struct {
        cl_int code;
        const char *text;
    } TEXTS[] = {
#define TEXT(name) {name, #name}
        TEXT(CL_DEVICE_NOT_FOUND),         TEXT(CL_DEVICE_NOT_AVAILABLE),
        TEXT(CL_COMPILER_NOT_AVAILABLE),   TEXT(CL_MEM_OBJECT_ALLOCATION_FAILURE),
        TEXT(CL_OUT_OF_RESOURCES),         TEXT(CL_OUT_OF_HOST_MEMORY),
        TEXT(CL_BUILD_PROGRAM_FAILURE),    TEXT(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST),
        TEXT(CL_LINKER_NOT_AVAILABLE),     TEXT(CL_INVALID_VALUE),
        TEXT(CL_INVALID_DEVICE),           TEXT(CL_INVALID_BUFFER_SIZE),
        TEXT(CL_INVALID_BUILD_OPTIONS),    TEXT(CL_INVALID_KERNEL_NAME),
        TEXT(CL_INVALID_KERNEL_ARGS),      TEXT(CL_INVALID_WORK_GROUP_SIZE),
        TEXT(CL_INVALID_GLOBAL_WORK_SIZE),
#undef TEXT
    };

    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
        if (TEXTS[i].code == code)
            return TEXTS[i].text;
    return "an OpenCL error";
}

/* A text of a device, cut; "?" if it has none. */
static void device_text(cl_device_id device, cl_device_info what, char *out, size_t size)
{
    size_t length = 0;
    char *text = NULL;

    snprintf(out, size, "?");
    if (clGetDeviceInfo(device, what, 0, NULL, &length) != CL_SUCCESS || length == 0)
        return;
    text = calloc(1, length + 1);
    if (text && clGetDeviceInfo(device, what, length, text, NULL) == CL_SUCCESS)
        snprintf(out, size, "%s", text);
    free(text);
}

/* A number of a device; 0 if it does not say. */
static uint64_t device_number(cl_device_id device, cl_device_info what, size_t bytes)
{
    cl_uint word = 0;
    cl_ulong wide = 0;

    if (bytes == sizeof word)
        return clGetDeviceInfo(device, what, bytes, &word, NULL) == CL_SUCCESS ? word : 0;
    return clGetDeviceInfo(device, what, bytes, &wide, NULL) == CL_SUCCESS ? wide : 0;
}

static void look_at(ocl_found *found)
{
    char name[128], version[96];
    const char *lacks = NULL;
    cl_device_id d = found->device;
    int major = 0, minor = 0;

    device_text(d, CL_DEVICE_NAME, name, sizeof name);
    device_text(d, CL_DEVICE_VERSION, version, sizeof version);
    found->type = device_number(d, CL_DEVICE_TYPE, sizeof(cl_ulong));
    found->units = (cl_uint)device_number(d, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof(cl_uint));
    found->memory_bytes = device_number(d, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(cl_ulong));
    found->buffer_bytes = device_number(d, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(cl_ulong));
    found->host_memory = (found->type & CL_DEVICE_TYPE_CPU) != 0 ||
                         device_number(d, CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof(cl_uint)) != 0;
    if (sscanf(version, "OpenCL %d.%d", &major, &minor) != 2 || major < 1 ||
        (major == 1 && minor < 2))
        lacks = "OpenCL 1.2 is needed";
    else if (!device_number(d, CL_DEVICE_AVAILABLE, sizeof(cl_uint)))
        lacks = "the device is not available";
    else if (!device_number(d, CL_DEVICE_COMPILER_AVAILABLE, sizeof(cl_uint)))
        lacks = "it has no compiler for OpenCL C (for cards with an image of kernels: xrt)";
    else if (!device_number(d, CL_DEVICE_ENDIAN_LITTLE, sizeof(cl_uint)))
        lacks = "it is not little-endian";
    else if (found->memory_bytes == 0 || found->buffer_bytes == 0)
        lacks = "it reports no memory";
    found->usable = !lacks;
    snprintf(found->about, sizeof found->about,
             "%s%s%s, %s, %" PRIu32 " compute units, %" PRIu64 " MiB", lacks ? lacks : "",
             lacks ? ": " : "", name, version, found->units, found->memory_bytes >> 20);
}

size_t ocl_find(ocl_found *out, size_t max, char *why)
{
    cl_platform_id platforms[OCL_MAX_DEVICES];
    cl_uint count = 0, devices;
    size_t n = 0;

    snprintf(why, DRV_TEXT_BYTES,
             "no OpenCL platform: the loader knows no driver. Install the device's (for this CPU: "
             "pocl-opencl-icd); each is a file in /etc/OpenCL/vendors, or where OCL_ICD_VENDORS "
             "says");
    if (clGetPlatformIDs(OCL_MAX_DEVICES, platforms, &count) != CL_SUCCESS)
        return 0;
    for (cl_uint p = 0; p < count && p < OCL_MAX_DEVICES; p++) {
        cl_device_id ids[OCL_MAX_DEVICES];
        char name[128] = "?";

        clGetPlatformInfo(platforms[p], CL_PLATFORM_NAME, sizeof name, name, NULL);
        name[sizeof name - 1] = '\0';
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, OCL_MAX_DEVICES, ids, &devices) !=
                CL_SUCCESS ||
            devices == 0) {
            snprintf(why, DRV_TEXT_BYTES, "OpenCL platform %s has no device", name);
            continue;
        }
        for (cl_uint k = 0; k < devices && k < OCL_MAX_DEVICES; k++, n++) {
            if (n >= max)
                continue;
            out[n] = (ocl_found){.platform = platforms[p], .device = ids[k]};
            look_at(&out[n]);
        }
    }
    return n;
}
