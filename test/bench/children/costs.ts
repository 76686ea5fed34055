/** A process that makes facts, and prints the memory of one. Input: the number of batches. */
import { Engine } from "../converge.ts"
import { batchSize, facts } from "../programs/costs.ts"
import { startEngine } from "../support/engine.ts"

export interface CostsInput {
  readonly batches: number
}

export interface CostsResult {
  readonly heapBytes: number
  readonly textBytes: number
  readonly facts: number
}

const { batches } = JSON.parse(process.argv[2]!) as CostsInput

const heap = (): number => {
  for (let i = 0; i < 4; i++) globalThis.gc!()
  return process.memoryUsage().heapUsed
}

const engine = startEngine()
// One job first, so that the modules and the code that the first one loads are not counted.
await engine.run(Engine.run(facts, { batches: 1 }))
const before = heap()
const ended = await engine.run(Engine.run(facts, { batches }))
const after = heap()

const result: CostsResult = {
  heapBytes: (after - before) / (batches * batchSize),
  textBytes: ended.usage.contextBytes / (batches * batchSize),
  // The context is held until here.
  facts: ended.context.counts()["Item"] ?? 0
}
process.stdout.write(JSON.stringify(result), () => process.exit())
