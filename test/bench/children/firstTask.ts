/**
 * A process that builds a cold pool and prints the time of its first task, from the layer's build to the outcome of the
 * job with that task. The loading of modules before is not counted.
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
