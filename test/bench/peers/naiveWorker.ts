/**
 * A message handler that calls a hot loop, as one writes it without knowing: what the optimising compiler makes of it
 * after some hundred messages is what the benchmark maglev is about. Do not call anything indirectly here.
 */
import { parentPort } from "node:worker_threads"
import { helper } from "../work.ts"

parentPort!.on("message", ({ steps, value }: { readonly steps: number; readonly value: number }) => {
  parentPort!.postMessage(helper(steps, value))
})
