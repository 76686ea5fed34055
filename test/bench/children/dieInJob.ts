/** A process that begins a durable job and is killed in the middle of it. The job in its files is for another to resume. */
import { Engine } from "../converge.ts"
import { beforeStep, durable } from "../programs/durable.ts"
import { openDurable } from "../support/durable.ts"

export interface DoomedInput {
  readonly folder: string
  readonly id: string
  readonly input: { readonly value: number; readonly cycles: number; readonly items: number }
  /** The step that is not done any more. */
  readonly diesAt: number
}

const { diesAt, folder, id, input } = JSON.parse(process.argv[2]!) as DoomedInput
beforeStep.run = (n) => {
  if (n === diesAt) process.kill(process.pid, "SIGKILL")
}
// Not synced: the system outlives the process.
await openDurable(folder, "normal").run(Engine.run(durable, input, { id }))
