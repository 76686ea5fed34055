/**
 * `converge machine`: a statechart of the runtime, as text.
 *
 * Boundary: chooses the machine and the format; src/inspector/Statechart.ts draws it.
 */
import * as Effect from "effect/Effect"
import { jobMachine } from "../../machines/job.machine.ts"
import { workerMachine } from "../../machines/worker.machine.ts"
import { toJson, toMermaid } from "../inspector/Statechart.ts"
import type { Host } from "./hostProcess.ts"

export interface MachineOptions {
  readonly machine: "job" | "worker"
  readonly format: "mermaid" | "json"
}

/** Prints the machine, and gives the exit code. */
export const machine = (host: Host, { format, machine }: MachineOptions): Effect.Effect<number> => {
  const chosen = machine === "job" ? jobMachine : workerMachine
  const text = format === "json" ? JSON.stringify(toJson(chosen), null, 2) : toMermaid(chosen)
  return Effect.as(host.write(`${text}\n`), 0)
}
