/** A job whose agent is inside a native call for longer than a test lasts. */
import { Agent, Fact, Program } from "../../../src/index.ts"
import * as Schema from "effect/Schema"
import { execFileSync } from "node:child_process"
import { writeSync } from "node:fs"

const Step = Fact.kind("Step", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

export const held = Program.make("held", {
  module: import.meta.url,
  input: Schema.Struct({}),
  seed: () => [Step.of({ n: 0 })],
  agents: [
    Agent.cpu("hold", {
      each: Step,
      execute: () => {
        writeSync(2, "inside\n")
        // It must not keep the pipes of the process open when that has ended.
        execFileSync("sleep", ["120"], { stdio: "ignore" })
        return {}
      }
    })
  ]
})
