/**
 * The job ids of the children of a stored job, by the keys of the intents that ask for them.
 *
 * The version that began a job decides how its children are named: the header of its journal says so. Boundary: pure.
 */
import { childIdsOf } from "../intents/childIds.ts"
import type { JournalHeader } from "../journal/records.ts"

export const storedChildIds = (jobId: string, { depth }: Pick<JournalHeader, "depth">): ((key: string) => string) =>
  childIdsOf(jobId, depth !== undefined)
