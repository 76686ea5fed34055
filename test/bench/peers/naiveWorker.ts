/**
 * A message handler that calls a hot loop, as one writes it without knowing the trap: the benchmark maglev is about the
 * code that the optimising compiler makes of it after some hundred messages. Do not call anything indirectly here.
 */
import { parentPort } from "node:worker_threads"
import { helper } from "../work.ts"

parentPort!.on("message", ({ steps, value }: { readonly steps: number; readonly value: number }) => {
  parentPort!.postMessage(helper(steps, value))
})
