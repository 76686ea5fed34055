/** A store in which every job has one id, such as no job can be given: that of a child, or one of an earlier version. */
import type { JobStore } from "../../../src/index.ts"

export const named = (store: JobStore.JobStore["Service"], id: string): JobStore.JobStore["Service"] => ({
  ...store,
  create: (job) => store.create({ ...job, jobId: id }),
  append: (_, fence, row) => store.append(id, fence, row),
  note: (_, fence, text, ...more) => store.note(id, fence, text, ...more),
  release: (_, fence, ...more) => store.release(id, fence, ...more),
  halt: (_, fence, end) => store.halt(id, fence, end),
  load: () => store.load(id)
})
