/**
 * The recorded job of this page, if the page has one: then every answer comes from the record, and no request is made.
 *
 * Boundary: reads the page's own data; recordedJob.ts answers.
 */
import type { JobRecord } from "../../server/jobRecord.ts"
import { RecordedJob } from "./recordedJob.ts"

const text = document.getElementById("record")?.textContent

/** Undefined where a server answers. `converge inspect job` wrote the text. */
export const recorded = text === undefined || text === null ? undefined : new RecordedJob(JSON.parse(text) as JobRecord)
