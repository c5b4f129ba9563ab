/* Kernels that this tree does not have yet: their jobs answer P_EUNSUPPORTED, and their symbols are
 * here so that the rest links. CMakeLists.txt defines CPU_HAVE_ for each kernel's file. */
#include "driver/cpu/absent.h"

#include "driver/cpu/kernels.h"

static p_status absent(const char *kernel, p_err *err)
{
    return p_err_set(err, P_EUNSUPPORTED, "this build has no kernel %s", kernel);
}

#ifndef CPU_HAVE_GL_NTT
p_status cpu_gl_ntt(const cpu_run *run, const drv_ntt_job *job, p_err *err)
{
    (void)run, (void)job;
    return absent("gl_ntt", err);
}

p_status cpu_gl_lde(const cpu_run *run, const drv_matrix *in, drv_input input, uint32_t log_blowup,
                    const drv_matrix *out, uint64_t first, uint64_t count, p_err *err)
{
    (void)run, (void)in, (void)input, (void)log_blowup, (void)out, (void)first, (void)count;
    return absent("gl_ntt", err);
}

uint64_t cpu_gl_ntt_scratch(const cpu_run *run, const drv_ntt_job *job)
{
    (void)run, (void)job;
    return 0;
}

uint64_t cpu_gl_lde_scratch(const cpu_run *run, uint32_t log_rows, uint32_t log_blowup)
{
    (void)run, (void)log_rows, (void)log_blowup;
    return 0;
}
#endif

#ifndef CPU_HAVE_MERKLE
uint64_t cpu_merkle_words(drv_hash hash, uint32_t log_leaves, uint32_t cap_log2)
{
    (void)hash, (void)log_leaves, (void)cap_log2;
    return 0;
}

void cpu_merkle_path(drv_hash hash, const uint64_t *tree, uint32_t log_leaves, uint32_t cap_log2,
                     uint64_t leaf, uint64_t *path)
{
    (void)hash, (void)tree, (void)log_leaves, (void)cap_log2, (void)leaf, (void)path;
}
#endif

#ifndef CPU_HAVE_GL_MERKLE
p_status cpu_gl_merkle_begin(const cpu_run *run, uint32_t log_leaves, uint64_t *tree, p_err *err)
{
    (void)run, (void)log_leaves, (void)tree;
    return absent("gl_merkle", err);
}

p_status cpu_gl_merkle_absorb(const cpu_run *run, const drv_matrix *leaves, uint64_t first,
                              uint64_t count, uint64_t *tree, p_err *err)
{
    (void)run, (void)leaves, (void)first, (void)count, (void)tree;
    return absent("gl_merkle", err);
}

p_status cpu_gl_merkle_finish(const cpu_run *run, uint32_t log_leaves, uint32_t cap_log2,
                              uint64_t *tree, uint64_t *cap, p_err *err)
{
    (void)run, (void)log_leaves, (void)cap_log2, (void)tree, (void)cap;
    return absent("gl_merkle", err);
}
#endif

#ifndef CPU_HAVE_BN_MERKLE
p_status cpu_bn_merkle(const cpu_run *run, const drv_matrix *leaves, uint32_t cap_log2,
                       uint64_t *tree, uint64_t *cap, p_err *err)
{
    (void)run, (void)leaves, (void)cap_log2, (void)tree, (void)cap;
    return absent("bn_merkle", err);
}
#endif

#ifndef CPU_HAVE_BN_NTT
p_status cpu_bn_ntt(const cpu_run *run, const drv_ntt_job *job, p_err *err)
{
    (void)run, (void)job;
    return absent("bn_ntt", err);
}

uint64_t cpu_bn_ntt_scratch(const cpu_run *run, const drv_ntt_job *job)
{
    (void)run, (void)job;
    return 0;
}
#endif

#ifndef CPU_HAVE_BN_MSM
p_status cpu_msm_load(const cpu_run *run, const drv_msm_load_job *job, cpu_msm_points **out,
                      p_err *err)
{
    (void)run, (void)job, (void)out;
    return absent("bn_msm", err);
}

void cpu_msm_free(p_memory *memory, cpu_msm_points *points)
{
    (void)memory, (void)points;
}

p_status cpu_msm(const cpu_run *run, const cpu_msm_points *points, const drv_msm_job *job,
                 p_err *err)
{
    (void)run, (void)points, (void)job;
    return absent("bn_msm", err);
}

uint64_t cpu_msm_load_bytes(const drv_msm_load_job *job)
{
    (void)job;
    return 0;
}

uint64_t cpu_msm_scratch(const cpu_run *run, drv_group group, uint64_t count)
{
    (void)run, (void)group, (void)count;
    return 0;
}
#endif

#ifndef CPU_HAVE_POSEIDON
p_status cpu_poseidon(const cpu_run *run, const drv_poseidon_job *job, p_err *err)
{
    (void)run, (void)job;
    return absent("poseidon", err);
}
#endif

p_status cpu_absent_check(const drv_job *job, p_err *err)
{
    (void)err;
    switch (job->op) {
    case DRV_COMMIT:
#ifndef CPU_HAVE_MERKLE
        return absent("merkle", err);
#endif
#ifndef CPU_HAVE_GL_NTT
        if (job->commit.input != DRV_LEAVES)
            return absent("gl_ntt", err);
#endif
#ifndef CPU_HAVE_GL_MERKLE
        if (job->commit.hash == DRV_HASH_GL)
            return absent("gl_merkle", err);
#endif
#ifndef CPU_HAVE_BN_MERKLE
        if (job->commit.hash == DRV_HASH_BN254)
            return absent("bn_merkle", err);
#endif
        break;
    case DRV_NTT:
#ifndef CPU_HAVE_GL_NTT
        if (job->ntt.field == DRV_GOLDILOCKS)
            return absent("gl_ntt", err);
#endif
#ifndef CPU_HAVE_BN_NTT
        if (job->ntt.field == DRV_BN254_FR)
            return absent("bn_ntt", err);
#endif
        break;
    case DRV_MSM_LOAD:
#ifndef CPU_HAVE_BN_MSM
        return absent("bn_msm", err);
#endif
        break;
    case DRV_POSEIDON:
#ifndef CPU_HAVE_POSEIDON
        return absent("poseidon", err);
#endif
        break;
    default: /* with a handle: it would not exist */
        break;
    }
    return P_OK;
}
