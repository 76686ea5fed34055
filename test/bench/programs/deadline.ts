/** An agent that never returns, and jobs that load the pool meanwhile. Workers load this module. */
import * as Schema from "effect/Schema"
import { writeFileSync } from "node:fs"
import { Agent, Fact, Program } from "../converge.ts"

/** A monotonic clock that all threads of the process share, in milliseconds. */
export const sharedNow = (): number => Number(process.hrtime.bigint()) / 1e6

export const timeoutMs = 50

const Start = Fact.kind("Start", { schema: Schema.Struct({ file: Schema.String }), id: ({ file }) => file })

/** Writes down when it began, and goes on for ever. */
export const endless = Program.make("endless", {
  module: import.meta.url,
  input: Schema.Struct({ file: Schema.String }),
  seed: ({ file }) => [Start.of({ file })],
  agents: [
    Agent.cpu("endless", {
      each: Start,
      timeout: timeoutMs,
      execute: ({ value: { file } }) => {
        writeFileSync(file, String(sharedNow()))
        for (;;);
      }
    })
  ]
})
