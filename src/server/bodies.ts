/**
 * The bodies of requests, as schemas for a value that `JSON.parse` gave.
 *
 * They accept the same bodies as the public shapes. `JSON.parse` gave the values inside, so no schema walks a large one again
 * to check that it is JSON. Boundary: data.
 */
import * as Schema from "effect/Schema"
import { NewFork, NewJob } from "./shapes.ts"

const read = Schema.declare((value): value is Schema.Json => value !== undefined)

/** The body that starts a job. */
export const NewJobBody = Schema.Struct({ ...NewJob.fields, input: Schema.optional(read) })

const facts = Schema.Array(Schema.Struct({ kind: Schema.String, value: read }))

/** The body that forks a job. */
export const ForkBody = Schema.Struct({
  ...NewFork.fields,
  input: Schema.optional(read),
  facts: Schema.optional(facts)
})

/** The body of a signal. */
export const SignalBody = Schema.Struct({ facts })
