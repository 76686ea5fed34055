/**
 * The bodies of requests, as schemas for a value that `JSON.parse` gave.
 *
 * They take what the public shapes take. The values inside were read as JSON, so a large one is not walked once more to find
 * out that it is JSON. Boundary: data.
 */
import * as Schema from "effect/Schema"
import { NewJob } from "./shapes.ts"

const read = Schema.declare((value): value is Schema.Json => value !== undefined)

/** The body that starts a job. */
export const NewJobBody = Schema.Struct({ ...NewJob.fields, input: Schema.optional(read) })

/** The body of a signal. */
export const SignalBody = Schema.Struct({
  facts: Schema.Array(Schema.Struct({ kind: Schema.String, value: read }))
})
