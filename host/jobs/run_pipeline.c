#include "host/jobs/run_pipeline.h"

#include <stdio.h>

static void progress(void *task, const char *stage, unsigned percent)
{
    job_task_progress(task, stage, percent);
}

static void drop_request(void *task)
{
    job_task_drop_request(task);
}

job_end jobs_run_pipeline(void *p, job_task *task, job_result *result)
{
    const pipeline_hooks hooks = {.ctx = task,
                                  .should_stop = job_task_should_stop_fn,
                                  .progress = progress,
                                  .drop_request = drop_request};
    p_err err = {0};
    size_t len;
    const uint8_t *bytes = job_task_request(task, &len);
    pipeline_end end = pipeline_run(p, bytes, len, &hooks, &err);
    snprintf(result->text, sizeof result->text, "%s", err.text);
    switch (end) {
    case PIPELINE_STOPPED:
        return JOB_END_STOPPED;
    case PIPELINE_COMPLETED_ERROR:
        return JOB_END_COMPLETED_ERROR;
    default:
        return JOB_END_INTERNAL_ERROR;
    }
}
