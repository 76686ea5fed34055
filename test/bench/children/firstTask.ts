/**
 * A process that builds a cold pool and prints how long its first task took, from the layer's build to the outcome of the
 * job that had it. What the process has loaded before is not counted.
 */
import { Engine } from "../converge.ts"
import { many } from "../programs/many.ts"
import { poolOf, startEngine } from "../support/engine.ts"

export interface FirstTaskResult {
  readonly ms: number
  readonly output: ReadonlyArray<number>
}

const began = performance.now()
const engine = startEngine(poolOf(2))
const { output } = await engine.run(Engine.run(many, { facts: 1 }))
const result: FirstTaskResult = { ms: performance.now() - began, output }
process.stdout.write(JSON.stringify(result), () => process.exit())
