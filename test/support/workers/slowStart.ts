/** A program whose module takes its time on a worker. */
import * as Schema from "effect/Schema"
import { isMainThread } from "node:worker_threads"
import { Agent, Program } from "../../../src/index.ts"

if (!isMainThread) await new Promise((resolve) => setTimeout(resolve, 1_500))

export const slowStart = Program.make("slow-start", {
  module: import.meta.url,
  input: Schema.Struct({}),
  agents: [Agent.cpu("none", { execute: () => ({}) })]
})
