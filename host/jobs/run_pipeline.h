/** The run function of a server: jobs go through host/pipeline. */
#ifndef ZKP_HOST_JOBS_RUN_PIPELINE_H
#define ZKP_HOST_JOBS_RUN_PIPELINE_H

#include "host/jobs/jobs.h"
#include "host/pipeline/pipeline.h"

/** A job_run_fn; ctx is the pipeline. */
job_end jobs_run_pipeline(void *pipeline, job_task *task, job_result *result);

#endif
